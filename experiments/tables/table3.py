"""Table 3: QLoRA, one epoch.

make table3
"""

from experiments.measures import WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, tabulate
from neftune.spec import Noise

COLUMNS = {
    "LLaMA-2 7B / Alpaca": ("llama-2-7b", "alpaca", (26.71, 31.43, 28.57, 29.01)),
    "LLaMA-2 7B / Evol": ("llama-2-7b", "evol-instruct", (52.80, 56.96, 54.84, 57.27)),
    "LLaMA-2 13B / Alpaca": ("llama-2-13b", "alpaca", (31.99, 38.20, 41.55, 42.17)),
    "LLaMA-2 13B / Evol": ("llama-2-13b", "evol-instruct", (56.96, 60.99, 61.30, 57.39)),
    "LLaMA-1 30B / Alpaca": ("llama-1-30b", "alpaca", (41.06, 41.12, 43.11, 41.99)),
}
ROWS = {"Base": 0, "+NEFT alpha 5": 5, "+NEFT alpha 10": 10, "+NEFT alpha 15": 15}


def cells(study: Study) -> list[Cell]:
    """Every alpha for every model and set."""
    return [
        Cell(
            row,
            column,
            WIN_RATE,
            (study.noisy(dataset, Noise(alpha), model=model, adapter="qlora", epochs=1),),
            told[place],
            judge="chatgpt",
        )
        for column, (model, dataset, told) in COLUMNS.items()
        if model in study.scale.models
        for place, (row, alpha) in enumerate(ROWS.items())
    ]


TABLE = tabulate(
    "table3",
    "Table 3: QLoRA",
    "NF4 weights (bitsandbytes), an adapter of rank 8 on every linear layer (peft), one epoch. "
    "Win rate, judge in ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="Base",
)
