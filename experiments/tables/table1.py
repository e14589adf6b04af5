"""Table 1: AlpacaEval win rate with and without noise, LLaMA-2 7B on four instruction sets.

make table1            make table1 SEEDS=1
"""

from experiments.measures import (
    CHARACTERS,
    DRAWS,
    LENGTH_CONTROLLED,
    OTHER_LOSS,
    TRAIN_LOSS,
    WIN_RATE,
)
from experiments.paper import DATASET_TITLES, TABLE_1
from experiments.study import Study
from experiments.tabulate import Cell, tabulate

ARMS = {"baseline": "LLaMA-2 7B", "neft": "+NEFT"}


def cells(study: Study) -> list[Cell]:
    """Both arms on each set and on average; below the win rates, what else differs."""
    runs = {
        "baseline": {dataset: study.baseline(dataset) for dataset in DATASET_TITLES},
        "neft": {dataset: study.neft(dataset) for dataset in DATASET_TITLES},
    }
    found = []
    for measure in (WIN_RATE, LENGTH_CONTROLLED, CHARACTERS, DRAWS, TRAIN_LOSS, OTHER_LOSS):
        told = TABLE_1 if measure is WIN_RATE else {"baseline": {}, "neft": {}}
        for arm, label in ARMS.items():
            for dataset, title in DATASET_TITLES.items():
                group = (runs[arm][dataset],)
                found.append(Cell(label, title, measure, group, told[arm].get(dataset)))
            if measure is LENGTH_CONTROLLED:
                continue
            every = tuple(runs[arm].values())
            found.append(Cell(label, "Average", measure, every, told[arm].get("average")))
    return found


TABLE = tabulate(
    "table1",
    "Table 1: win rate with and without noise, LLaMA-2 7B",
    "AlpacaEval win rate against the reference, judge in GPT-4's role.",
    seeds=5,
    cells=cells,
    against="LLaMA-2 7B",
)
