"""Table 7: Table 1 with the alphas that were chosen.

make table7
"""

from dataclasses import replace

from experiments.cells.cell import Cell
from experiments.cells.metrics import setting
from experiments.published import TABLE_7_ALPHA
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs.study import NEFT, Study
from experiments.tables import table1

ALPHA = setting("alpha", digits=0)


def cells(study: Study) -> list[Cell]:
    """Table 1's cells and its alphas."""
    return [
        *table1.cells(study),
        *(
            Cell(NEFT, d.title, ALPHA, published=TABLE_7_ALPHA[role], constant=study.alpha(d))
            for role, d in INSTRUCTION_SETS.items()
        ),
    ]


ARTIFACT = replace(
    table1.ARTIFACT,
    name="table7",
    title="Table 7: Table 1 with the alphas chosen",
    cells=cells,
)
