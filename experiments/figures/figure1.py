"""Figure 1: Table 1 as bars.

make figure1
"""

from experiments.measures import WIN_RATE
from experiments.study import Study
from experiments.tables import table1
from experiments.tabulate import Cell, tabulate


def cells(study: Study) -> list[Cell]:
    """Table 1's win rates."""
    return [cell for cell in table1.cells(study) if cell.measure is WIN_RATE]


FIGURE = tabulate(
    "figure1",
    "Figure 1: win rate with and without noise",
    table1.TABLE.about,
    seeds=table1.TABLE.seeds,
    cells=cells,
    against="LLaMA-2 7B",
)
