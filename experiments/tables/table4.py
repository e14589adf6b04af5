"""Table 4: length, repetition and diversity of the answers.

make table4
"""

import statistics

import numpy as np

from experiments.jobs import outputs_file
from experiments.measures import (
    CHARACTERS,
    WORDS,
    Measure,
    Runs,
    log_diversity,
    number,
    plain_log_diversity,
    repetition,
)
from experiments.paper import DATASET_TITLES
from experiments.records import responses
from experiments.study import Study
from experiments.tabulate import Cell, tabulate

PUBLISHED = {
    "Training data": {CHARACTERS.title: (270.31, 1356.43, 1276.76, 649.39)},
    "LLaMA-2 7B": {
        CHARACTERS.title: (375.22, 864.06, 1011.28, 1100.98),
        WORDS.title: (60.5, 138.99, 161.04, 170.41),
        "2-gram repetition, %": (1.49, 3.87, 4.82, 2.73),
        "log-diversity, as published": (15.97, 10.65, 8.40, 9.96),
    },
    "+NEFT": {
        CHARACTERS.title: (1061.89, 1403.59, 1496.86, 1694.26),
        WORDS.title: (169.36, 225.56, 234.99, 264.12),
        "2-gram repetition, %": (1.72, 3.79, 4.58, 3.21),
        "log-diversity, as published": (16.41, 10.77, 8.60, 9.64),
    },
}


def cut_off(arms: tuple[Runs, ...]) -> int:
    """How many words are looked at: as many as half of each run's responses have.

    This is the paper's rule for its cut-offs of 50, 100, 150 and 150.

    Args:
        arms: the runs that are to be compared; 1 as long as they have not answered.
    """
    if not all(outputs_file(run.folder, "test").exists() for runs in arms for run in runs):
        return 1
    medians = [
        statistics.median_high([len(text.split()) for text in responses(run, "test")])
        for runs in arms
        for run in runs
    ]
    return int(min(medians))


def measures(words: int) -> tuple[Measure, ...]:
    """What is measured, with a cut-off of so many words."""
    return (
        CHARACTERS,
        WORDS,
        *(repetition(n, words) for n in (2, 3, 4)),
        log_diversity(words),
        plain_log_diversity(words),
    )


def cells(study: Study) -> list[Cell]:
    """Both arms and the training data on each set."""
    found = []
    for place, (dataset, title) in enumerate(DATASET_TITLES.items()):
        arms = {"LLaMA-2 7B": study.baseline(dataset), "+NEFT": study.neft(dataset)}
        written = [_answer(row) for row in study.scale.rows(dataset, "train")]
        mean = float(np.mean([len(text) for text in written]))
        known = PUBLISHED["Training data"][CHARACTERS.title][place]
        found.append(Cell("Training data", title, CHARACTERS, published=known, constant=mean))
        words = cut_off(tuple(arms.values()))
        found.append(Cell("both", title, number("words looked at", 0), constant=float(words)))
        for measure in measures(words):
            for row, runs in arms.items():
                told = PUBLISHED[row].get(measure.title)
                found.append(Cell(row, title, measure, (runs,), told[place] if told else None))
    return found


def _answer(row: object) -> str:
    assert isinstance(row, dict)
    return str(row["conversations"][1]["value"] if "conversations" in row else row["output"])


TABLE = tabulate(
    "table4",
    "Table 4: length, repetition and diversity",
    "Responses to the evaluation's instructions. Repetition and diversity look at the first "
    "words of each response, as many as at least half of the responses have; shorter ones are "
    "dropped. Log-diversity is given as published (with its second division by 100) and as its "
    "formula means it; 3- and 4-gram repetition are not in the paper.",
    seeds=5,
    cells=cells,
    against="LLaMA-2 7B",
)
