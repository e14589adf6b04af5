"""Table 8: the alpha that was chosen for each model and instruction set.

make table8
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.published import ALPHA_GRID, TABLE_8
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS, SHAREGPT
from experiments.roles.models import MODELS
from experiments.runs.study import Study
from experiments.tables.table7 import ALPHA


def cells(study: Study) -> list[Cell]:
    """One alpha for each model and set."""
    return [
        Cell(
            MODELS[model].title,
            dataset.title,
            ALPHA,
            published=TABLE_8[model][dataset.role],
            constant=study.alpha(dataset, model),
        )
        for model in TABLE_8
        if model in study.scale.models
        for dataset in (ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS, SHAREGPT)
    ]


ARTIFACT = table(
    "table8",
    "Table 8: the alpha chosen for each model and set",
    f"The best of {', '.join(f'{alpha:g}' for alpha in ALPHA_GRID)} on validation instructions by "
    "the judge in ChatGPT's role, "
    "or the paper's own where none was chosen anew; `selection.json` has every trial.",
    seeds=1,
    cells=cells,
)
