"""Table 13: training on shorter or longer pieces of conversations, LLaMA-2 7B on ShareGPT.

make table13
"""

from dataclasses import replace

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data, also
from experiments.cells.differences import change, differences
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture
from experiments.published import TABLE_13
from experiments.roles.instruction_sets import SHAREGPT
from experiments.runs.study import BASELINE, Study


def cells(study: Study) -> list[Cell]:
    """Both arms on both cuts."""
    found = [
        Cell(row, f"pieces of {tokens} tokens", WIN_RATE, (runs,), number, judge="chatgpt")
        for tokens, published in TABLE_13.items()
        for (row, runs), number in zip(
            study.arms(replace(SHAREGPT, piece_tokens=tokens)).items(), published, strict=True
        )
    ]
    return also(found, CHARACTERS)


def message(data: Data) -> str:
    """How much noise changes the win rate with each length of the pieces."""
    told = (f"{change(each)} with {each.column}" for each in differences(data))
    return f"Noise changes the win rate by {', by '.join(told)}"


ARTIFACT = table(
    "table13",
    "Table 13: training sequence length, LLaMA-2 7B on ShareGPT",
    "Conversations are cut into pieces of whole exchanges of at most 512 or 1,024 tokens. ChatGPT "
    "as judge in the paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(message=message, metrics=(WIN_RATE.title, CHARACTERS.title)),
)
