"""The card: what it says of models that are left out."""

import json

import numpy as np
import pytest

from eval.preference.card import WAYS, LeftOut, PairLeftOut, card, left_out_in_turn, pairs_left_out
from eval.preference.features import Seen
from tests.eval.preference.made_up import made_up_pool
from tests.paths import ROOT


def test_a_model_is_judged_in_three_ways_without_its_verdicts() -> None:
    pool = made_up_pool(7)
    (test,) = left_out_in_turn(Seen(pool), models=["model-3"])
    assert set(test.found) == set(WAYS)
    assert all(np.isfinite(found).all() for found in test.found.values())
    said = card([test], [])
    (own,) = said["models"]
    assert own["win rate by GPT-4"] == pytest.approx(100 * pool.won[3].mean())


def test_every_model_is_in_a_pair_that_one_judge_has_not_seen() -> None:
    pool = made_up_pool(12)
    pairs = pairs_left_out(Seen(pool))
    assert {name for pair in pairs for name in pair.models} == set(pool.models)
    assert len({frozenset(pair.models) for pair in pairs}) == len(pairs)
    for pair in pairs:
        for name, won, found in zip(pair.models, pair.won, pair.found, strict=True):
            assert np.array_equal(won, pool.won[pool.models.index(name)], equal_nan=True)
            assert np.isfinite(found).all()


def made_up(name: str, off: float) -> LeftOut:
    won = np.array([1.0, 0.0, 1.0, 0.5, np.nan, 0.0, 1.0, 0.0])
    found = np.array([0.9, 0.2, 0.4, 0.5, 0.1, 0.3, 0.8, 0.6]) + off
    length = np.array([1.5, 3.0, 1.1, 0.9, 0.2, 0.3, 9.0, 1.0])
    return LeftOut(name, won, length, dict.fromkeys(WAYS, found))


def test_agreement_is_on_what_is_decided_and_win_rates_are_on_what_has_a_verdict() -> None:
    said = card([made_up("a", 0.0), made_up("b", 0.05)], [])
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
    assert said["weak models"] == {
        "win rate below, %": 60,
        "models": 2,
        "mean error": pytest.approx(np.mean(errors)),
        "root mean square error": pytest.approx(np.sqrt(np.mean(np.square(errors)))),
    }


def test_the_error_of_a_difference_is_that_of_both_models_by_one_judge() -> None:
    first, second = made_up("a", 0.0), made_up("b", 0.05)
    pair = PairLeftOut(
        ("a", "b"), (first.won, second.won), (first.found["model"], second.found["model"])
    )
    assert card([first], [pair, pair])["pairs"] == {
        "pairs": 2,
        "root mean square error": pytest.approx(5.0),
    }


def test_lengths_are_apart_and_every_verdict_counts_once() -> None:
    rows = card([made_up("a", 0.0)], [])["by length"]
    assert [(row["above"], row["to"], row["answers"]) for row in rows] == [
        (0.0, 0.5, 1),
        (0.5, 1.0, 2),
        (1.0, 2.0, 2),
        (2.0, None, 2),
    ]
    assert rows[2]["probability"] == pytest.approx(100 * (0.9 + 0.4) / 2)
    assert rows[2]["preferred"] == pytest.approx(100)
    assert rows[2]["agreement"] == pytest.approx(50)
    assert rows[2]["the longer answer"] == pytest.approx(100)


def test_calibration_counts_every_answer_once() -> None:
    said = card([made_up("a", 0.0)], [])["ways"]["model"]["calibration"]
    assert sum(each["answers"] for each in said) == 7
    middle = next(each for each in said if each["probability"] == pytest.approx(50))
    assert middle["preferred"] == pytest.approx(50)


def test_the_page_says_what_the_shipped_card_says() -> None:
    shipped = json.loads((ROOT / "results" / "public-judge" / "card.json").read_text())
    page = " ".join((ROOT / "docs" / "public-judge.md").read_text().split())
    known, unknown = (shipped["ways"][way]["agreement"] for way in ("model", "instructions"))
    longer = shipped["baselines"]["the longer answer"]
    assert f"on {unknown:.1f}% of answers in place of {known:.1f}%" in page
    assert 0 <= unknown - longer < 1
    assert f"hardly more than taking the longer answer does ({longer:.1f}%)" in page
    (neft,) = (each for each in shipped["models"] if each["name"] == "alpaca-7b-neft")
    own, rule = neft["instructions"]["agreement"], neft["the longer answer"]
    assert f"{own:.1f}% against {rule:.1f}% for alpaca-7b-neft" in page
    pairs, weak = shipped["pairs"], shipped["weak models"]
    error = pairs["root mean square error"]
    assert f"{error:.1f} points (root mean square of {pairs['pairs']} pairs)" in page
    error = weak["root mean square error"]
    said = f"{error:.1f} points (root mean square), on average {weak['mean error']:.1f} too high"
    assert said in page
    findings = (ROOT / "docs" / "findings.md").read_text()
    assert f"It agrees with GPT-4 on {known:.0f}% of the answers" in findings
    assert known > max(shipped["baselines"].values())
