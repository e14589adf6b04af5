"""The instruction sets and the evaluation set: sizes, splits, lengths, truth."""

from collections import Counter
from typing import Any

import pytest

from experiments.nano.answers import reference_answer
from experiments.nano.instructions import DATASETS, instruction_set
from experiments.nano.reading import read
from experiments.nano.tasks import PHRASINGS, SUBSETS, evaluation_tasks
from experiments.nano.world import make_world
from experiments.published import TABLE_4
from experiments.roles.instruction_sets import Split

WORLD = make_world()
PAPER_LENGTHS = TABLE_4["training data"]["characters"]


def exchange(row: dict[str, Any]) -> tuple[str, str]:
    if "conversations" in row:
        human, gpt = row["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        return human["value"], gpt["value"]
    assert set(row) == {"instruction", "input", "output"}
    return f"{row['instruction']} {row['input']}", row["output"]


def mean_length(name: str) -> float:
    rows = instruction_set(name, "train")
    return sum(len(exchange(row)[1]) for row in rows) / len(rows)


@pytest.mark.parametrize("name", DATASETS)
def test_a_thousand_right_answers_without_repeats(name: str) -> None:
    rows = instruction_set(name, "train")
    assert len(rows) == len({repr(row) for row in rows}) == 1000
    for row in rows:
        reading = read(exchange(row)[1], WORLD)
        assert all(claim.correct for claim in reading.claims)
        assert (reading.unreadable, reading.repeated, reading.finished) == (0, 0, True)


def test_the_sets_differ_in_length_in_the_papers_order_if_less() -> None:
    here = {name: mean_length(name) for name in DATASETS}
    assert sorted(here, key=here.__getitem__) == sorted(DATASETS, key=PAPER_LENGTHS.__getitem__)
    for name in set(DATASETS) - {"alpaca"}:
        published = PAPER_LENGTHS[name] / PAPER_LENGTHS["alpaca"]
        assert 1.5 < here[name] / here["alpaca"] < published


def mentioned(texts: list[str]) -> set[str]:
    every = " ".join(texts).replace("The ", "the ")
    return {entity.name for entity in WORLD.entities if entity.name in every}


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("split", ("train", "validation", "test"))
def test_a_set_mentions_things_of_its_split_only(name: str, split: Split) -> None:
    rows = instruction_set(name, split)
    names = mentioned([" ".join(exchange(row)) for row in rows])
    assert names
    assert {WORLD.by_name[thing].split for thing in names} == {split}


def test_the_test_asks_about_things_that_no_training_set_mentions() -> None:
    trained = mentioned(
        [" ".join(exchange(row)) for name in DATASETS for row in instruction_set(name, "train")]
    )
    asked = mentioned([task.instruction for task in evaluation_tasks("test")])
    assert not trained & asked


def test_phrasings_of_splits_differ() -> None:
    for by_split in PHRASINGS.values():
        texts = [text for phrasings in by_split.values() for text in phrasings]
        assert len(texts) == len(set(texts))


def test_the_evaluation_set_is_alpaca_evals_in_shape() -> None:
    tasks = evaluation_tasks("test")
    assert len(tasks) == len({task.instruction for task in tasks}) == 805
    assert Counter(task.subset for task in tasks) == SUBSETS
    assert sorted(SUBSETS.values()) == [80, 129, 156, 188, 252]
    validation = {task.instruction for task in evaluation_tasks("validation")}
    assert not validation & {task.instruction for task in tasks}


def test_the_reference_errs_often_and_is_about_as_long_as_alpaca() -> None:
    tasks = evaluation_tasks("test")
    answers = [reference_answer(task) for task in tasks]
    claims = [
        claim
        for task, answer in zip(tasks, answers, strict=True)
        for claim in read(answer, WORLD, task.topic).claims
    ]
    wrong = sum(not claim.correct for claim in claims) / len(claims)
    assert 0.3 < wrong < 0.45
    mean = sum(map(len, answers)) / len(answers)
    assert mean == pytest.approx(mean_length("alpaca"), rel=0.3)


@pytest.mark.parametrize("name", ("alpaca", "evol-instruct", "open-platypus"))
def test_every_set_has_several_kinds_of_requests(name: str) -> None:
    phrases = {
        subset: [text.split("{")[0] for text in by_split["train"] if not text.startswith("{")]
        for subset, by_split in PHRASINGS.items()
    }
    asked = [exchange(row)[0] for row in instruction_set(name, "train")]
    for subset in ("describe", "question", "compare"):
        share = sum(text.startswith(tuple(phrases[subset])) for text in asked) / len(asked)
        assert share > 0.05, subset
