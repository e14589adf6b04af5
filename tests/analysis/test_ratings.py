"""Ratings of pairs: the paper's own counts, known raters, and other implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from analysis.intervals import binomial_share
from analysis.ratings import (
    agreement,
    at_equal_length,
    by_length,
    counts,
    longer_wins,
    repeated,
    side_bias,
    win_rate,
    win_score,
    win_score_of_others,
)
from experiments.published import HUMAN_STUDY

PAPER = np.array([1.0] * 88 + [0.5] * 22 + [0.0] * 30)


def rated(
    pairs: int, bias: float, preference: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A rater who takes answer A blindly at a rate, and else the second run's at another."""
    rng = np.random.default_rng(seed)
    second_is_a = rng.permutation(np.arange(pairs) % 2 == 0)
    blind = rng.random(pairs) < bias
    likes_second = rng.random(pairs) < preference
    return np.where(blind, second_is_a, likes_second).astype(float), second_is_a


def test_the_papers_counts_give_the_papers_score() -> None:
    found = counts(PAPER)
    assert (found.wins, found.draws, found.losses, found.rated) == (88, 22, 30, 140)
    assert round(win_score(PAPER).value, 1) == HUMAN_STUDY["win score"]
    assert win_score(PAPER).low == pytest.approx(100 * binomial_share(88, 118).low)
    assert win_rate(PAPER).value == pytest.approx(100 * (88 + 11) / 140)


def test_what_was_not_rated_does_not_count() -> None:
    padded = np.concatenate([PAPER, np.full(60, np.nan)])
    assert counts(padded) == counts(PAPER)
    assert win_score(padded) == win_score(PAPER)
    assert np.isnan(win_score([0.5, 0.5, np.nan]).value)


def test_raters_who_say_the_same_are_no_more_certain_than_one() -> None:
    one, three = win_score(PAPER), win_score([PAPER] * 3)
    assert three.value == pytest.approx(one.value)
    assert three.high - three.low == pytest.approx(one.high - one.low, rel=0.1)
    independent = win_score([np.random.default_rng(n).permutation(PAPER) for n in range(3)])
    assert independent.high - independent.low < 0.75 * (one.high - one.low)


def test_an_interval_never_vanishes_because_all_agree() -> None:
    for outcomes in (np.ones(20), np.ones((3, 20))):
        assert win_score(outcomes).value == 100
        assert win_score(outcomes).low < 90


def test_other_raters_are_spoken_of_from_three_on() -> None:
    raters = [np.random.default_rng(n).permutation(PAPER) for n in range(3)]
    assert np.isnan(win_score_of_others(raters[:2]).value)
    agreeing = win_score_of_others(raters)
    raters[2] = 1 - raters[2]
    torn = win_score_of_others(raters)
    assert 0 <= torn.low < agreeing.low < agreeing.high < torn.high <= 100


def test_a_side_bias_is_recovered_at_the_promised_rate() -> None:
    for bias in (0.0, 0.3, 0.6):
        found = [side_bias(*rated(140, bias, 0.7, seed)) for seed in range(300)]
        covered = np.mean([each.low <= 100 * bias <= each.high for each in found])
        assert 0.92 <= covered <= 1.0, bias
        assert np.mean([each.value for each in found]) == pytest.approx(100 * bias, abs=2)


def test_a_strong_preference_is_no_side_bias() -> None:
    outcomes, second_is_a = rated(140, 0.0, 1.0, 0)
    assert win_score(outcomes).value == 100
    assert side_bias(outcomes, second_is_a).value == 0
    assert np.isnan(side_bias(outcomes, np.ones(140, bool)).value)


def test_repeated_pairs_tell_turned_verdicts_from_wavering_ones() -> None:
    first = np.array([1, 0, 1, 0.5, 0, 1, np.nan])
    again = np.array([1, 0, 0, 1.0, 1, np.nan, 1])
    found = repeated(first, again)
    assert (found.pairs, found.same.value, found.same_side) == (5, 40.0, 2)
    assert np.isnan(repeated(first, np.full(7, np.nan)).same.value)


@settings(max_examples=20)
@given(st.lists(st.tuples(*[st.sampled_from([0, 0.5, 1])] * 2), min_size=5, max_size=40))
def test_kappa_of_two_is_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    one, other = np.array(pairs).T
    found = agreement(one, other).kappa
    with np.errstate(invalid="ignore"):
        theirs = cohen_kappa_score((2 * one).astype(int), (2 * other).astype(int))
    if np.isnan(theirs):
        assert np.isnan(found.value)
    else:
        assert found.value == pytest.approx(theirs)
        assert found.low <= found.high


def test_agreement_is_on_pairs_that_all_rated() -> None:
    one = np.array([1, 0, 0.5, np.nan, 1])
    other = np.array([1, 0, 0.5, 1, np.nan])
    found = agreement(one, other)
    assert (found.pairs, found.same.value, found.kappa.value) == (3, 100.0, 1.0)
    assert agreement(one, np.full(5, np.nan)).pairs == 0
    assert np.isnan(agreement(np.ones(5), np.ones(5)).kappa.value)


def test_kappa_of_more_is_fleiss_by_hand() -> None:
    # Four pairs, three raters: 3 agree, 2 of 3, 3 agree, all differ.
    raters = np.array([[1, 1, 0, 0], [1, 1, 0, 0.5], [1, 0, 0, 1]])
    share = np.array([5, 1, 6]) / 12  # wins, draws, losses
    chance = float(np.sum(share**2))
    observed = np.mean([1, 1 / 3, 1, 0])
    assert agreement(*raters).kappa.value == pytest.approx((observed - chance) / (1 - chance))


def test_length_parts_and_the_longer_answer() -> None:
    difference = np.arange(-45, 45) + 0.5
    outcomes = (difference > 0).astype(float)
    parts = by_length(outcomes, difference)
    assert [part.pairs for part in parts] == [30, 30, 30]
    assert [part.rate.value for part in parts] == [0, 50, 100]
    assert [part.difference for part in parts] == [-30, 0, 30]
    assert longer_wins(outcomes, difference).value == 100
    assert longer_wins(1 - outcomes, difference).value == 0
    assert np.isnan(longer_wins(outcomes, np.zeros(90)).value)


def test_at_equal_length_a_love_of_length_is_taken_out() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(100, 400, 200)
    second = first + rng.integers(-100, 200, 200)
    longer = 1 / (1 + np.exp(-(second - first) / 60))
    outcomes = (rng.random((2, 200)) < longer).astype(float)
    assert win_rate(outcomes).low > 55
    controlled = at_equal_length(outcomes, first, second)
    assert controlled.low < 50 < controlled.high
    assert np.isnan(at_equal_length(outcomes, first, first).value)
