"""Tables 7, 8 and 9: the alphas that were used.

make table7            make table8            make table9
"""

from experiments.measures import number
from experiments.paper import DATASET_TITLES, TABLE_1_ALPHA, TABLE_2_ALPHA, TABLE_8_ALPHA
from experiments.selection import SEVEN_B
from experiments.study import Study
from experiments.tables import table1, table2
from experiments.tabulate import Cell, tabulate

ALPHA = number("alpha", digits=0)
TITLES = {"opt-6.7b": "OPT 6.7B", "llama-1-7b": "LLaMA-1 7B", "llama-2-7b": "LLaMA-2 7B"}


def cells(study: Study) -> list[Cell]:
    """Table 8: one alpha for each model and set."""
    return [
        Cell(
            TITLES[model],
            DATASET_TITLES[dataset],
            ALPHA,
            published=TABLE_8_ALPHA[model][dataset],
            constant=study.alpha(dataset, model),
        )
        for model in reversed(SEVEN_B)
        for dataset in ("alpaca", "evol-instruct", "open-platypus", "sharegpt")
    ]


def table7_cells(study: Study) -> list[Cell]:
    """Table 1 and its alphas."""
    return [
        *table1.cells(study),
        *(
            Cell("+NEFT", title, ALPHA, published=TABLE_1_ALPHA[d], constant=study.alpha(d))
            for d, title in DATASET_TITLES.items()
        ),
    ]


def table9_cells(study: Study) -> list[Cell]:
    """Table 2 and its alphas."""
    return [
        *table2.cells(study),
        *(
            Cell(
                "+NEFT",
                title,
                ALPHA,
                published=TABLE_2_ALPHA[model],
                constant=study.alpha("evol-instruct", model),
            )
            for title, (model, _, _) in table2.MODELS.items()
            if model in study.scale.models
        ),
    ]


TABLE = tabulate(
    "table8",
    "Table 8: the alpha chosen for each model and set",
    "The best of 5, 10 and 15 on validation instructions by the judge in ChatGPT's role; "
    "`selection.json` has every trial.",
    seeds=1,
    cells=cells,
)
TABLE_7 = tabulate(
    "table7",
    "Table 7: Table 1 with the alphas chosen",
    table1.TABLE.about,
    seeds=table1.TABLE.seeds,
    cells=table7_cells,
    against="LLaMA-2 7B",
)
TABLE_9 = tabulate(
    "table9",
    "Table 9: Table 2 with the alphas chosen",
    table2.TABLE.about,
    seeds=table2.TABLE.seeds,
    cells=table9_cells,
    against="Evol-Instruct",
)
