"""Table 4: length, repetition and diversity of the answers.

make table4
"""

import statistics
from functools import partial

import numpy as np

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import differences, span
from experiments.cells.metrics import (
    CHARACTERS,
    WORDS,
    Metric,
    log_diversity,
    plain_log_diversity,
    repetition,
    texts,
)
from experiments.cells.pictures import Picture
from experiments.published import TABLE_4
from experiments.roles.instruction_sets import InstructionSet
from experiments.runs.record import Record
from experiments.runs.study import BASELINE, NEFT, Runs, Study
from experiments.scales.scale import Row, Scale

PUBLISHED = {BASELINE: TABLE_4["LLaMA-2 7B"], NEFT: TABLE_4["+NEFT"]}
TRAINING_DATA = "training data"


def cut_off(arms: tuple[Runs, ...]) -> int:
    """How many words are looked at: as many as half of each run's responses have.

    This is the paper's rule for its own cut-offs (`published.TABLE_4_WORDS`).

    Args:
        arms: the runs that are to be compared.
    """
    medians = [
        statistics.median_high([len(text.split()) for text in texts(Record(run, "responses"))])
        for runs in arms
        for run in runs
    ]
    return int(min(medians))


def metrics(arms: tuple[Runs, ...]) -> dict[str, Metric]:
    """What is measured of some arms, by the name in `TABLE_4`; the cut-off is common to them."""
    words = partial(cut_off, arms)
    looked_at = Metric(
        "words looked at", ("responses",), lambda record: np.array([float(words())]), 0
    )
    return {
        "characters": CHARACTERS,
        "words": WORDS,
        "words looked at": looked_at,
        **{f"{n}-gram repetition": repetition(n, words) for n in (2, 3, 4)},
        "log-diversity": log_diversity(words),
        "plain log-diversity": plain_log_diversity(words),
    }


def cells(study: Study) -> list[Cell]:
    """Both arms and the training data on each set."""
    found = []
    for dataset in study.scale.sets:
        role = dataset.role
        arms = study.arms(dataset)
        published = TABLE_4[TRAINING_DATA]["characters"][role]
        mean = partial(_mean_characters, study.scale, dataset)
        found.append(
            Cell(TRAINING_DATA, dataset.title, CHARACTERS, published=published, constant=mean)
        )
        for name, metric in metrics(tuple(arms.values())).items():
            for arm, runs in arms.items():
                row = PUBLISHED[arm].get(name, {})
                found.append(Cell(arm, dataset.title, metric, (runs,), row.get(role)))
    return found


def _mean_characters(scale: Scale, dataset: InstructionSet) -> float:
    """The mean length of the answers that models are trained on."""
    written = [_answer(row) for row in scale.rows(dataset, "train")]
    return float(np.mean([len(text) for text in written]))


def _answer(row: Row) -> str:
    return str(row["conversations"][1]["value"] if "conversations" in row else row["output"])


SHOWN = ("characters", "2-gram repetition, %", "log-diversity, as published")
"""The metrics of the picture."""


def message(data: Data) -> str:
    """How much lengths and repetition change."""
    length, repeated, _ = ([d for d in differences(data, m) if d.row == NEFT] for m in SHOWN)
    return (
        f"Noise changes the length of answers by {span(length)}; their 2-gram repetition by "
        f"{span(repeated)}"
    )


ARTIFACT = table(
    "table4",
    "Table 4: length, repetition and diversity",
    "Responses to the evaluation's instructions. Repetition and diversity are measured on the "
    "first words of each response, as many as at least half of the responses have; shorter ones "
    "are dropped. Log-diversity is given as published (with its second division by 100) and as its "
    "formula defines it; 3- and 4-gram repetition are not in the paper.",
    seeds=5,
    cells=cells,
    against=BASELINE,
    picture=Picture(message=message, metrics=SHOWN, only=(NEFT,), published="below"),
)
