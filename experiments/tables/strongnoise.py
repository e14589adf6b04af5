"""Table 1 with three times the paper's largest alpha: what noise does that a model clearly feels.

make strongnoise
"""

from dataclasses import replace

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.published import ALPHA_GRID
from experiments.runs.study import BASELINE, Study
from experiments.tables import table1

ALPHA = 45.0


def cells(study: Study) -> list[Cell]:
    """Table 1's cells, without the published numbers, which are for the paper's own alphas."""
    return [replace(cell, published=None) for cell in table1.cells(study.with_alpha(ALPHA))]


ARTIFACT = table(
    "strongnoise",
    "Table 1 with alpha 45, LLaMA-2 7B",
    f"Not in the paper, whose largest alpha is {max(ALPHA_GRID):g}.",
    seeds=5,
    cells=cells,
    against=BASELINE,
)
