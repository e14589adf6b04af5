"""Table 14: how many epochs, LLaMA-2 7B on Alpaca.

make table14
"""

from experiments.measures import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, also, tabulate

EPOCHS = {
    1: (40.50, 55.09),
    3: (48.26, 62.55),
    5: (48.94, 62.24),
    7: (48.63, 60.50),
    9: (47.45, 58.14),
}


def cells(study: Study) -> list[Cell]:
    """Both arms after each number of epochs, each a training of its own."""
    found = [
        Cell(row, _title(epochs), WIN_RATE, (runs,), told, judge="chatgpt")
        for epochs, (base, neft) in EPOCHS.items()
        for row, runs, told in (
            ("LLaMA-2 7B", study.baseline("alpaca", epochs=epochs), base),
            ("+NEFT", study.neft("alpaca", epochs=epochs), neft),
        )
    ]
    return also(found, CHARACTERS, TRAIN_LOSS, OTHER_LOSS)


def _title(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


TABLE = tabulate(
    "table14",
    "Table 14: epochs, LLaMA-2 7B on Alpaca",
    "Each number of epochs is a training with a schedule of its own. Judge in ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="LLaMA-2 7B",
)
