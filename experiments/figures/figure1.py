"""Figure 1: the win rates of Table 1, as a picture.

make figure1
"""

from dataclasses import replace

from experiments.cells.cell import Cell
from experiments.cells.metrics import WIN_RATE
from experiments.cells.pictures import Picture
from experiments.runs.study import Study
from experiments.tables import table1


def cells(study: Study) -> list[Cell]:
    """Table 1's win rates."""
    return [cell for cell in table1.cells(study) if cell.metric is WIN_RATE]


ARTIFACT = replace(
    table1.ARTIFACT,
    name="figure1",
    title="Figure 1: win rate with and without noise",
    cells=cells,
    draw=Picture(message=table1.message).draw,
)
