"""Table 13: training on shorter or longer pieces of conversations, LLaMA-2 7B on ShareGPT.

make table13
"""

from experiments.measures import CHARACTERS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, also, tabulate

COLUMNS = {
    "one exchange (512)": ("sharegpt", 63.48, 64.22),
    "two exchanges (1024)": ("sharegpt-1024", 61.68, 64.35),
}


def cells(study: Study) -> list[Cell]:
    """Both arms on both cuts."""
    found = [
        Cell(row, column, WIN_RATE, (runs,), told, judge="chatgpt")
        for column, (dataset, base, neft) in COLUMNS.items()
        for row, runs, told in (
            ("ShareGPT", study.baseline(dataset), base),
            ("+NEFT", study.neft(dataset), neft),
        )
    ]
    return also(found, CHARACTERS)


TABLE = tabulate(
    "table13",
    "Table 13: training sequence length, LLaMA-2 7B on ShareGPT",
    "The laboratory's conversations are short; where the paper cuts them to 512 or 1,024 tokens, "
    "they are cut to one exchange or two, the same conversations in both columns. Judge in "
    "ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="ShareGPT",
)
