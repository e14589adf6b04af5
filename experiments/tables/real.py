"""Real models on Alpaca: noise, and what costs nothing beside it, by every measure.

make real SCALE=small
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from analysis.intervals import Estimate, hierarchical
from analysis.judge_error import with_judge_error
from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.copying import METRICS as COPYING
from experiments.cells.differences import change, differences, one
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    LENGTH_CONTROLLED,
    WIN_RATE,
    Metric,
    Records,
    texts,
)
from experiments.cells.pictures import Picture
from experiments.runs.real_models import (
    NO_NOISE,
    NOT_TUNED,
    REAL_MODELS,
    arms,
    not_tuned,
    paper_noises,
)
from experiments.runs.record import Numbers, Record
from experiments.runs.study import Runs, Study
from experiments.scales.judge_error import error_of_differences, error_of_win_rates
from experiments.tables import table4

LEAST = 1e-6
"""Of a probability, before its odds are taken."""
SHOWN = (5.0, 15.0)
"""The alphas of the picture's title: the paper's on Alpaca, and the largest."""


def _as_gpt_4(records: Records, others: Records | None) -> Estimate:
    """The win rate, or the difference, with an interval that covers the fitted judge's error."""
    own = np.array([WIN_RATE.values(record) for record in records])
    if others is None:
        found = with_judge_error(hierarchical(own), *error_of_win_rates())
        return replace(found, low=max(found.low, 0.0), high=min(found.high, 100.0))
    before = np.array([WIN_RATE.values(record) for record in others])
    return with_judge_error(hierarchical(own - before), *error_of_differences())


GPT_4_WIN_RATE = Metric(
    "win rate with the fitted judge's error, %", ("verdicts",), WIN_RATE.values, 2, _as_gpt_4
)


def _odds(record: Record) -> Numbers:
    """The log-odds that an answer is preferred to the reference's."""
    share = np.clip(record.read() - 1, LEAST, 1 - LEAST)
    return np.asarray(np.log(share / (1 - share)))


def against(base: Runs) -> tuple[Metric, Metric]:
    """Two metrics of answers beside those of the training without noise under the same seed.

    The fitted judge gives odds against the reference; against each other, two answers have the
    quotient of theirs (`experiments/scales/public_judge.py`), and equal ones are a draw. Nothing
    checks this against GPT-4, whose public verdicts are all against the reference.

    Args:
        base: the runs without noise, by seed.
    """

    def preferred(record: Record) -> Numbers:
        other = replace(record, run=base[record.run.seed])
        shares = 100 / (1 + np.exp(_odds(other) - _odds(record)))
        equal = [own == its for own, its in zip(texts(record), texts(other), strict=True)]
        return np.where(equal, 50.0, shares)

    def longer(record: Record) -> Numbers:
        other = replace(record, run=base[record.run.seed])
        pairs = zip(texts(record), texts(other), strict=True)
        return np.array([100 * np.heaviside(len(own) - len(its), 0.5) for own, its in pairs])

    return (
        Metric(
            "preferred to the answer without noise by the judge's odds, %", ("verdicts",), preferred
        ),
        Metric("longer than the answer without noise, %", ("responses",), longer),
    )


def cells(study: Study) -> list[Cell]:
    """Every row by every metric, a column a model."""
    by_model = {
        model: {NOT_TUNED: not_tuned(study, model), **arms(study, model)} for model in REAL_MODELS
    }
    metrics: list[tuple[Callable[[str], Metric], str, Callable[[str, str], bool]]] = [
        (lambda model: WIN_RATE, "test", _always),
        (lambda model: GPT_4_WIN_RATE, "test", _always),
        (lambda model: against(by_model[model][NO_NOISE])[0], "test", _paired),
        (lambda model: LENGTH_CONTROLLED, "test", _always),
        (lambda model: CHARACTERS, "test", _always),
        (lambda model: against(by_model[model][NO_NOISE])[1], "test", _paired),
        (partial(_repetition, by_model), "test", _always),
        (lambda model: FITTED_LOSS, "test", _always),
        (lambda model: HELD_OUT_LOSS, "test", _always),
        (lambda model: FAR_LOSS, "test", _always),
        (lambda model: COPYING["ROUGE-L"], "train", _trained),
    ]
    found = []
    for metric_of, condition, has in metrics:
        for model, rows in by_model.items():
            metric, column = metric_of(model), study.scale.short_title(model)
            found += [
                Cell(row, column, metric, (runs,), condition=condition)
                for row, runs in rows.items()
                if has(model, row)
            ]
    return found


def _always(model: str, row: str) -> bool:
    return True


def _paired(model: str, row: str) -> bool:
    """The rows with a partner without noise under each seed; what is not tuned is one run."""
    return row not in (NO_NOISE, NOT_TUNED)


def _trained(model: str, row: str) -> bool:
    """The rows that cost a training; of the others, answers to training prompts are not asked."""
    return row in paper_noises()


def _repetition(by_model: dict[str, dict[str, Runs]], model: str) -> Metric:
    return table4.metrics(tuple(by_model[model].values()))["2-gram repetition"]


def message(data: Data) -> str:
    """How noise of two alphas changes the win rate of each model."""
    found = {(each.column, each.row): each for each in differences(data, WIN_RATE.title)}
    told = []
    for column in dict.fromkeys(column for column, _ in found):
        shown = (one([found[column, f"alpha {alpha:g}"]]) for alpha in SHOWN)
        told.append(f"of {column} by {' and '.join(map(change, shown))}")
    alphas = " and ".join(f"{alpha:g}" for alpha in SHOWN)
    return f"Noise of alpha {alphas} changes the win rate {', '.join(told)}"


ARTIFACT = replace(
    table(
        "real",
        "Real models on Alpaca: noise, early stopping, interpolation and no tuning",
        "Fine-tuning on real rows of Alpaca, with learning rates chosen by held-out loss without "
        "noise. Win rates are against text-davinci-003, by a judge that is fitted to GPT-4's "
        "public verdicts (docs/public-judge.md); the second row of them has intervals that cover "
        "its error about GPT-4. A model that was not tuned is one run, which is compared with the "
        "training without noise under every seed; the intervals of its own values are over "
        "instructions or rows alone.",
        seeds=3,
        cells=cells,
        against=NO_NOISE,
        picture=Picture(
            message=message,
            metrics=(
                WIN_RATE.title,
                LENGTH_CONTROLLED.title,
                CHARACTERS.title,
                FITTED_LOSS.title,
                HELD_OUT_LOSS.title,
                FAR_LOSS.title,
            ),
            columns=3,
            heading=lambda each: each.column,
            row=lambda each: each.row,
        ),
    ),
    only="small",
)
