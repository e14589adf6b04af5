"""The card: what it says of models that are left out."""

import numpy as np
import pytest

from eval.preference.card import WAYS, LeftOut, card, left_out_in_turn
from eval.preference.features import Seen
from tests.eval.preference.made_up import made_up_pool


def test_a_model_is_judged_in_three_ways_without_its_verdicts() -> None:
    pool = made_up_pool(7)
    (test,) = left_out_in_turn(Seen(pool), ["model-3"])
    assert set(test.found) == set(WAYS)
    assert all(np.isfinite(found).all() for found in test.found.values())
    assert test.nearest != "model-3"
    said = card([test])
    (own,) = said["models"]
    assert own["win rate by GPT-4"] == pytest.approx(100 * pool.won[3].mean())


def made_up(name: str, nearest: str, off: float) -> LeftOut:
    won = np.array([1.0, 0.0, 1.0, 0.5, np.nan, 0.0, 1.0, 0.0])
    found = np.array([0.9, 0.2, 0.4, 0.5, 0.1, 0.3, 0.8, 0.6]) + off
    longer = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    return LeftOut(name, nearest, won, longer, dict.fromkeys(WAYS, found))


def test_agreement_is_on_what_is_decided_and_win_rates_are_on_what_has_a_verdict() -> None:
    said = card([made_up("a", "b", 0.0), made_up("b", "a", 0.05)])
    first = said["models"][0]
    assert first["model"]["agreement"] == pytest.approx(100 * 4 / 6)
    assert first["the longer answer"] == pytest.approx(100 * 5 / 6)
    assert first["the model's favourite"] == pytest.approx(50)
    assert first["win rate by GPT-4"] == pytest.approx(50)
    assert first["model"]["win rate"] == pytest.approx(100 * 3.7 / 7)
    errors = [100 * 3.7 / 7 - 50, 100 * (3.7 + 0.35) / 7 - 50]
    found = said["ways"]["model"]
    assert found["win rate, mean error"] == pytest.approx(np.mean(errors))
    assert found["win rate, standard deviation of the error"] == pytest.approx(
        np.std(errors, ddof=1)
    )
    # Both models are each other's nearest: one pair, whose errors differ by five points.
    assert said["differences of relatives"] == {
        "pairs": 1,
        "standard deviation of the error": pytest.approx(5.0),
    }


def test_calibration_counts_every_answer_once() -> None:
    said = card([made_up("a", "b", 0.0)])["ways"]["model"]["calibration"]
    assert sum(each["answers"] for each in said) == 7
    middle = next(each for each in said if each["probability"] == pytest.approx(50))
    assert middle["preferred"] == pytest.approx(50)
