"""Table 9: Table 2 with the alphas that were chosen.

make table9
"""

from dataclasses import replace

from experiments.cells.cell import Cell, Data
from experiments.cells.differences import differences, span
from experiments.cells.metrics import WIN_RATE
from experiments.published import TABLE_9_ALPHA
from experiments.roles.instruction_sets import EVOL_INSTRUCT
from experiments.runs.study import NEFT, Study
from experiments.tables import table2
from experiments.tables.table7 import ALPHA, chosen


def cells(study: Study) -> list[Cell]:
    """Table 2's cells and its alphas."""
    return [
        *table2.cells(study),
        *(
            Cell(
                NEFT,
                study.scale.model_title(model),
                ALPHA,
                published=TABLE_9_ALPHA[model],
                constant=study.alpha(EVOL_INSTRUCT, model),
            )
            for model in table2.models(study)
        ),
    ]


def message(data: Data) -> str:
    """Which alphas were chosen, and between which ends the win rates change with them."""
    found = [each for each in differences(data) if each.row == NEFT]
    return f"With {chosen(data)}, noise changes the win rates of further models by {span(found)}"


PICTURE = replace(table2.PICTURE, message=message, metrics=(WIN_RATE.title,), choices=ALPHA.title)
ARTIFACT = replace(
    table2.ARTIFACT,
    name="table9",
    title="Table 9: Table 2 with the alphas chosen",
    cells=cells,
    draw=PICTURE.draw,
)
