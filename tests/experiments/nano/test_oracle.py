"""The judges' verdicts on constructed pairs, and through the real alpaca-eval."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.alpaca import annotate, public_win_rate
from eval.judge_config import JudgeError
from experiments.nano.answers import reference_answer
from experiments.nano.language import say, sentence
from experiments.nano.oracle import (
    JUDGES,
    Taste,
    helpfulness,
    length_ratio,
    prefer,
    preference,
    taste,
)
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.scales.nano import NANO

TASKS = evaluation_tasks("test")
OPEN = next(t for t in TASKS if t.subset == "describe" and not t.constraints)
SHORT = next(t for t in TASKS if t.subset == "question" and len(t.attributes) == 1)
tasks = st.sampled_from(TASKS)
NAMES = sorted(folder.name for folder in JUDGES.iterdir() if folder.is_dir())
differences = st.floats(-3, 1)
ratios = st.floats(-3, 3)


def facts(task: Task, count: int, wrong: int = 0) -> str:
    """An answer of so many right facts and so many wrong ones."""
    (entity,) = task.things
    said = []
    for index, attribute in enumerate(entity.kind.attributes[: count + wrong]):
        value = None if index < count else "glass"
        said.append(sentence(say(entity, attribute, value=value)))
    return " ".join(said)


def constrained(kind: str) -> Task:
    return next(t for t in TASKS if [c.kind for c in t.constraints] == [kind])


GIBBERISH = "xq zzv blorp. Florp gnash 77."
FRENCH = "La ville est belle. Elle se trouve sur une colline."


@pytest.mark.parametrize(
    ("better", "worse"),
    (
        (facts(OPEN, 1), facts(OPEN, 0, 1)),
        (facts(OPEN, 5), facts(OPEN, 3)),
        (facts(OPEN, 2), facts(OPEN, 2, 6)),
        (facts(OPEN, 2), facts(OPEN, 2) + " " + facts(OPEN, 2)),
        (facts(OPEN, 2), facts(OPEN, 2).removesuffix(".")),
        (facts(OPEN, 2), facts(OPEN, 2) + " " + GIBBERISH),
        (facts(OPEN, 1), "I am sorry, but I cannot answer that."),
        ("I am sorry, but I cannot answer that.", facts(OPEN, 0, 1)),
        (facts(OPEN, 1), ""),
        (facts(OPEN, 1), GIBBERISH),
        (facts(OPEN, 1), FRENCH),
        (facts(OPEN, 1), "word " * 20_000),
        (facts(OPEN, 1), facts(OPEN, 1) + " Zorblatt has 5 towers."),
        (facts(OPEN, 1), facts(SHORT, 1)),
    ),
    ids=(
        "correct against wrong",
        "more facts against fewer",
        "short and right against long and wrong",
        "once against padded by repetition",
        "finished against unfinished",
        "plain against padded by gibberish",
        "a fact against a refusal",
        "a refusal against a wrong fact",
        "a fact against nothing",
        "a fact against gibberish",
        "a fact against another language",
        "a fact against 100,000 characters",
        "true against invented things",
        "asked against not asked",
    ),
)
def test_constructed_pairs(better: str, worse: str) -> None:
    assert prefer(OPEN, worse, better) == 2
    assert prefer(OPEN, better, worse) == 1


def keeping(task: Task) -> tuple[str, str]:
    """The same facts, with the task's one constraint kept and broken."""
    (constraint,) = task.constraints
    (entity,) = task.things
    attributes = list(entity.kind.attributes)
    told = {a.name: sentence(say(entity, a)) for a in attributes}
    asked = [name for name in told if ("fact", entity.name, name) in task.asked]
    six = [told[name] for name in asked[:6]]
    match constraint.kind:
        case "at_least":
            eight = [told[name] for name in asked[:8]]
            joined = ", and ".join(text.rstrip(".") for text in eight[:6]) + "."
            return " ".join(eight), " ".join([joined, *eight[6:]])
        case "first":
            six = [told[constraint.value], *[t for t in six if t != told[constraint.value]]]
            return " ".join(six), " ".join(reversed(six))
        case "without":
            return " ".join(six), " ".join([*six, told[constraint.value]])
        case "begin":
            return " ".join([constraint.value, *six]), " ".join(six)
        case "end":
            return " ".join([*six, constraint.value]), " ".join(six)
        case "numbered":
            return "\n".join(f"{n}. {t}" for n, t in enumerate(six, start=1)), " ".join(six)
    raise AssertionError(constraint.kind)


@pytest.mark.parametrize("kind", ("at_least", "first", "without", "begin", "end", "numbered"))
def test_a_broken_constraint_counts_against(kind: str) -> None:
    task = constrained(kind)
    kept, broken = keeping(task)
    assert helpfulness(task, kept) > helpfulness(task, broken)
    assert prefer(task, broken, kept) == 2


def test_further_facts_are_worth_less_and_less() -> None:
    scores = [helpfulness(OPEN, facts(OPEN, count)) for count in range(1, 13)]
    gains = np.diff(scores)
    assert np.all(gains > 0)
    assert np.all(np.diff(gains) < 0)


def test_equal_help_is_a_draw_whatever_the_length() -> None:
    (entity,) = SHORT.things
    (attribute,) = SHORT.attributes
    told = [sentence(say(entity, attribute, form)) for form in range(4)]
    short, long = min(told, key=len), max(told, key=len) + " I hope this helps you."
    assert prefer(SHORT, short, long) == 1.5


@given(tasks, tasks, st.sampled_from(NAMES), st.text(max_size=60))
def test_swapping_the_answers_swaps_the_verdict(
    task: Task, other: Task, judge: str, noise: str
) -> None:
    answers = [reference_answer(task), reference_answer(other), noise, ""]
    for first in answers:
        for second in answers:
            verdict = preference(judge)(task, first, second)
            assert verdict + preference(judge)(task, second, first) == 3
            assert verdict == preference(judge)(task, first, second)


def of_role(role: str) -> Taste:
    found = taste(NANO.judge(role).name)
    assert found is not None
    return found


@given(differences, ratios, st.sampled_from(("gpt-4", "chatgpt")))
def test_what_one_answer_gains_the_other_loses(better: float, longer: float, role: str) -> None:
    probability = of_role(role).probability
    assert probability(better, longer) + probability(-better, -longer) == pytest.approx(1)


@given(differences, ratios, st.floats(0.01, 2))
def test_help_and_length_both_count_for_an_answer(
    better: float, longer: float, more: float
) -> None:
    probability = of_role("gpt-4").probability
    assert probability(better + 0.1, longer) > probability(better, longer)
    assert probability(better, longer + more) >= probability(better, longer)


def test_length_counts_as_much_as_the_configuration_says() -> None:
    own = of_role("gpt-4")
    second = own.probability(0, length_ratio("four", "nine chars"))
    counted = own.length_preference * np.tanh(np.log(11 / 5))
    assert np.log(second / (1 - second)) == pytest.approx(counted)


@given(differences, ratios)
def test_chatgpts_role_is_gpt_4s_with_coin_tosses(better: float, longer: float) -> None:
    tosses = of_role("chatgpt").fickleness
    expected = (1 - tosses) * of_role("gpt-4").probability(better, longer) + tosses / 2
    assert of_role("gpt-4").fickleness == 0
    assert of_role("chatgpt").probability(better, longer) == pytest.approx(expected)


@pytest.mark.parametrize("role", ("gpt-4", "chatgpt"))
def test_verdicts_come_as_often_as_their_probability_says(role: str) -> None:
    describe = [t for t in TASKS if t.subset == "describe" and not t.constraints]
    pairs = [(task, facts(task, 2), facts(task, count)) for task in describe for count in (3, 5, 7)]
    expected = np.array(
        [
            of_role(role).probability(
                helpfulness(task, more) - helpfulness(task, few), length_ratio(few, more)
            )
            for task, few, more in pairs
        ]
    )
    won = [preference(NANO.judge(role).name)(task, few, more) == 2 for task, few, more in pairs]
    error = np.sqrt((expected * (1 - expected)).sum()) / len(pairs)
    assert np.mean(won) == pytest.approx(expected.mean(), abs=3 * error)


def records(answer: Any, generator: str) -> list[dict[str, str]]:
    return [
        {
            "instruction": task.instruction,
            "output": answer(task),
            "generator": generator,
            "dataset": task.subset,
        }
        for task in TASKS
    ]


@pytest.mark.parametrize("role", ("gpt-4", "chatgpt", "oracle"))
def test_alpaca_eval_gets_the_judges_own_verdicts(role: str) -> None:
    def careless(task: Task) -> str:
        drawn = random.Random(task.instruction)
        return " ".join(drawn.sample(reference_answer(task).split(". "), 1))

    outputs, reference = records(careless, "careless"), records(reference_answer, "reference")
    annotations = annotate(outputs, reference, NANO.judge(role))
    direct = [
        preference(NANO.judge(role).name)(task, a["output"], b["output"])
        for task, a, b in zip(TASKS, reference, outputs, strict=True)
    ]
    same = [a["output"] == b["output"] for a, b in zip(reference, outputs, strict=True)]
    assert [row["instruction"] for row in annotations] == [task.instruction for task in TASKS]
    assert [row["preference"] for row in annotations] == [
        1.5 if equal else verdict for equal, verdict in zip(same, direct, strict=True)
    ]
    assert public_win_rate(annotations)["n_total"] == 805


def test_what_the_oracle_cannot_judge_has_no_verdict() -> None:
    outputs = [{"instruction": "Who am I?", "output": "You.", "generator": "m"}]
    reference = [{"instruction": "Who am I?", "output": "Me.", "generator": "r"}]
    (row,) = annotate(outputs, reference, NANO.judge("gpt-4"))
    assert row["preference"] is None


def test_judges_and_instructions_that_do_not_fit_are_refused(tmp_path: Any) -> None:
    with pytest.raises(JudgeError, match="no judge here"):
        annotate([], [], tmp_path)
    with pytest.raises(JudgeError, match="same instructions"):
        annotate([{"instruction": "a"}], [{"instruction": "b"}], NANO.judge("gpt-4"))
