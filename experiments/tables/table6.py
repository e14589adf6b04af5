"""Table 6: how much noise, and of which distribution.

make table6
"""

import math

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.published import TABLE_6
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS
from experiments.runs.study import BASELINE, Study
from neftune.distributions import DISTRIBUTIONS, Noise

NOISES = {
    BASELINE: Noise(0),
    "+Uniform 5": Noise(5),
    "+Uniform 10": Noise(10),
    "+Uniform 15": Noise(15),
    "+Gaussian 5": Noise(5, "gaussian"),
    "+Gaussian 5/√3": Noise(round(5 / math.sqrt(3), 6), "gaussian"),
    "+Bernoulli 5": Noise(5, "bernoulli"),
}
PUBLISHED = TABLE_6 | {BASELINE: TABLE_6["LLaMA-2 7B"]}


def cells(study: Study) -> list[Cell]:
    """Win rate and length of every noise on every set."""
    found = []
    for place, metric in enumerate((WIN_RATE, CHARACTERS)):
        for dataset in (ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS):
            for row, noise in NOISES.items():
                published = PUBLISHED[row][dataset.role][place] if row in PUBLISHED else None
                runs = study.noisy(dataset, noise)
                found.append(Cell(row, dataset.title, metric, (runs,), published, judge="chatgpt"))
    return found


NORMS = ", ".join(
    f"{row} {noise.alpha * math.sqrt(DISTRIBUTIONS[noise.distribution].variance):.2f}"
    for row, noise in NOISES.items()
    if noise.alpha
)
"""Section 3 of the paper: the norm of a sequence's noise is alpha times the distribution's standard
deviation, whatever L and d are."""

ARTIFACT = table(
    "table6",
    "Table 6: noise level and distribution, LLaMA-2 7B",
    "The last two rows are not in the paper: the Gaussian of the variance of Uniform 5, and random "
    f"signs. Root mean square L2 norm of one sequence's noise: {NORMS}. ChatGPT as judge in the "
    "paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=changes("Whatever its kind and size, noise changes the win rate"),
        row=lambda each: each.row,
        panel=lambda each: f"{each.quantity.name}, {each.column}",
        published="below",
    ),
)
