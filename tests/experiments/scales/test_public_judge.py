"""The judge that is fitted to public verdicts, through the real alpaca-eval."""

import json
from pathlib import Path

import numpy as np
import pytest

from eval.alpaca import annotate, public_win_rate
from eval.judge_config import JudgeError, judge_identity
from experiments.roles.judges import JUDGES
from experiments.scales.public_judge import _judge, public_pool
from tests.eval.preference.made_up import made_up_pool

POOL = made_up_pool(9)
LEFT_OUT = 4
OWN = POOL.answers[LEFT_OUT]
JUDGE = JUDGES["gpt-4"].folder("small")


def outputs(answers: tuple[str, ...], name: str) -> list[dict[str, str]]:
    return [
        {"instruction": instruction, "output": answer, "generator": name, "dataset": "made up"}
        for instruction, answer in zip(POOL.instructions, answers, strict=True)
    ]


@pytest.fixture(autouse=True)
def public_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts on all models but one, and the references."""
    rows = [
        {"model": model, "instruction": place, "output": answer, "preference": 1 + won}
        for model, answers, verdicts in zip(POOL.models, POOL.answers, POOL.won, strict=True)
        if model != POOL.models[LEFT_OUT]
        for place, (answer, won) in enumerate(zip(answers, verdicts.tolist(), strict=True))
    ]
    verdicts = tmp_path / "verdicts.jsonl"
    verdicts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    references = tmp_path / "references.json"
    references.write_text(json.dumps(outputs(POOL.references, "text_davinci_003")))
    monkeypatch.setenv("PUBLIC_VERDICTS", str(verdicts))
    monkeypatch.setenv("REFERENCE_OUTPUTS", str(references))
    for cached in (_judge, public_pool):
        cached.cache_clear()


def preferences(second: tuple[str, ...], first: tuple[str, ...]) -> list[float]:
    found = annotate(outputs(second, "own"), outputs(first, "reference"), JUDGE)
    return [row["preference"] for row in found]


def test_verdicts_are_probabilities_and_the_win_rate_is_alpaca_evals() -> None:
    found = annotate(outputs(OWN, "own"), outputs(POOL.references, "reference"), JUDGE)
    preferred = [row["preference"] for row in found]
    assert all(1 <= each <= 2 for each in preferred)
    assert len(set(preferred)) > 1
    assert public_win_rate(found)["win_rate"] == pytest.approx(100 * (np.mean(preferred) - 1))
    assert np.mean(preferred) - 1 == pytest.approx(POOL.won[LEFT_OUT].mean(), abs=0.15)


def test_the_better_of_two_models_wins_in_either_order() -> None:
    better, worse = POOL.answers[7], OWN
    found, turned = preferences(better, worse), preferences(worse, better)
    assert np.mean(found) > 1.6
    assert np.add(found, turned) == pytest.approx(3)


def test_a_part_of_the_instructions_is_judged_by_the_public_answers_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = [outputs(OWN, "own")[place] for place in range(0, 40, 2)]
    references = [outputs(POOL.references, "r")[place] for place in range(0, 40, 2)]
    found = annotate(part, references, JUDGE)
    assert [row["instruction"] for row in found] == [row["instruction"] for row in part]
    annotate(part[:5], references[:5], JUDGE)
    assert _judge.cache_info().misses == 1


def test_an_answer_that_is_the_references_is_a_draw_and_changes_little_for_the_others() -> None:
    answers = (*POOL.references[:1], *OWN[1:])
    drawn, usual = preferences(answers, POOL.references), preferences(OWN, POOL.references)
    assert drawn[0] == 1.5
    assert np.subtract(drawn[1:], usual[1:]) == pytest.approx(0, abs=0.2)


def test_verdicts_by_other_public_verdicts_are_of_another_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = judge_identity(JUDGE)
    file = tmp_path / "verdicts.jsonl"
    file.write_text(file.read_text().replace('"preference": 1.0', '"preference": 2.0'))
    assert judge_identity(JUDGE) != before
    monkeypatch.delenv("PUBLIC_VERDICTS")
    assert judge_identity(JUDGE)["configuration"] != before["configuration"]


def test_without_public_verdicts_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_VERDICTS")
    with pytest.raises(JudgeError, match=r"PUBLIC_VERDICTS is not set.*tatsu-lab/alpaca_eval"):
        preferences(OWN, POOL.references)
    monkeypatch.setenv("PUBLIC_VERDICTS", "nowhere.jsonl")
    with pytest.raises(JudgeError, match=r"PUBLIC_VERDICTS=nowhere.jsonl: no verdicts are there"):
        preferences(OWN, POOL.references)


def test_an_instruction_without_public_verdicts_is_an_error() -> None:
    other = [row | {"instruction": "Sing."} for row in outputs(OWN, "own")[:1]]
    references = [row | {"instruction": "Sing."} for row in outputs(POOL.references, "r")[:1]]
    with pytest.raises(JudgeError, match=r"1 of 1 instructions have no public verdicts.*Sing"):
        annotate(other, references, JUDGE)
