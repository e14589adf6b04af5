"""Figure 8: how many tokens of the whole vocabulary flip, by alpha and sequence length.

make figure8
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, table_data
from experiments.cells.metrics import Metric
from experiments.cells.pictures import titled
from experiments.figures.figure6 import flip_map, flip_message, flip_rows
from experiments.published import FIGURE_8_LARGEST_SHARE
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.flips import ALPHAS, LENGTHS
from experiments.runs.record import Numbers, Record
from experiments.runs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _share(length: int, alpha: float) -> Metric:
    def values(record: Record) -> Numbers:
        found = record.read()
        count = found["tokens of the vocabulary"][str(length)][f"{alpha:g}"]
        return np.array([100 * count / found["vocabulary"]])

    return Metric("tokens of the vocabulary that flip, %", ("flips",), values)


def cells(study: Study) -> list[Cell]:
    """LLaMA-2 7B's embedding under every alpha and length; nothing is trained."""
    base = study.baseline(ALPACA, epochs=0)[:1]
    return [
        Cell(f"alpha {alpha:g}", f"L = {length}", _share(length, alpha), (base,), x=alpha)
        for length in LENGTHS
        for alpha in ALPHAS
    ]


def _draw(data: Data, title: str) -> Figure:
    message = flip_message(data, "the vocabulary, depending on L,")
    lines = titled(
        message, f"{title}\nPublished: at most {FIGURE_8_LARGEST_SHARE:g}% of 32,000 tokens"
    )
    return flip_map(data, lines, "Tokens of the vocabulary that flip, %")


ARTIFACT = Artifact(
    "figure8",
    "Figure 8: flips over the whole vocabulary, by alpha and sequence length",
    "The embedding of the model in LLaMA-2 7B's role, every token of its vocabulary, one draw of "
    "the noise. Published: at "
    f"most {FIGURE_8_LARGEST_SHARE:g}% of 32,000.",
    seeds=1,
    cells=cells,
    data=lambda asked: table_data(asked, None),
    rows=flip_rows,
    draw=_draw,
)
