"""Win rates, their intervals and tests."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, ttest_1samp

from analysis.intervals import (
    Estimate,
    hierarchical,
    mcnemar_test,
    mean_estimate,
    percentile_estimate,
    t_interval,
    win_rate,
    win_rate_gain,
    wins,
)

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


@settings(max_examples=50)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(300, 500))
def test_an_end_of_an_interval_is_0_or_apart_from_it(more: int, less: int, same: int) -> None:
    """Ends lie between two resamples' means, so they are multiples of 1/items, or parts of them."""
    changes = np.array([100.0] * more + [-100.0] * less + [0.0] * same)
    found = hierarchical(changes)
    assert all(end == 0 or abs(end) > 1 / len(changes) for end in (found.low, found.high))


@pytest.mark.parametrize("lost", (np.nan, np.inf))
def test_a_draw_that_is_no_number_makes_no_interval_of_0(lost: float) -> None:
    found = percentile_estimate(1.0, np.array([1.0, 2.0, lost] * 100))
    assert (found.low, found.high) != (0, 0)


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


def test_the_hierarchical_interval_widens_with_the_spread_over_seeds() -> None:
    rng = np.random.default_rng(0)
    items = rng.normal(size=200)
    alike = np.stack([items] * 5)
    apart = alike + np.array([[-1.0], [-0.5], [0.0], [0.5], [1.0]])
    narrow, wide = hierarchical(alike), hierarchical(apart)
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_interval_of_one_run_is_the_bootstrap_over_items() -> None:
    values = np.random.default_rng(1).exponential(size=300)
    ours = hierarchical(values)
    drawn = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=0)
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(drawn.confidence_interval.low, abs=0.02)
    assert ours.high == pytest.approx(drawn.confidence_interval.high, abs=0.02)
    assert mean_estimate(values) == ours


@settings(max_examples=25)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8))
def test_with_one_number_a_run_it_is_the_t_interval(numbers: list[float]) -> None:
    ours, theirs = hierarchical(np.array(numbers)[:, None]), ttest_1samp(numbers, 0)
    plain = t_interval(numbers)
    width = max(plain.high - plain.low, 1e-9)
    assert ours.low == pytest.approx(plain.low, abs=0.01 * width)
    assert ours.high == pytest.approx(plain.high, abs=0.01 * width)
    if np.ptp(numbers) > 1e-6:
        assert plain.low == pytest.approx(theirs.confidence_interval().low)


def test_repeating_items_does_not_narrow_the_interval_where_they_are_clusters() -> None:
    values = np.random.default_rng(3).normal(size=(3, 50)) + np.arange(50)
    four = np.tile(values, 4)
    once, clustered = hierarchical(values), hierarchical(four, np.tile(np.arange(50), 4))
    assert clustered.low == pytest.approx(once.low)
    assert clustered.high == pytest.approx(once.high)
    assert hierarchical(four).low > once.low + 2


def test_an_item_without_any_value_does_not_matter() -> None:
    values = np.random.default_rng(4).normal(size=(3, 40))
    padded = np.concatenate([values, np.full((3, 5), np.nan)], axis=1)
    assert hierarchical(padded).low == pytest.approx(hierarchical(values).low)
    assert np.isnan(hierarchical([[np.nan]]).value)


def test_what_is_missing_is_left_out() -> None:
    assert hierarchical([[1.0, np.nan], [3.0, 2.0]]).value == 2
