"""Table 14: how many epochs, LLaMA-2 7B on Alpaca.

make table14
"""

from experiments.measures import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, tabulate

EPOCHS = {
    1: (40.50, 55.09),
    3: (48.26, 62.55),
    5: (48.94, 62.24),
    7: (48.63, 60.50),
    9: (47.45, 58.14),
}


def cells(study: Study) -> list[Cell]:
    """Both arms after each number of epochs, each a training of its own."""
    return [
        Cell(
            row,
            f"{epochs} {'epoch' if epochs == 1 else 'epochs'}",
            measure,
            (runs,),
            told if measure is WIN_RATE else None,
            judge="chatgpt",
        )
        for measure in (WIN_RATE, CHARACTERS, TRAIN_LOSS, OTHER_LOSS)
        for epochs, (base, neft) in EPOCHS.items()
        for row, runs, told in (
            ("LLaMA-2 7B", study.baseline("alpaca", epochs=epochs), base),
            ("+NEFT", study.neft("alpaca", epochs=epochs), neft),
        )
    ]


TABLE = tabulate(
    "table14",
    "Table 14: epochs, LLaMA-2 7B on Alpaca",
    "Each number of epochs is a training with a schedule of its own. Judge in ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="LLaMA-2 7B",
)
