"""Win rates with bootstrap intervals, and a paired test of two models.

    rate = win_rate(preferences)                         # Estimate(value, low, high)
    gain = win_rate_gain(baseline, treated)              # paired by instruction

Preferences are alpaca-eval's: 2 where the model won, 1 where the reference won, 1.5 for a draw, and
NaN for a missing verdict. Arrays have shape (instructions,) or (seeds, instructions). The seeds of
an instruction are averaged first; the bootstrap then resamples instructions. `hierarchical`
resamples both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0


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
    """Compute the mean over instructions with its percentile bootstrap interval.

    Args:
        values: shape (instructions,); NaN is left out.
    """
    from scipy.stats import bootstrap

    kept = np.asarray(values, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    if np.ptp(kept) == 0:
        return Estimate(float(kept[0]), float(kept[0]), float(kept[0]))
    interval = bootstrap(
        (kept,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Estimate(float(kept.mean()), float(interval.low), float(interval.high))


def win_rate(preferences: ArrayLike) -> Estimate:
    """Win rate in per cent; a draw counts as half a win, and missing verdicts are left out."""
    return mean_estimate(100 * wins(preferences))


def win_rate_gain(baseline: ArrayLike, treated: ArrayLike) -> Estimate:
    """Win rate of `treated` minus that of `baseline`, in points, paired by instruction."""
    return mean_estimate(100 * (wins(treated) - wins(baseline)))


def resamples(count: int, draws: int = RESAMPLES) -> NDArray[np.intp]:
    """Bootstrap samples of the indices of `count` items, shape (draws, count), always the same."""
    return np.random.default_rng(SEED).integers(0, count, size=(draws, count))


def percentile_estimate(value: float, draws: NDArray[np.float64]) -> Estimate:
    """Combine a value with the percentile interval of its bootstrap draws."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return Estimate(value, float(low), float(high))


def hierarchical(values: ArrayLike) -> Estimate:
    """Compute the mean over seeds and items, with an interval that covers both.

    The percentile bootstrap draws seeds with replacement and, independently, items with
    replacement; each draw is the mean over the drawn items of the drawn seeds. With one seed it is
    the bootstrap over items. With three to five seeds the interval is somewhat too narrow, as is
    every bootstrap over so few units.

    Args:
        values: shape (seeds, items); NaN where a value is missing. For the difference of two
            models, the differences of their values, paired by seed and item.

    Returns:
        The estimate; NaN if all values are missing.
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    present = ~np.isnan(table)
    filled = np.where(present, table, 0.0)
    if not present.any():
        return Estimate(np.nan, np.nan, np.nan)
    seeds, items = table.shape
    rng = np.random.default_rng(SEED)
    seed_counts = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES)
    item_counts = rng.multinomial(items, np.full(items, 1 / items), size=RESAMPLES)
    sums = np.einsum("ri,ri->r", seed_counts @ filled, item_counts)
    counts = np.einsum("ri,ri->r", seed_counts @ present, item_counts)
    draws = sums[counts > 0] / counts[counts > 0]
    return percentile_estimate(float(filled.sum() / present.sum()), draws)


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
