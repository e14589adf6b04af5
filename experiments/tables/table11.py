"""Table 11: which parts train, LLaMA-2 7B on Alpaca.

make table11
"""

from experiments.measures import CHARACTERS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, also, tabulate

PUBLISHED = {
    "standard fine-tuning": 48.26,
    "NEFT": 62.55,
    "NEFT, embedding frozen": 61.06,
    "NEFT, LM head frozen": 61.12,
    "NEFT, attention frozen": 22.17,
    "no fine-tuning": 22.17,
}


def cells(study: Study) -> list[Cell]:
    """Each row of the paper, and one with whole blocks frozen."""
    rows = {
        "standard fine-tuning": study.baseline("alpaca"),
        "NEFT": study.neft("alpaca"),
        "NEFT, embedding frozen": study.neft("alpaca", frozen=("embedding",)),
        "NEFT, LM head frozen": study.neft("alpaca", frozen=("lm_head",)),
        "NEFT, attention frozen": study.neft("alpaca", frozen=("attention",)),
        "NEFT, whole blocks frozen": study.neft("alpaca", frozen=("blocks",)),
        "no fine-tuning": study.baseline("alpaca", epochs=0)[:1],
    }
    found = [
        Cell(row, "Alpaca", WIN_RATE, (runs,), PUBLISHED.get(row), judge="chatgpt")
        for row, runs in rows.items()
    ]
    return also(found, CHARACTERS)


TABLE = tabulate(
    "table11",
    "Table 11: which parts train, LLaMA-2 7B on Alpaca",
    "Output layer and embedding are untied, as in LLaMA-2. The paper's row of frozen attention "
    "blocks scores what the untuned model scores; so two readings of it are measured: the "
    "self-attention frozen, and whole blocks frozen. Judge in ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="NEFT",
)
