"""The length-controlled win rate: its fit, its interval, and the official values."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from alpaca_eval.metrics.glm_winrate import fit_LogisticRegressionCV

from analysis.intervals import win_rate, win_rate_gain
from analysis.length_control import (
    ALPACA_EVAL,
    FORMS,
    Calibration,
    calibrate,
    fit,
    length_controlled_gain,
    length_controlled_win_rate,
    length_term,
    over_forms,
)
from analysis.official_check import agreement, read_verdicts
from analysis.official_values import official
from tests.paths import shared

COUNT = 800


def answers(seed: int, longer: float, shape: tuple[int, ...] = (COUNT,)) -> np.ndarray:
    return np.random.default_rng(seed).normal(1000 + longer, 400, shape)


def judged(seed: int, lengths: np.ndarray, theta: float, phi: float) -> np.ndarray:
    p = 1 / (1 + np.exp(-(theta + phi * length_term(lengths, np.full(lengths.shape, 1000.0)))))
    return np.where(np.random.default_rng(seed).random(lengths.shape) < p, 2.0, 1.0)


REFERENCE = np.full(COUNT, 1000.0)


def test_the_fit_is_that_of_a_logistic_regression_and_of_alpaca_evals() -> None:
    import pandas as pd

    lengths = answers(0, 300)
    won = judged(1, lengths, -0.5, 1.5) - 1
    x = length_term(lengths, REFERENCE)
    columns = np.stack([x, np.ones(COUNT)], axis=1)
    wide = np.full(2, 10.0)
    ours = fit(won, columns, np.zeros(2), wide, np.ones(COUNT))
    plain = sm.GLM(won, columns, family=sm.families.Binomial()).fit().params
    np.testing.assert_allclose(ours, plain, atol=0.01)
    data = pd.DataFrame({"length": x, "model": 1.0, "preference": won})
    theirs = fit_LogisticRegressionCV(data, "preference", n_splits=0, C=1e4)
    np.testing.assert_allclose(ours, theirs.coef_[0], atol=0.02)


def test_it_finds_the_rate_at_equal_length() -> None:
    lengths = answers(2, 300, (5, COUNT))
    preferences = judged(3, lengths, -0.5, 1.5)
    controlled = length_controlled_win_rate(preferences, lengths, REFERENCE)
    truth = 100 / (1 + np.exp(0.5))
    assert controlled.low < truth < controlled.high
    assert win_rate(preferences).value > truth + 10


def test_without_length_differences_it_is_the_win_rate() -> None:
    preferences = np.array([2.0] * 60 + [1.0] * 40)
    lengths = np.full(100, 500.0)
    controlled = length_controlled_win_rate(preferences, lengths, lengths)
    assert controlled.value == pytest.approx(60, abs=0.1)


def test_a_model_that_always_wins_still_has_a_fit() -> None:
    lengths = np.arange(50.0)
    assert length_controlled_win_rate([2.0] * 50, lengths, lengths[::-1]).value > 90


def test_a_gain_that_is_all_length_vanishes_under_control() -> None:
    short, long = answers(4, -100, (3, COUNT)), answers(5, 300, (3, COUNT))
    one = judged(6, short, 0.0, 1.5)
    two = judged(7, long, 0.0, 1.5)
    assert win_rate_gain(one, two).low > 5
    left = length_controlled_gain((one, short), (two, long), REFERENCE)
    assert left.low < 0 < left.high


def test_seeds_that_differ_widen_the_interval() -> None:
    lengths = answers(8, 200, (3, COUNT))
    alike = judged(9, lengths, 0.0, 1.0)
    apart = np.stack([judged(9, lengths[seed], seed - 1.0, 1.0) for seed in range(3)])
    narrow, wide = (length_controlled_win_rate(each, lengths, REFERENCE) for each in (alike, apart))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_the_same_set_four_times_is_no_more_certain_than_once() -> None:
    lengths = answers(10, 200, (3, COUNT))
    preferences = judged(11, lengths, 0.0, 1.0)
    how = calibrate(preferences, lengths, REFERENCE)
    once = length_controlled_win_rate(preferences, lengths, REFERENCE, how)
    four = length_controlled_win_rate(
        np.stack([preferences] * 4), np.stack([lengths] * 4), REFERENCE, how
    )
    assert four.value == pytest.approx(once.value)
    assert four.low == pytest.approx(once.low)


def test_a_missing_verdict_is_left_out() -> None:
    lengths = answers(12, 200)
    preferences = judged(13, lengths, 0.0, 1.0)
    some = preferences.copy()
    some[:3] = np.nan
    kept = length_controlled_win_rate(some, lengths, REFERENCE, ALPACA_EVAL)
    assert kept.value == pytest.approx(
        length_controlled_win_rate(preferences, lengths, REFERENCE, ALPACA_EVAL).value, abs=0.5
    )


def test_calibration_finds_difficulty_and_the_preference_for_length() -> None:
    rng = np.random.default_rng(14)
    easy = 1.5 * rng.normal(size=COUNT)
    lengths = answers(15, 200, (10, COUNT))
    score = easy + 1.2 * np.stack([length_term(row, REFERENCE) for row in lengths])
    preferences = np.where(rng.random(score.shape) < 1 / (1 + np.exp(-score)), 2.0, 1.0)
    how = calibrate(preferences, lengths, REFERENCE)
    assert how.phi == pytest.approx(1.2, abs=0.15)
    assert np.corrcoef(how.difficulty, easy)[0, 1] > 0.85
    blind = calibrate(preferences, rng.permuted(lengths, axis=1), REFERENCE)
    assert abs(blind.phi) < 0.15


def test_a_stronger_pull_moves_phi_and_with_it_the_rate() -> None:
    lengths = answers(16, 800)
    preferences = judged(17, lengths, 0.5, 0.0)
    free, pulled = (
        length_controlled_win_rate(
            preferences, lengths, REFERENCE, replace(ALPACA_EVAL, phi_sd=spread)
        ).value
        for spread in (10.0, 0.1)
    )
    assert pulled < free - 10


def test_every_form_grows_with_length_and_is_as_large_as_tanh() -> None:
    lengths = np.sort(answers(18, 100).clip(1))
    sizes = []
    for form in FORMS:
        term = length_term(lengths, REFERENCE, form)
        assert (np.diff(term) >= 0).all()
        assert (np.sign(term) == np.sign(lengths - 1000)).all()
        sizes.append(np.sqrt(np.mean(term**2)))
    np.testing.assert_allclose(sizes, sizes[0])
    ways = over_forms(
        lambda form: length_controlled_win_rate(
            judged(19, lengths, 0, 1), lengths, REFERENCE, Calibration(np.zeros(1), 1.0), form
        )
    )
    assert list(ways) == list(FORMS)


def test_it_agrees_with_the_official_values_of_the_public_models() -> None:
    found = agreement(read_verdicts(shared("alpaca_eval_verdicts").parent), ALPACA_EVAL)
    assert len(found.errors) >= 39
    assert found.mean_absolute < 1
    assert found.correlation > 0.999


def test_official_values_are_read_from_the_installed_leaderboards() -> None:
    assert round(official("alpaca-7b-neft")["AlpacaEval 1"].controlled or 0, 2) == 31.61
    chat = official("llama-2-chat-7b-evol70k-neft")["AlpacaEval 2"]
    assert (round(chat.raw, 2), round(chat.controlled or 0, 2)) == (7.60, 7.53)
    assert list(official("alpaca-7b_verbose")) == ["AlpacaEval 2"]
    assert official("a model of one's own") == {}
