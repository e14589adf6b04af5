"""Table 6: how much noise, and of which distribution.

make table6
"""

import math

from experiments.measures import CHARACTERS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, tabulate
from neftune.noise import expected_norm
from neftune.spec import Noise

NOISES = {
    "LLaMA-2 7B": Noise(0),
    "+Uniform 5": Noise(5),
    "+Uniform 10": Noise(10),
    "+Uniform 15": Noise(15),
    "+Gaussian 5": Noise(5, "gaussian"),
    "+Gaussian 5/√3": Noise(round(5 / math.sqrt(3), 6), "gaussian"),
    "+Bernoulli 5": Noise(5, "bernoulli"),
}
COLUMNS = {
    "alpaca": (
        "Alpaca",
        ((48.26, 375.22), (62.55, 1061.89), (61.18, 1009.94), (61.86, 819.61), (60.93, 1371.32)),
    ),
    "evol-instruct": (
        "Evol-Instruct",
        ((62.55, 864.06), (67.58, 1403.59), (65.59, 1696.88), (66.58, 1650.65), (65.09, 2065.75)),
    ),
    "open-platypus": (
        "OpenPlatypus",
        ((57.20, 1100.98), (60.99, 1428.31), (60.62, 1833.85), (61.74, 1694.26), (59.13, 2060.92)),
    ),
}


def cells(study: Study) -> list[Cell]:
    """Win rate and length of every noise on every set."""
    found = []
    for place, measure in enumerate((WIN_RATE, CHARACTERS)):
        for dataset, (column, told) in COLUMNS.items():
            for number, (row, noise) in enumerate(NOISES.items()):
                published = told[number][place] if number < len(told) else None
                runs = study.noisy(dataset, noise)
                found.append(Cell(row, column, measure, (runs,), published, judge="chatgpt"))
    return found


NORMS = ", ".join(
    f"{row[1:]} {expected_norm(noise):.2f}" for row, noise in NOISES.items() if noise.alpha
)

TABLE = tabulate(
    "table6",
    "Table 6: noise level and distribution, LLaMA-2 7B",
    "The last two rows are not in the paper: the Gaussian of the variance of Uniform 5, and random "
    f"signs. Root mean square L2 norm of one sequence's noise: {NORMS}. Judge in ChatGPT's role.",
    seeds=5,
    cells=cells,
    against="LLaMA-2 7B",
)
