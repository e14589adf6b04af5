"""Table 2: further models, fine-tuned on Evol-Instruct.

make table2
"""

from experiments.measures import CHARACTERS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, also, tabulate

MODELS = {
    "LLaMA-2 7B": ("llama-2-7b", 70.34, 79.60),
    "LLaMA-2-Chat 7B": ("llama-2-chat-7b", 74.44, 81.74),
    "LLaMA-2 13B": ("llama-2-13b", 72.61, 82.04),
    "LLaMA-2 70B": ("llama-2-70b", 75.03, 88.81),
}


def cells(study: Study) -> list[Cell]:
    """Both arms for each model, and the chat model as it was before."""
    found = [
        Cell(row, title, WIN_RATE, (runs,), told)
        for title, (model, base, neft) in MODELS.items()
        if model in study.scale.models
        for row, runs, told in (
            ("Evol-Instruct", study.baseline("evol-instruct", model=model), base),
            ("+NEFT", study.neft("evol-instruct", model=model), neft),
        )
    ]
    before = study.baseline("sharegpt", model="llama-2-chat-7b", epochs=0)[:1]
    found.append(Cell("before fine-tuning", "LLaMA-2-Chat 7B", WIN_RATE, (before,), 71.37))
    return also(found, CHARACTERS)


TABLE = tabulate(
    "table2",
    "Table 2: further models on Evol-Instruct",
    "AlpacaEval win rate, judge in GPT-4's role.",
    seeds=5,
    cells=cells,
    against="Evol-Instruct",
)
