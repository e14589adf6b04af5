"""What a cell can measure: each metric is a function from a record to one number an item.

    WIN_RATE.values(Record(run, "verdicts", judge="gpt-4"))     # per instruction 100, 50, 0 or NaN
    final_loss("train", "loss on the training set").values(Record(run, "log"))

An item is an instruction, an example or a question; means and intervals are taken later, over seeds
and items. To add a metric, add a `Metric` here, or in the table that alone uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.intervals import Estimate
from analysis.length_control import length_controlled_gain, length_controlled_win_rate
from analysis.text import diversity_of, repeated_share
from analysis.training_log import loss_curves
from experiments.runs.conditions import CONDITIONS
from experiments.runs.record import Numbers, Record

Records = Sequence[Record]


@dataclass(frozen=True)
class Metric:
    """One quantity.

    Args:
        title: what readers see, with its unit.
        reads: the kinds of record that it is computed from; `values` gets the first of them.
        values: one number an item.
        digits: after the point.
        estimate: for a quantity that is not a mean over items: the estimate of a row's records (one
            a seed), and, where records of another row are given, of the difference from them.
    """

    title: str
    reads: tuple[str, ...]
    values: Callable[[Record], Numbers]
    digits: int = 2
    estimate: Callable[[Records, Records | None], Estimate] | None = None


def texts(record: Record) -> list[str]:
    """The responses of a record's run, under its condition."""
    return [row["output"] for row in record.of("responses").read()]


def _of_texts(number: Callable[[str], float]) -> Callable[[Record], Numbers]:
    """A number of each response."""
    return lambda record: np.array([number(text) for text in texts(record)])


WIN_RATE = Metric("win rate, %", ("verdicts",), lambda record: 100 * (record.read() - 1))
BY_JUDGE = {
    "oracle": replace(WIN_RATE, title="win rate by the oracle, %"),
    "gpt-4": replace(WIN_RATE, title="win rate by the judge in GPT-4's role, %"),
}
"""By the role of the judge, for tables that have several."""


def _draws(record: Record) -> Numbers:
    preferences = record.read()
    return np.where(np.isnan(preferences), np.nan, 100 * (preferences == 1.5))


DRAWS = Metric("draws, %", ("verdicts",), _draws, 1)
CHARACTERS = Metric("characters", ("responses",), _of_texts(len), 1)
WORDS = Metric("words", ("responses",), _of_texts(lambda text: len(text.split())), 1)


def preferences_and_lengths(records: Records) -> tuple[Numbers, Numbers]:
    """Preferences and characters of the answers, each of shape (seeds, instructions)."""
    preferences = np.array([record.of("verdicts").read() for record in records])
    return preferences, np.array([[len(text) for text in texts(record)] for record in records])


def reference_lengths(record: Record) -> Numbers:
    """Characters of the reference answers that a record's answers are compared with."""
    split = CONDITIONS[record.condition].split
    return np.array([len(row["output"]) for row in record.run.scale.references(split)], float)


def _length_controlled(records: Records, others: Records | None) -> Estimate:
    reference = reference_lengths(records[0])
    if others is None:
        return length_controlled_win_rate(*preferences_and_lengths(records), reference)
    return length_controlled_gain(
        preferences_and_lengths(others), preferences_and_lengths(records), reference
    )


LENGTH_CONTROLLED = Metric(
    "length-controlled win rate, %",
    ("verdicts", "responses"),
    WIN_RATE.values,
    2,
    _length_controlled,
)


def _facts(place: int) -> Callable[[Record], Numbers]:
    def values(record: Record) -> Numbers:
        count = record.run.scale.facts
        if count is None:
            raise TypeError(
                f"at the scale {record.run.scale.name} nobody can tell right from wrong"
            )
        split = CONDITIONS[record.condition].split
        return np.array([facts[place] for facts in count(split, texts(record))], float)

    return values


RIGHT_FACTS = Metric("right facts an answer", ("responses",), _facts(0))
WRONG_FACTS = Metric("wrong facts an answer", ("responses",), _facts(1))
"""Only where `Scale.facts` is given."""


def _of_first(
    words: Callable[[], int], number: Callable[[list[str]], float]
) -> Callable[[Record], Numbers]:
    """A number of each response's first words; NaN for responses that have not so many."""

    def values(record: Record) -> Numbers:
        count = words()
        split = [text.split() for text in texts(record)]
        return np.array([number(t[:count]) if len(t) >= count else np.nan for t in split])

    return values


def repetition(n: int, words: Callable[[], int]) -> Metric:
    """The share of repeated n-grams in the first words of each response, in per cent.

    Args:
        n: the size of an n-gram.
        words: gives how many words are looked at; called when the metric is computed.
    """
    values = _of_first(words, lambda tokens: 100 * repeated_share(tokens, n))
    return Metric(f"{n}-gram repetition, %", ("responses",), values)


def log_diversity(words: Callable[[], int]) -> Metric:
    """Log-diversity of the first words of each response, as published."""
    values = _of_first(words, lambda tokens: diversity_of(tokens, divisor=100, drop_last=True))
    return Metric("log-diversity, as published", ("responses",), values)


def plain_log_diversity(words: Callable[[], int]) -> Metric:
    """Log-diversity as its formula defines it."""
    values = _of_first(words, lambda tokens: diversity_of(tokens, divisor=1, drop_last=False))
    return Metric("log-diversity, plain", ("responses",), values)


def final_loss(probe: str, title: str) -> Metric:
    """The loss without noise at the end of training, on a probe: one number a run."""
    return Metric(
        title, ("log",), lambda record: np.array([loss_curves(record.read())[probe][1][-1]]), 3
    )


TRAIN_LOSS = final_loss("train", "loss without noise on the training set")
VALIDATION_LOSS = final_loss("validation", "loss without noise on held-out rows of the same set")
OTHER_LOSS = final_loss("other", "loss without noise on another set")


def example_loss(name: str, title: str) -> Metric:
    """The loss without noise of every example of `train`, `validation` or `other`."""
    return Metric(title, ("losses",), lambda record: np.array(record.read()[name]), 3)


FITTED_LOSS = example_loss("train", "loss without noise on the training set")
HELD_OUT_LOSS = example_loss("validation", "loss without noise on held-out rows of the same set")
FAR_LOSS = example_loss("other", "loss without noise on another set")


def leaderboard_score(task: str, title: str) -> Metric:
    """The score of each item of a leaderboard task, in per cent.

    Items of a task with subjects are weighted so that their plain mean is the leaderboard's: the
    mean over subjects, whatever their size.
    """

    def values(record: Record) -> Numbers:
        subjects = record.read()[task].values()
        share = sum(map(len, subjects)) / len(subjects)
        weighted = [np.array(items, float) * share / len(items) for items in subjects]
        return 100 * np.concatenate(weighted)

    return Metric(title, ("leaderboard",), values, 1)


def setting(title: str, digits: int) -> Metric:
    """A setting of a row, such as its alpha: its cells have a constant and no runs."""

    def values(record: Record) -> Numbers:
        raise TypeError(f"{title} is a setting and is not measured")

    return Metric(title, (), values, digits)
