"""What a table's cell can measure: each a function from a run's records to one number an item.

    WIN_RATE.values(run, "test", "gpt-4")                # per instruction 100, 50, 0 or NaN
    repetition(2, words=20).values(run, "test", "")

An item is an instruction, an example or a question; means and intervals are taken later, over seeds
and items.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.intervals import Estimate
from analysis.length_control import length_controlled_gain, length_controlled_win_rate
from analysis.text import diversity_of, repeated_share
from experiments.jobs import (
    leaderboard_file,
    log_file,
    losses_file,
    outputs_file,
    verdicts_file,
)
from experiments.records import (
    Numbers,
    example_losses,
    final_clean_loss,
    leaderboard,
    preferences,
    responses,
)
from experiments.run import Run

Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Measure:
    """One quantity.

    Args:
        title: what readers see, with its unit.
        record: the file that it is read from, by run, condition and judge.
        values: one number an item, by run, condition and judge.
        digits: after the point.
        estimate: for what is no mean over items: the estimate of some runs, and, where runs to
            compare with are given, of the difference from them.
    """

    title: str
    record: Callable[[Run, str, str], Path]
    values: Callable[[Run, str, str], Numbers]
    digits: int = 2
    estimate: Callable[[Runs, Runs | None, str, str], Estimate] | None = None


def _verdicts(run: Run, condition: str, judge: str) -> Path:
    return verdicts_file(run.folder, condition, judge)


def _outputs(run: Run, condition: str, judge: str) -> Path:
    return outputs_file(run.folder, condition)


def _of_texts(number: Callable[[str], float]) -> Callable[[Run, str, str], Numbers]:
    """A number of each response."""
    return lambda run, condition, judge: np.array([number(t) for t in responses(run, condition)])


def _of_first(words: int, number: Callable[[list[str]], float]) -> Callable[[str], float]:
    """A number of a text's first words; NaN where it has not so many."""

    def of_text(text: str) -> float:
        tokens = text.split()
        return number(tokens[:words]) if len(tokens) >= words else np.nan

    return of_text


WIN_RATE = Measure("win rate, %", _verdicts, lambda run, c, j: 100 * (preferences(run, j, c) - 1))
DRAWS = Measure(
    "draws, %",
    _verdicts,
    lambda run, c, j: np.where(np.isnan(p := preferences(run, j, c)), np.nan, 100 * (p == 1.5)),
    1,
)


def _length_controlled(runs: Runs, base: Runs | None, condition: str, judge: str) -> Estimate:
    def arm(of: Runs) -> tuple[Numbers, Numbers]:
        won = np.array([preferences(run, judge, condition) for run in of])
        return won, np.array([CHARACTERS.values(run, condition, judge) for run in of])

    reference = np.array([len(row["output"]) for row in runs[0].at.outputs("test")], float)
    if base is None:
        return length_controlled_win_rate(*arm(runs), reference)
    return length_controlled_gain(arm(base), arm(runs), reference)


CHARACTERS = Measure("characters", _outputs, _of_texts(len), 1)
LENGTH_CONTROLLED = Measure(
    "length-controlled win rate, %",
    _verdicts,
    lambda run, c, j: 100 * (preferences(run, j, c) - 1),
    2,
    _length_controlled,
)
WORDS = Measure("words", _outputs, _of_texts(lambda text: len(text.split())), 1)


def repetition(n: int, words: int) -> Measure:
    """The share of repeated n-grams in the first words of each response, in per cent."""
    share = _of_first(words, lambda tokens: 100 * repeated_share(tokens, n))
    return Measure(f"{n}-gram repetition, %", _outputs, _of_texts(share))


def log_diversity(words: int) -> Measure:
    """Log-diversity of the first words of each response, as published."""
    value = _of_first(words, lambda tokens: diversity_of(tokens, divisor=100, drop_last=True))
    return Measure("log-diversity, as published", _outputs, _of_texts(value))


def plain_log_diversity(words: int) -> Measure:
    """Log-diversity as its formula means it."""
    value = _of_first(words, lambda tokens: diversity_of(tokens, divisor=1, drop_last=False))
    return Measure("log-diversity, plain", _outputs, _of_texts(value))


def clean_loss(probe: str, title: str) -> Measure:
    """The loss without noise at the end of training on a probe: one number a run."""
    return Measure(
        title,
        lambda run, c, j: log_file(run.folder),
        lambda run, c, j: np.array([final_clean_loss(run, probe)]),
        3,
    )


TRAIN_LOSS = clean_loss("train", "clean loss on the training set")
VALIDATION_LOSS = clean_loss("validation", "clean loss on held-out rows of the same set")
OTHER_LOSS = clean_loss("other", "clean loss on another set")


def example_loss(name: str, title: str) -> Measure:
    """The loss without noise of every example of the set `train` or `other`."""
    return Measure(
        title,
        lambda run, c, j: losses_file(run.folder),
        lambda run, c, j: example_losses(run, name),
        3,
    )


def leaderboard_score(task: str, title: str) -> Measure:
    """The score on a leaderboard task, in per cent."""
    return Measure(
        title,
        lambda run, c, j: leaderboard_file(run.folder),
        lambda run, c, j: 100 * leaderboard(run, task),
        1,
    )


def number(title: str, digits: int) -> Measure:
    """A quantity that is a setting, not a result: cells of it have a constant and no runs."""

    def none(run: Run, condition: str, judge: str) -> Any:
        raise TypeError(f"{title} is not measured")

    return Measure(title, none, none, digits)
