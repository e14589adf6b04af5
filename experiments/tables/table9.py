"""Table 9: Table 2 with the alphas that were chosen.

make table9
"""

from dataclasses import replace

from experiments.cells.cell import Cell
from experiments.published import TABLE_9_ALPHA
from experiments.roles.instruction_sets import EVOL_INSTRUCT
from experiments.runs.study import NEFT, Study
from experiments.tables import table2
from experiments.tables.table7 import ALPHA


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


ARTIFACT = replace(
    table2.ARTIFACT,
    name="table9",
    title="Table 9: Table 2 with the alphas chosen",
    cells=cells,
)
