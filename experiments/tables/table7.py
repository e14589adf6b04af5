"""Table 7: Table 1 with the alphas that were chosen.

make table7
"""

from dataclasses import replace

from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences, one
from experiments.cells.metrics import setting
from experiments.cells.pictures import Picture
from experiments.published import TABLE_7_ALPHA
from experiments.runs.study import NEFT, Study
from experiments.tables import table1

ALPHA = setting("alpha", digits=0)


def cells(study: Study) -> list[Cell]:
    """Table 1's cells and its alphas."""
    return [
        *table1.cells(study),
        *(
            Cell(NEFT, d.title, ALPHA, published=TABLE_7_ALPHA[d.role], constant=study.alpha(d))
            for d in study.scale.sets
        ),
    ]


def message(data: Data) -> str:
    """Which alphas were chosen, and how much the average win rate changes with them."""
    average = change(one(differences(data), column=table1.AVERAGE))
    return f"With {chosen(data)}, noise changes the win rate by {average} on average"


def chosen(data: Data) -> str:
    """The alphas of a table in words."""
    alphas = sorted({cell["value"] for cell in data["cells"] if cell["metric"] == ALPHA.title})
    if len(alphas) == 1:
        return f"the alpha {alphas[0]:g} that was chosen"
    return f"the alphas {', '.join(f'{a:g}' for a in alphas[:-1])} and {alphas[-1]:g} chosen"


ARTIFACT = replace(
    table1.ARTIFACT,
    name="table7",
    title="Table 7: Table 1 with the alphas chosen",
    cells=cells,
    draw=Picture(message=message, choices=ALPHA.title).draw,
)
