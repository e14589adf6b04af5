"""Figure 2: three models of 7B size on the four instruction sets, with and without noise.

make figure2
"""

from experiments.measures import WIN_RATE
from experiments.paper import DATASET_TITLES
from experiments.selection import SEVEN_B
from experiments.study import Study
from experiments.tables.table8 import TITLES
from experiments.tabulate import Cell, tabulate


def cells(study: Study) -> list[Cell]:
    """Both arms for each model and set; the paper gives no numbers for this figure."""
    return [
        Cell(row, f"{TITLES[model]} / {title}", WIN_RATE, (runs,), judge="chatgpt")
        for model in reversed(SEVEN_B)
        for dataset, title in DATASET_TITLES.items()
        for row, runs in study.arms(dataset, model=model).items()
    ]


FIGURE = tabulate(
    "figure2",
    "Figure 2: three base models on four sets",
    "AlpacaEval win rate, judge in ChatGPT's role. OPT's counterpart saw 9% of the tokens and "
    "knows few facts, as its card says.",
    seeds=3,
    cells=cells,
    against="baseline",
)
