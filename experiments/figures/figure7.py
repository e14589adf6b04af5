"""Figure 7: singular values of the embeddings' similarity matrix, with and without noise.

make figure7
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.intervals import hierarchical
from analysis.plots import curves
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, values_of
from experiments.cells.metrics import Metric
from experiments.cells.pictures import titled
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import BASELINE, NEFT, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SINGULAR_VALUES = Metric("singular values", ("spectrum",), lambda record: np.array(record.read()))


def cells(study: Study) -> list[Cell]:
    """Both arms."""
    return [
        Cell(arm, ALPACA.title, SINGULAR_VALUES, (runs,))
        for arm, runs in study.arms(ALPACA).items()
    ]


def data(asked: Cells) -> Data:
    """The 100 largest singular values of each arm, with the range over seeds; their changes."""
    points = {
        cell.row: [
            {"x": rank, "value": float(v.mean()), "low": float(v.min()), "high": float(v.max())}
            for rank, v in enumerate(values_of(cell).T, start=1)
        ]
        for cell in asked
    }
    base, neft = (np.array([p["value"] for p in points[arm]]) for arm in points)
    values = {cell.row: values_of(cell) for cell in asked}
    changes = 100 * (values[NEFT] / values[BASELINE] - 1)
    return {
        "points": points,
        "largest relative difference": float(np.max(np.abs(neft / base - 1))),
        "changes, %": [
            {"x": rank, **vars(hierarchical(changes[:, [rank - 1]]))}
            for rank in range(1, changes.shape[1] + 1)
        ],
    }


def rows(found: Data) -> list[list[str]]:
    """Some of the values."""
    ranks = (1, 2, 5, 10, 20, 50, 100)
    table = [["singular value number", *map(str, ranks)]]
    for arm, points in found["points"].items():
        table.append([arm, *(f"{points[rank - 1]['value']:.3f}" for rank in ranks)])
    largest = f"{100 * found['largest relative difference']:.3f}%"
    return [*table, ["largest difference of all 100", largest, *[""] * (len(ranks) - 1)]]


def draw(found: Data, title: str) -> Figure:
    """The change of each singular value."""
    largest = 100 * found["largest relative difference"]
    message = f"Noise changes none of the 100 largest singular values by more than {largest:.3f}%"
    panels = {"With noise minus without, and its 95% interval": {"": found["changes, %"]}}
    return curves(
        panels,
        titled(message, title),
        "number of the singular value",
        "change of the singular value, %",
        zero=True,
    )


ARTIFACT = Artifact(
    "figure7",
    "Figure 7: singular values of the embeddings' similarity, LLaMA-2 7B on Alpaca",
    "The 100 largest singular values of E E^T, E being the embedding matrix after fine-tuning; "
    "mean over seeds. Published: the same with and without noise.",
    seeds=3,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
