"""Win rates, their intervals and tests, and the length-controlled win rate."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intervals import (
    Estimate,
    hierarchical,
    mcnemar_test,
    mean_estimate,
    win_rate,
    win_rate_gain,
    wins,
)
from analysis.length_control import fit, length_controlled_gain, length_controlled_win_rate

preferences = st.lists(st.sampled_from([1.0, 1.5, 2.0]), min_size=5, max_size=40)


def test_a_draw_is_half_a_win_and_a_missing_verdict_none() -> None:
    assert win_rate([2, 1, 1.5, np.nan]).value == pytest.approx(50)


def test_seeds_are_averaged_by_instruction() -> None:
    assert wins(np.array([[2, 1, np.nan], [1, 1, 2]])).tolist() == [0.5, 0, 1]


def test_all_the_same_has_an_interval_of_no_width() -> None:
    assert win_rate([2, 2, 2]) == Estimate(100, 100, 100)


@settings(max_examples=25)
@given(preferences)
def test_the_interval_holds_the_value(drawn: list[float]) -> None:
    rate = win_rate(drawn)
    assert rate.low <= rate.value <= rate.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    drawn = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        rate = win_rate(drawn.choice([1, 2], size=100, p=[0.4, 0.6]))
        covered += rate.low <= 60 <= rate.high
    assert 0.90 <= covered / 200 <= 0.99


def test_a_gain_is_paired() -> None:
    base = np.array([1, 2] * 50, dtype=float)
    better = base.copy()
    better[0] = 2
    gain = win_rate_gain(base, better)
    assert gain.value == pytest.approx(1)
    assert gain.high - gain.low < 5  # unpaired, it would be some 28 points


def test_mcnemar_counts_the_instructions_that_one_model_wins() -> None:
    first = [2, 2, 1, 1, 1.5, np.nan, 1]
    second = [2, 1, 2, 2, 2, 2, 1]
    test = mcnemar_test(first, second)
    assert (test.only_first, test.only_second) == (1, 3)
    assert test.p == pytest.approx(2 * (1 + 4) / 16)


def simulated(count: int, theta: float, phi: float) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(1)
    difference = drawn.normal(300, 400, count)
    p = 1 / (1 + np.exp(-(theta + phi * np.tanh(difference / difference.std()))))
    return 1.0 + (drawn.random(count) < p), difference


def test_the_fit_is_that_of_a_logistic_regression() -> None:
    judged, difference = simulated(800, -0.5, 1.5)
    ours = fit(judged - 1, difference)
    x = sm.add_constant(np.tanh(difference / difference.std()))
    theirs = sm.GLM(judged - 1, x, family=sm.families.Binomial()).fit().params
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_length_control_finds_the_rate_at_equal_length() -> None:
    judged, difference = simulated(4000, -0.5, 1.5)
    reference = np.full(4000, 1000.0)
    controlled = length_controlled_win_rate(judged, reference + difference, reference)
    truth = 100 / (1 + np.exp(0.5))
    assert controlled.low < truth < controlled.high
    assert win_rate(judged).value > truth + 10


def test_without_length_differences_it_is_the_win_rate() -> None:
    judged = np.array([2.0] * 60 + [1.0] * 40)
    lengths = np.full(100, 500.0)
    controlled = length_controlled_win_rate(judged, lengths, lengths)
    assert controlled.value == pytest.approx(60, abs=0.1)


def test_a_model_that_always_wins_still_has_a_fit() -> None:
    lengths = np.arange(50.0)
    assert length_controlled_win_rate([2.0] * 50, lengths, lengths[::-1]).value > 95


def test_a_gain_that_is_all_length_vanishes_under_control() -> None:
    drawn = np.random.default_rng(2)
    reference = np.full(3000, 1000.0)

    def judged(lengths: np.ndarray) -> np.ndarray:
        p = 1 / (1 + np.exp(-np.tanh((lengths - reference) / 300)))
        return np.where(drawn.random(3000) < p, 2.0, 1.0)

    short = reference + drawn.normal(-100, 300, 3000)
    long = reference + drawn.normal(300, 300, 3000)
    one, two = judged(short), judged(long)
    assert win_rate_gain(one, two).low > 10
    left = length_controlled_gain((one, short), (two, long), reference)
    assert left.low < 0 < left.high


def test_the_hierarchical_interval_widens_with_the_spread_over_seeds() -> None:
    rng = np.random.default_rng(0)
    items = rng.normal(size=200)
    alike = np.stack([items] * 5)
    apart = alike + np.array([[-1.0], [-0.5], [0.0], [0.5], [1.0]])
    narrow, wide = hierarchical(alike), hierarchical(apart)
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_hierarchical_interval_of_one_seed_is_that_over_items() -> None:
    values = np.random.default_rng(1).normal(size=300)
    ours, plain = hierarchical(values), mean_estimate(values)
    assert ours.value == pytest.approx(plain.value)
    assert ours.low == pytest.approx(plain.low, abs=0.02)
    assert ours.high == pytest.approx(plain.high, abs=0.02)


def test_the_hierarchical_interval_covers_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        table = (
            rng.normal(size=(12, 1)) * 0.3 + rng.normal(size=(1, 60)) + rng.normal(size=(12, 60))
        )
        estimate = hierarchical(table)
        covered += estimate.low <= 0 <= estimate.high
    assert covered >= 88


def test_what_is_missing_is_left_out() -> None:
    assert hierarchical([[1.0, np.nan], [3.0, 2.0]]).value == 2
