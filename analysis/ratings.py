"""What people's ratings of pairs of answers say, and how far to trust each rater.

    win_score(outcomes)                                  # the paper's, with its interval
    side_bias(outcomes[0], second_is_a)                  # how much the place of an answer decides
    repeated(outcomes[0], again)                         # the same pair with its sides exchanged
    agreement(outcomes[0], outcomes[1])                  # Cohen's kappa of two raters
    by_length(outcomes, lengths_2 - lengths_1)           # win rate by the difference of length

Outcomes are of the second of two runs: 1 where its answer won, 0 where the other one did, 0.5 for a
draw, NaN where a pair was not rated. Their shape is (raters, pairs), or (pairs,) for one rater.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.intervals import (
    CONFIDENCE,
    Estimate,
    binomial_share,
    hierarchical,
    percentile_estimate,
    resamples,
)
from analysis.length_control import length_controlled_win_rate

Numbers = NDArray[np.float64]

FEWEST_RATERS = 3
"""From so many on it is estimated what other raters would say; t intervals of two say nothing."""
NOTHING = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Counts:
    """How often the second run won, drew and lost."""

    wins: int
    draws: int
    losses: int

    @property
    def rated(self) -> int:
        """All of them."""
        return self.wins + self.draws + self.losses


def counts(outcomes: ArrayLike) -> Counts:
    """Count outcomes of any shape."""
    found = np.asarray(outcomes, float)
    return Counts(*(int(np.sum(found == value)) for value in (1, 0.5, 0)))


def win_score(outcomes: ArrayLike) -> Estimate:
    """Compute the paper's win score in per cent: wins / (pairs - draws).

    Args:
        outcomes: shape (raters, pairs) or (pairs,).

    Returns:
        The score with the interval over pairs, for these raters: Wilson's for one rater, and the
        bootstrap over pairs for several, whose ratings of one pair are drawn together. NaN where
        all are draws.
    """
    return _rate(decided(outcomes))


def win_rate(outcomes: ArrayLike) -> Estimate:
    """Compute AlpacaEval's win rate in per cent, in which a draw is half a win.

    Args:
        outcomes: shape (raters, pairs) or (pairs,).

    Returns:
        The rate with its bootstrap interval over pairs, for these raters.
    """
    return _over_pairs(np.atleast_2d(np.asarray(outcomes, float)))


def win_score_of_others(outcomes: ArrayLike) -> Estimate:
    """Compute the win score with an interval for other raters of the same kind.

    Args:
        outcomes: shape (raters, pairs).

    Returns:
        The score with an interval over raters and pairs, of whom both are a sample; NaN where there
        are fewer than `FEWEST_RATERS`.
    """
    table = decided(outcomes)
    rated = table[~np.isnan(table).all(axis=1)]
    if len(rated) < FEWEST_RATERS:
        return NOTHING
    found = hierarchical(100 * rated)
    return Estimate(found.value, max(found.low, 0.0), min(found.high, 100.0))


def decided(outcomes: ArrayLike) -> Numbers:
    """Outcomes of shape (raters, pairs) with NaN in place of draws."""
    table = np.atleast_2d(np.asarray(outcomes, float))
    return np.where(table == 0.5, np.nan, table)


def _rate(table: Numbers) -> Estimate:
    """The share of ones in per cent; where the bootstrap has no spread, by Wilson's interval."""
    there = ~np.isnan(table)
    pairs = int(there.any(axis=0).sum())
    if not pairs:
        return NOTHING
    value = float(table[there].mean())
    if len(table) > 1 and 0 < value < 1:
        return _over_pairs(table)
    share = binomial_share(round(value * pairs), pairs)
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high)


def _over_pairs(table: Numbers) -> Estimate:
    """The mean in per cent; the ratings of one pair are drawn together."""
    raters, pairs = table.shape
    return hierarchical(100 * table.reshape(1, -1), np.tile(np.arange(pairs), raters))


def side_bias(outcomes: ArrayLike, second_is_a: ArrayLike) -> Estimate:
    """Compute by how much an answer wins more often as answer A than as answer B, in points.

    A rater who takes answer A without reading in 30% of pairs, and judges the others by what they
    say, has a bias of 30 points. Draws are left out.

    Args:
        outcomes: of one rater, shape (pairs,).
        second_is_a: whether the second run's answer was answer A, shape (pairs,).

    Returns:
        The difference with Newcombe's interval; NaN unless pairs of both kinds were decided.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    (table,), place = decided(outcomes), np.asarray(second_is_a, bool)
    groups = [table[side & ~np.isnan(table)] for side in (place, ~place)]
    if not all(len(group) for group in groups):
        return NOTHING
    (won_a, won_b), (as_a, as_b) = zip(*((g.sum(), len(g)) for g in groups), strict=True)
    low, high = confint_proportions_2indep(
        won_a, as_a, won_b, as_b, compare="diff", method="newcomb", alpha=1 - CONFIDENCE
    )
    return Estimate(float(100 * (won_a / as_a - won_b / as_b)), 100 * float(low), 100 * float(high))


@dataclass(frozen=True)
class Repeated:
    """A rater's verdicts on pairs that were shown twice, with their sides exchanged.

    Args:
        pairs: how many were rated both times.
        same: in how many of them, in per cent, the verdict was the same.
        same_side: in how many the answer in the same place was taken both times, so that the
            verdict turned.
    """

    pairs: int
    same: Estimate
    same_side: int


def repeated(outcomes: ArrayLike, again: ArrayLike) -> Repeated:
    """Compare a rater's first verdicts with those on the same pairs later.

    Args:
        outcomes: of one rater, shape (pairs,).
        again: of the second time, shape (pairs,); NaN for pairs that were shown once.
    """
    first, second = np.asarray(outcomes, float), np.asarray(again, float)
    both = ~np.isnan(first) & ~np.isnan(second)
    same = binomial_share(int(np.sum(first[both] == second[both])), int(both.sum()))
    turned = int(np.sum(np.abs(first[both] - second[both]) == 1))
    percent = Estimate(100 * same.value, 100 * same.low, 100 * same.high)
    return Repeated(int(both.sum()), percent, turned)


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on whether the second run wins, draws or loses.

    Args:
        pairs: how many all of them rated.
        same: on how many, in per cent, they gave the same verdict.
        kappa: agreement beyond chance; 1 is perfect, 0 is chance. NaN where it is not defined,
            because all gave one verdict throughout.
    """

    pairs: int
    same: Estimate
    kappa: Estimate


def agreement(*raters: ArrayLike) -> Agreement:
    """Compute Cohen's kappa of two raters, or Fleiss' kappa of more.

    Args:
        *raters: the outcomes of each, shape (pairs,).

    Returns:
        The agreement on the pairs that all of them rated, with bootstrap intervals over pairs.
    """
    table = np.array(raters, float)
    table = table[:, ~np.isnan(table).any(axis=0)]
    pairs = table.shape[1]
    if not pairs:
        return Agreement(0, NOTHING, NOTHING)
    kappa = _cohen if len(raters) == 2 else _fleiss
    draws = np.array([kappa(table[:, sample]) for sample in resamples(pairs)])
    kept = draws[~np.isnan(draws)]
    value = kappa(table)
    same = hierarchical(100.0 * (table == table[0]).all(axis=0))
    return Agreement(pairs, same, NOTHING if np.isnan(value) else percentile_estimate(value, kept))


def _verdicts(table: Numbers) -> NDArray[np.intp]:
    """Outcomes as 0, 1 and 2 for a loss, a draw and a win."""
    return (2 * table).astype(np.intp)


def _cohen(table: Numbers) -> float:
    """Cohen's kappa of two raters; NaN where both gave one verdict throughout."""
    from statsmodels.stats.inter_rater import cohens_kappa

    one, other = _verdicts(table)
    crossed = np.bincount(3 * one + other, minlength=9).reshape(3, 3)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(cohens_kappa(crossed, return_results=False))


def _fleiss(table: Numbers) -> float:
    """Fleiss' kappa; NaN where all gave one verdict throughout."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    verdicts = _verdicts(table)
    by_pair = np.stack([(verdicts == verdict).sum(axis=0) for verdict in range(3)], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(fleiss_kappa(by_pair))


@dataclass(frozen=True)
class LengthPart:
    """A third of the pairs, by how much longer the second run's answer is.

    Args:
        difference: its mean in characters.
        pairs: how many.
        rate: the second run's win rate in per cent.
    """

    difference: float
    pairs: int
    rate: Estimate


def by_length(outcomes: ArrayLike, difference: ArrayLike, parts: int = 3) -> list[LengthPart]:
    """Compute the win rate in parts of equal size, from the shortest answers to the longest.

    Args:
        outcomes: shape (raters, pairs) or (pairs,); pairs that nobody rated are left out.
        difference: characters of the second run's answers minus the first's, shape (pairs,).
        parts: how many.
    """
    table, longer = np.atleast_2d(np.asarray(outcomes, float)), np.asarray(difference, float)
    rated = np.flatnonzero(~np.isnan(table).all(axis=0))
    order = rated[np.argsort(longer[rated], kind="stable")]
    return [
        LengthPart(float(longer[part].mean()), len(part), _over_pairs(table[:, part]))
        for part in np.array_split(order, parts)
        if len(part)
    ]


def longer_wins(outcomes: ArrayLike, difference: ArrayLike) -> Estimate:
    """Compute in how many of the decided ratings, in per cent, the longer answer won.

    Args:
        outcomes: shape (raters, pairs) or (pairs,).
        difference: characters of the second run's answers minus the first's, shape (pairs,); pairs
            of equal length are left out.
    """
    table, longer = decided(outcomes), np.asarray(difference, float)
    for_longer = np.where(longer > 0, table, 1 - table)
    return _rate(np.where(longer == 0, np.nan, for_longer))


def at_equal_length(outcomes: ArrayLike, lengths_1: ArrayLike, lengths_2: ArrayLike) -> Estimate:
    """Compute the win rate to expect were both answers equally long (`analysis.length_control`).

    Args:
        outcomes: shape (raters, pairs) or (pairs,).
        lengths_1: characters of the first run's answers, shape (pairs,).
        lengths_2: of the second run's.

    Returns:
        The win rate in per cent, from the mean outcome of each pair, with its interval over pairs.
    """
    table = np.atleast_2d(np.asarray(outcomes, float))
    rated = ~np.isnan(table).all(axis=0)
    first, second = (np.asarray(each, float)[rated] for each in (lengths_1, lengths_2))
    if rated.sum() < 2 or (first == second).all():
        return NOTHING
    return length_controlled_win_rate(1 + np.nanmean(table[:, rated], axis=0), second, first)
