"""Figure 4: the loss of each example without noise, on the training set and on another set.

make figure4
"""

from experiments.cells.artifact import histogram_figure
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences, one
from experiments.cells.metrics import example_loss
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study

SETS = {"train": "Training set (Alpaca)", "other": "Another set (Evol-Instruct)"}
LOSSES = {name: example_loss(name, "mean loss without noise, nats per token") for name in SETS}


def cells(study: Study) -> list[Cell]:
    """Both arms on both sets."""
    return [
        Cell(row, title, LOSSES[name], (runs,))
        for name, title in SETS.items()
        for row, runs in study.arms(ALPACA).items()
    ]


def message(data: Data) -> str:
    """How much both losses change."""
    found = differences(data)
    train, other = (change(one(found, column=title)) for title in SETS.values())
    return f"Noise changes the loss on the training set by {train}, on another set by {other}"


ARTIFACT = histogram_figure(
    "figure4",
    "Figure 4: loss of each example without noise, LLaMA-2 7B on Alpaca",
    "Examples of the training set, and of the training rows of another set; means over "
    "seeds. In the paper noise raises the first and lowers the second.",
    seeds=5,
    cells=cells,
    panel="column",
    x="loss of an example with noise minus without, nats a token",
    message=message,
)
