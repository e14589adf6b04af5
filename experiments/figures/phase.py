"""Where the effect lives: alpha against learning rate, LLaMA-2 7B on Alpaca.

make phase
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.plots import heatmaps
from experiments.artifact import Artifact, Data
from experiments.measures import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, records_of, table_data
from neftune.spec import Noise

ALPHAS = (0.0, 5.0, 15.0, 30.0, 45.0)
LEARNING_RATES = (1.25e-4, 2.5e-4, 5e-4, 1e-3)
MEASURES = (TRAIN_LOSS, OTHER_LOSS, CHARACTERS, WIN_RATE)


def cells(study: Study) -> list[Cell]:
    """Every alpha with every learning rate."""
    return [
        Cell(
            f"alpha {alpha:g}",
            f"lr {lr:g}",
            measure,
            (study.noisy("alpaca", Noise(alpha), lr=lr),),
            judge="chatgpt",
        )
        for measure in MEASURES
        for alpha in ALPHAS
        for lr in LEARNING_RATES
    ]


def rows(data: Data) -> list[list[str]]:
    """One block of the grid for each measure."""
    table = [["", *(f"lr {lr:g}" for lr in LEARNING_RATES)]]
    for measure in MEASURES:
        for alpha in ALPHAS:
            found = [
                f"{cell['value']:.{cell['digits']}f}"
                for cell in data["cells"]
                if (cell["measure"], cell["row"]) == (measure.title, f"alpha {alpha:g}")
            ]
            table.append([f"{measure.title}: alpha {alpha:g}", *found])
    return table


def draw(data: Data, title: str) -> Figure:
    """One map a measure."""
    panels = {
        measure.title: np.reshape(
            [cell["value"] for cell in data["cells"] if cell["measure"] == measure.title],
            (len(ALPHAS), len(LEARNING_RATES)),
        )
        for measure in MEASURES
    }
    return heatmaps(
        panels,
        title,
        ("learning rate, 1e-4", [f"{1e4 * lr:g}" for lr in LEARNING_RATES]),
        ("alpha", [f"{alpha:g}" for alpha in ALPHAS]),
    )


PHASE = Artifact(
    "phase",
    "Where the effect lives: alpha against learning rate, LLaMA-2 7B on Alpaca",
    "Losses without noise at the end of training, mean length, and win rate by the judge in "
    "ChatGPT's role; each the mean over the seeds.",
    seeds=3,
    needs=lambda study: records_of(cells(study)),
    data=lambda study: table_data(cells(study), "alpha 0"),
    rows=rows,
    draw=draw,
)
