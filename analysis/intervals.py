"""Intervals for means over seeds and items, win rates, and a paired test of two models.

    rate = win_rate(preferences)                         # Estimate(value, low, high), per cent
    gain = win_rate_gain(baseline, treated)              # paired by seed and instruction
    hierarchical(values)                                 # any values, shape (seeds, items)
    hierarchical(values, clusters)                       # items that are drawn together
    t_interval(losses)                                   # one number a run

Preferences are alpaca-eval's: 2 where the model won, 1 where the reference won, 1.5 for a draw, and
NaN for a missing verdict. Arrays have shape (instructions,) or (seeds, instructions).

Every interval of a mean is of one kind. Seeds are few, and drawing them with replacement gives
intervals that are too narrow: with three seeds a nominal 95% covers some 75%. So the seeds' part is
drawn from the t distribution over the seeds' means, and the items' part by bootstrap over items (or
clusters of items), without what the seeds' means already contain: the interaction of seed and item.
With one number a run this is the t interval; with one seed it is the bootstrap over items.
`analysis.coverage` simulates how often it covers; docs/statistics.md has the table and the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0
ROUNDING = 1e-12
"""What float64 sums of thousands of numbers can be off by, as a share of the largest."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def wins(preferences: ArrayLike) -> NDArray[np.float64]:
    """Convert preferences into shares of a win, averaged over seeds.

    Args:
        preferences: shape (instructions,) or (seeds, instructions).

    Returns:
        Shape (instructions,), from 0 to 1; NaN where every verdict is missing.
    """
    shares = np.asarray(preferences, dtype=np.float64) - 1
    if shares.ndim == 1:
        return shares
    with np.errstate(invalid="ignore"):
        counted = np.sum(~np.isnan(shares), axis=0)
        return np.where(counted > 0, np.nansum(shares, axis=0) / np.maximum(counted, 1), np.nan)


def mean_estimate(values: ArrayLike) -> Estimate:
    """Compute the mean over the items of one run with its percentile bootstrap interval.

    Args:
        values: shape (items,); NaN is left out.
    """
    return hierarchical(values)


def win_rate(preferences: ArrayLike) -> Estimate:
    """Win rate in per cent; a draw counts as half a win, and missing verdicts are left out."""
    return hierarchical(100 * (np.asarray(preferences, dtype=np.float64) - 1))


def win_rate_gain(baseline: ArrayLike, treated: ArrayLike) -> Estimate:
    """Win rate of `treated` minus that of `baseline`, in points, paired by seed and instruction."""
    first, second = (np.asarray(each, dtype=np.float64) for each in (baseline, treated))
    return hierarchical(100 * (second - first))


def resamples(count: int, draws: int = RESAMPLES) -> NDArray[np.intp]:
    """Bootstrap samples of the indices of `count` items, shape (draws, count), always the same."""
    return np.random.default_rng(SEED).integers(0, count, size=(draws, count))


def percentile_estimate(value: float, draws: NDArray[np.float64]) -> Estimate:
    """Combine a value with the percentile interval of its bootstrap draws.

    An end of the interval that differs from 0 by rounding alone is 0, so that whether the interval
    excludes 0 does not depend on the order in which numbers were added.
    """
    tail = 50 * (1 - CONFIDENCE)
    ends = np.percentile(draws, [tail, 100 - tail])
    finite = np.abs(draws[np.isfinite(draws)])
    largest = finite.max() if finite.size else 0.0
    low, high = np.where(np.abs(ends) <= ROUNDING * largest, 0.0, ends)
    return Estimate(value, float(low), float(high))


def hull(estimates: Sequence[Estimate]) -> Estimate:
    """The first estimate, with an interval that contains those of all.

    Args:
        estimates: of one quantity in several ways; at least one.
    """
    lows, highs = [each.low for each in estimates], [each.high for each in estimates]
    return Estimate(estimates[0].value, min(lows), max(highs))


def t_interval(values: ArrayLike) -> Estimate:
    """Compute the mean of one number a run with its t interval over the runs.

    Args:
        values: shape (seeds,); NaN is left out. For the difference of two models, the differences
            of their values, paired by seed.
    """
    from scipy.stats import t

    kept = np.asarray(values, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    if len(kept) < 2:
        value = float(kept[0]) if len(kept) else np.nan
        return Estimate(value, value, value)
    half = t.ppf((1 + CONFIDENCE) / 2, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return Estimate(float(kept.mean()), float(kept.mean() - half), float(kept.mean() + half))


def hierarchical(values: ArrayLike, clusters: ArrayLike | None = None) -> Estimate:
    """Compute the mean over seeds and items, with an interval that covers both.

    Args:
        values: shape (seeds, items), or (items,) for one seed; NaN where a value is missing. For
            the difference of two models, the differences of their values, paired by seed and item.
        clusters: for each item, which cluster it belongs to: one instruction that several sets were
            judged on is one cluster, not several independent items. Every item is its own cluster
            where none are given.

    Returns:
        The estimate; NaN if all values are missing.
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    present = ~np.isnan(table)
    table, present = table[present.any(axis=1)], present[present.any(axis=1)]
    if not present.any():
        return Estimate(np.nan, np.nan, np.nan)
    value = float(np.where(present, table, 0.0).sum() / present.sum())
    influence = np.where(present, table - value, 0.0) / present.sum()
    return influence_estimate(value, influence, clusters, present)


def influence_estimate(
    value: float,
    influence: NDArray[np.float64],
    clusters: ArrayLike | None = None,
    present: NDArray[np.bool_] | None = None,
) -> Estimate:
    """Combine a value with the interval of what each seed and item contributes to its error.

    Args:
        value: any function of the data, such as a mean or a length-controlled win rate.
        influence: shape (seeds, items): by how much the value would change, to first order, if one
            more observation like this one were added with the weight of one of the observations.
        clusters: as of `hierarchical`.
        present: where there is an observation; everywhere, if not given.
    """
    if clusters is not None or present is not None:
        influence = _clustered(influence, clusters, present)
    seeds, items = influence.shape
    by_item, by_seed = influence.sum(axis=0), influence.sum(axis=1)
    draws = np.zeros(RESAMPLES)
    if items > 1:
        alone = np.sqrt(_share_of_items_alone(influence))
        draws += alone * (_item_counts(items) @ (by_item - by_item.mean()))
    if seeds > 1:
        draws += _t_draws(seeds - 1) * by_seed.std(ddof=1) * np.sqrt(seeds)
    return percentile_estimate(value, value + draws)


@lru_cache(maxsize=4)
def _item_counts(items: int) -> NDArray[np.float64]:
    """How often each item is drawn in each bootstrap sample, shape (draws, items)."""
    rng = np.random.default_rng(SEED)
    counts = rng.multinomial(items, np.full(items, 1 / items), size=RESAMPLES)
    return counts.astype(np.float64)


@lru_cache(maxsize=16)
def _t_draws(freedom: int) -> NDArray[np.float64]:
    """Quantiles of the t distribution, evenly spaced and in random order."""
    from scipy.stats import t

    even = t.ppf((np.arange(RESAMPLES) + 0.5) / RESAMPLES, freedom)
    return np.random.default_rng(SEED + 1).permutation(even)


def _clustered(
    influence: NDArray[np.float64],
    clusters: ArrayLike | None,
    present: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    """The sum of the influence in each cluster; clusters without an observation are left out."""
    items = influence.shape[1]
    labels = np.arange(items) if clusters is None else np.asarray(clusters)
    seen = np.ones(items, bool) if present is None else present.any(axis=0)
    _, place = np.unique(labels[seen], return_inverse=True)
    return np.stack([np.bincount(place, row[seen]) for row in influence])


def _share_of_items_alone(influence: NDArray[np.float64]) -> float:
    """The share of the items' variance that is not the interaction of seed and item.

    The seeds' means contain the interaction, and their t distribution accounts for it, so it must
    not be counted with the items again. Estimated from the mean squares of a two-way table.
    """
    seeds = len(influence)
    if seeds == 1:
        return 1.0
    by_item = influence.sum(axis=0)
    total = float(np.sum((by_item - by_item.mean()) ** 2))
    if total == 0:
        return 0.0
    rest = influence - influence.mean(axis=1, keepdims=True) - influence.mean(axis=0)
    interaction = float(np.sum((rest + influence.mean()) ** 2)) * seeds / (seeds - 1)
    return max(0.0, 1 - interaction / total)


@dataclass(frozen=True)
class McNemar:
    """The result of McNemar's exact test.

    Args:
        only_first: instructions that only the first model won.
        only_second: instructions that only the second model won.
        p: the two-sided p-value.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar_test(first: ArrayLike, second: ArrayLike) -> McNemar:
    """Test whether two models win against the reference equally often; a draw is not a win.

    Args:
        first: preferences of one model, shape (instructions,).
        second: preferences of the other on the same instructions. Instructions for which either
            verdict is missing are left out.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    both = ~(np.isnan(one) | np.isnan(two))
    won_one, won_two = one[both] > 1.5, two[both] > 1.5
    table = [
        [int(np.sum(won_one & won_two)), int(np.sum(won_one & ~won_two))],
        [int(np.sum(~won_one & won_two)), int(np.sum(~won_one & ~won_two))],
    ]
    return McNemar(table[0][1], table[1][0], float(mcnemar(table, exact=True).pvalue))


def binomial_share(successes: int, trials: int) -> Estimate:
    """A share with Wilson's 95% interval; NaN where there are no trials.

    Args:
        successes: how many of the trials succeeded.
        trials: how many there were.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not trials:
        return Estimate(np.nan, np.nan, np.nan)
    low, high = proportion_confint(successes, trials, alpha=1 - CONFIDENCE, method="wilson")
    return Estimate(successes / trials, float(low), float(high))
