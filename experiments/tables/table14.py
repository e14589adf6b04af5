"""Table 14: how many epochs, LLaMA-2 7B on Alpaca.

make table14
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, also
from experiments.cells.metrics import CHARACTERS, OTHER_LOSS, TRAIN_LOSS, WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.published import TABLE_14
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import BASELINE, Study


def cells(study: Study) -> list[Cell]:
    """Both arms after each number of epochs, each a training of its own."""
    found = [
        Cell(row, _title(epochs), WIN_RATE, (runs,), number, judge="chatgpt")
        for epochs, published in TABLE_14.items()
        for (row, runs), number in zip(
            study.arms(ALPACA, epochs=epochs).items(), published, strict=True
        )
    ]
    return also(found, CHARACTERS, TRAIN_LOSS, OTHER_LOSS)


def _title(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


ARTIFACT = table(
    "table14",
    "Table 14: epochs, LLaMA-2 7B on Alpaca",
    "Each number of epochs is a training with a schedule of its own. ChatGPT as judge in the "
    "paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=changes("After 1 to 9 epochs, noise changes the win rate"),
        metrics=(WIN_RATE.title, CHARACTERS.title, TRAIN_LOSS.title, OTHER_LOSS.title),
        columns=3,
    ),
)
