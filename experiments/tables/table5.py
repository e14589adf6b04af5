"""Table 5: does asking for longer answers do the same? LLaMA-1 7B on Alpaca.

make table5
"""

import statistics

from experiments.jobs import outputs_file
from experiments.measures import CHARACTERS, WIN_RATE, Runs
from experiments.records import responses
from experiments.study import Study
from experiments.tabulate import Cell, tabulate

PUBLISHED = {
    "NEFT": (61.99, 1058.46),
    "Long + Comprehensive": (48.01, 620.74),
    "Long": (44.84, 614.21),
    "Comprehensive": (42.14, 494.85),
    "Min new tokens": (38.58, 1110.97),
    "Alpaca-7B": (32.36, 375.22),
}


def matched_minimum(neft: Runs) -> str:
    """The condition whose minimum of new tokens is the NEFT model's mean length in tokens."""
    from transformers import AutoTokenizer

    if not all(outputs_file(run.folder, "test").exists() for run in neft):
        return "min-1"
    tokenizer = AutoTokenizer.from_pretrained(neft[0].at.base(neft[0].model))
    texts = [text for run in neft for text in responses(run, "test")]
    return f"min-{round(statistics.mean(map(len, tokenizer(texts)['input_ids'])))}"


def cells(study: Study) -> list[Cell]:
    """The model with noise, and the one without in six ways."""
    base = study.baseline("alpaca", model="llama-1-7b")
    neft = study.neft("alpaca", model="llama-1-7b")
    asked = {
        "NEFT": (neft, "test"),
        "Long + Comprehensive": (base, "long-comprehensive"),
        "Long": (base, "long"),
        "Comprehensive": (base, "comprehensive"),
        "Min new tokens": (base, matched_minimum(neft)),
        "Alpaca-7B": (base, "test"),
    }
    return [
        Cell(row, column, measure, (runs,), PUBLISHED[row][place], condition=condition)
        for place, (column, measure) in enumerate(
            (("win rate, %", WIN_RATE), ("characters", CHARACTERS))
        )
        for row, (runs, condition) in asked.items()
    ]


TABLE = tabulate(
    "table5",
    "Table 5: longer prompts and a minimum length, LLaMA-1 7B on Alpaca",
    "The prompts are added to each instruction (the judge does not see them); the minimum of new "
    "tokens is the mean length of the NEFT model's answers. Judge in GPT-4's role.",
    seeds=3,
    cells=cells,
    against="Alpaca-7B",
)
