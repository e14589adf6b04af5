"""Win rates by a judge that errs, with intervals that cover its error.

    with_judge_error(rate, error=9.8, count=5)           # error and count: the judge's card

A judge that is fitted to another judge's verdicts is wrong about a model as a whole, not only about
single answers: its win rates of models that it has not seen scatter about the true ones. Among
public models the scatter can be measured, and it is added to the interval as one more error.
"""

from __future__ import annotations

import math

from analysis.intervals import CONFIDENCE, Estimate


def with_judge_error(found: Estimate, error: float, count: int) -> Estimate:
    """A win rate, or a difference of two, with an interval that covers the judge's error, too.

    Args:
        found: the value and the interval over seeds and instructions.
        error: the root mean square of the judge's errors on models that it has not seen.
        count: how many models, or pairs of them, it was computed from.

    Returns:
        The same value. Each side of the interval is the root of the sum of the squares of the side
        and of the half-width of the judge's error.
    """
    from scipy.stats import t

    # An error beside the root mean square of `count` others about 0 has that many degrees.
    half = float(t.ppf((1 + CONFIDENCE) / 2, count)) * error
    return Estimate(
        found.value,
        found.value - math.hypot(found.value - found.low, half),
        found.value + math.hypot(found.high - found.value, half),
    )
