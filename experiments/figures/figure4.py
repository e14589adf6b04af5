"""Figure 4: the loss of each example without noise, on the training set and on another set.

make figure4
"""

import numpy as np
from matplotlib.figure import Figure

from analysis.plots import histograms
from experiments.artifact import Artifact, Data
from experiments.measures import example_loss
from experiments.study import Study
from experiments.tabulate import Cell, records_of, table_data, table_rows, values_of

SETS = {"train": "Training set (Alpaca)", "other": "Another set (Evol-Instruct)"}


def cells(study: Study) -> list[Cell]:
    """Both arms on both sets."""
    arms = {"baseline": study.baseline("alpaca"), "+NEFT": study.neft("alpaca")}
    return [
        Cell(row, title, LOSSES[name], (runs,))
        for name, title in SETS.items()
        for row, runs in arms.items()
    ]


LOSSES = {name: example_loss(name, "mean loss without noise, nats per token") for name in SETS}


def data(study: Study) -> Data:
    """The means with their intervals, and each example's loss averaged over seeds."""
    asked = cells(study)
    losses: dict[str, dict[str, list[float]]] = {}
    for cell in asked:
        mean = np.round(values_of(cell).mean(axis=0), 4)
        losses.setdefault(cell.column, {})[cell.row] = mean.tolist()
    return table_data(asked, "baseline") | {"losses": losses}


def draw(found: Data, title: str) -> Figure:
    """Two histograms, each with both arms."""
    return histograms(found["losses"], title, ["loss of an example, nats per token"] * 2)


FIGURE = Artifact(
    "figure4",
    "Figure 4: loss of each example without noise, LLaMA-2 7B on Alpaca",
    "Every example of the training set, and of the training rows of another set; means over "
    "seeds. In the paper noise raises the first and lowers the second.",
    seeds=5,
    needs=lambda study: records_of(cells(study)),
    data=data,
    rows=table_rows,
    draw=draw,
)
