"""Where the effect of noise lies: alpha against learning rate, LLaMA-2 7B on Alpaca.

make phase
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.forest import signed
from analysis.plots import heatmaps
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, table_data
from experiments.cells.differences import Difference, differences, span
from experiments.cells.metrics import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE, Metric
from experiments.cells.pictures import titled
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study
from neftune.distributions import Noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALPHAS = (0.0, 5.0, 15.0, 45.0)
NO_NOISE = "alpha 0"
METRICS = (TRAIN_LOSS, OTHER_LOSS, CHARACTERS, WIN_RATE)


def cells(study: Study) -> list[Cell]:
    """Every alpha with every learning rate of the grid but its ends."""
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
        for lr in study.scale.lr_grid[1:-1]
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


def message(data: Data) -> str:
    """Between which ends the win rate changes."""
    return (
        f"Over alphas and learning rates noise changes the win rate by {span(_of(data, WIN_RATE))}"
    )


def draw(data: Data, title: str) -> Figure:
    """One map a metric: the difference from alpha 0 at the same learning rate."""
    rates = list(dict.fromkeys(cell["column"] for cell in data["cells"]))
    alphas = [row for row in dict.fromkeys(c["row"] for c in data["cells"]) if row != NO_NOISE]
    panels, texts = {}, {}
    for metric in METRICS:
        found = {(d.row, d.column): d for d in _of(data, metric)}
        grid = [[found[alpha, rate] for rate in rates] for alpha in alphas]
        told = grid[0][0].quantity
        name = f"{told.name[:1].upper()}{told.name[1:]}, {told.unit}"
        panels[name] = np.array([[each.value for each in line] for line in grid])
        texts[name] = [[_text(each) for each in line] for line in grid]
    note = "Differences from alpha 0 at the same learning rate; *: the 95% interval excludes 0"
    return heatmaps(
        panels,
        titled(message(data), f"{title}\n{note}"),
        ("learning rate", [rate.removeprefix("lr ") for rate in rates]),
        ("alpha", [alpha.removeprefix("alpha ") for alpha in alphas]),
        texts=texts,
        diverging=True,
    )


def _of(data: Data, metric: Metric) -> list[Difference]:
    return differences(data, metric.title)


def _text(difference: Difference) -> str:
    star = "*" if difference.resolved else ""
    return signed(difference.value, difference.quantity.digits) + star


ARTIFACT = Artifact(
    "phase",
    "Alpha against learning rate, LLaMA-2 7B on Alpaca",
    "Losses without noise at the end of training, mean length, and win rate by the judge in "
    "ChatGPT's role; each the mean over the seeds. Not in the paper.",
    seeds=3,
    cells=cells,
    data=lambda asked: table_data(asked, NO_NOISE),
    rows=rows,
    draw=draw,
)
