"""An interval that covers a judge's error is as wide as both errors together."""

import numpy as np
import pytest

from analysis.intervals import Estimate
from analysis.judge_error import with_judge_error


def test_both_errors_are_added_as_independent_ones() -> None:
    found = with_judge_error(Estimate(50.0, 47.0, 54.0), error=2.0, count=10_000)
    half = 1.96 * 2.0
    assert found.value == 50.0
    assert found.low == pytest.approx(50 - np.hypot(3, half), abs=1e-3)
    assert found.high == pytest.approx(50 + np.hypot(4, half), abs=1e-3)


def test_a_judge_without_error_changes_nothing() -> None:
    found = Estimate(1.0, -1.0, 2.0)
    assert with_judge_error(found, 0.0, 41) == found


def test_the_interval_covers_the_truth_of_a_new_model() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        errors = rng.normal(0, 3, 12)
        truth, sampled = 40.0, rng.normal(0, 1)
        value = truth + sampled + rng.normal(0, 3)
        found = with_judge_error(
            Estimate(value, value - 1.96, value + 1.96), float(np.sqrt(np.mean(errors**2))), 12
        )
        held += found.low <= truth <= found.high
    assert 93 < 100 * held / 2000 < 98
