"""Where the effect of noise lies: alpha against learning rate, LLaMA-2 7B on Alpaca.

make phase
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.plots import heatmaps
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, table_data
from experiments.cells.metrics import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study
from neftune.distributions import Noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALPHAS = (0.0, 5.0, 15.0, 45.0)
METRICS = (TRAIN_LOSS, OTHER_LOSS, CHARACTERS, WIN_RATE)


def cells(study: Study) -> list[Cell]:
    """Every alpha with every learning rate."""
    return [
        Cell(
            f"alpha {alpha:g}",
            f"lr {lr:g}",
            metric,
            (study.noisy(ALPACA, Noise(alpha), lr=lr),),
            judge="chatgpt",
            x=lr,
        )
        for metric in METRICS
        for alpha in ALPHAS
        for lr in study.scale.lr_grid
    ]


def rows(data: Data) -> list[list[str]]:
    """One block of the grid for each metric."""
    cells = data["cells"]
    columns = list(dict.fromkeys(cell["column"] for cell in cells))
    table = [["", *columns]]
    blocks = dict.fromkeys((cell["metric"], cell["row"]) for cell in cells)
    for metric, row in blocks:
        found = [
            f"{cell['value']:.{cell['digits']}f}"
            for cell in cells
            if (cell["metric"], cell["row"]) == (metric, row)
        ]
        table.append([f"{metric}: {row}", *found])
    return table


def draw(data: Data, title: str) -> Figure:
    """One map a metric."""
    cells = data["cells"]
    rates = sorted({cell["x"] for cell in cells})
    panels = {
        metric.title: np.reshape(
            [cell["value"] for cell in cells if cell["metric"] == metric.title],
            (len(ALPHAS), len(rates)),
        )
        for metric in METRICS
    }
    return heatmaps(
        panels,
        title,
        ("learning rate, 1e-4", [f"{1e4 * lr:g}" for lr in rates]),
        ("alpha", [f"{alpha:g}" for alpha in ALPHAS]),
    )


ARTIFACT = Artifact(
    "phase",
    "Alpha against learning rate, LLaMA-2 7B on Alpaca",
    "Losses without noise at the end of training, mean length, and win rate by the judge in "
    "ChatGPT's role; each the mean over the seeds. Not in the paper.",
    seeds=3,
    cells=cells,
    data=lambda asked: table_data(asked, "alpha 0"),
    rows=rows,
    draw=draw,
)
