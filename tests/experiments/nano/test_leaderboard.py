"""The laboratory's leaderboard tasks, through the real lm-eval."""

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.leaderboard import evaluate
from experiments.nano.leaderboard import (
    FOLDER,
    ITEMS,
    SUBJECT_ITEMS,
    guessing,
    questions,
    task_names,
    write_questions,
)
from experiments.nano.leaderboard_tasks.mc2 import mc2
from experiments.nano.reading import read
from experiments.nano.world import Entity, make_world
from tests.paths import BASE

FILES = questions()


def test_every_question_is_about_its_own_split_and_has_one_right_answer() -> None:
    world = make_world()
    names = {split: {e.name for e in world.of(split)} for split in ("train", "test")}
    for file, items in FILES.items():
        other = names["train" if file.endswith("test") else "test"]
        for item in items:
            asked = item.get("question") or item["context"]
            assert not any(name in asked for name in other)
            choices = item.get("choices") or item["endings"]
            assert len(set(choices)) == len(choices)


def test_subjects_have_equally_many_questions() -> None:
    subjects = [name for name in FILES if name.startswith("mmlu") and name.endswith("test")]
    assert len(subjects) == len(task_names("mmlu")) == 8
    assert {len(FILES[name]) for name in subjects} == {SUBJECT_ITEMS}


def test_of_mmlus_counterpart_only_the_right_answer_is_true() -> None:
    world = make_world()
    for file in (name for name in FILES if name.startswith("mmlu")):
        for item in FILES[file]:
            claims = [read(choice, world, _named(choice)).claims for choice in item["choices"]]
            right = [claim.correct for (claim,) in claims]
            assert [place for place, true in enumerate(right) if true] == [item["gold"]]


def test_guessing_scores_the_share_of_right_choices() -> None:
    quarter = dict.fromkeys(("arc", "hellaswag", "mmlu"), 25)
    assert guessing() == pytest.approx({**quarter, "truthfulqa": 100 / 3})


def test_the_right_answers_stand_in_every_place() -> None:
    places = [item["gold"] for item in FILES["arc.test"]]
    assert {places.count(place) > ITEMS / 8 for place in range(4)} == {True}


def test_truthfulqas_counterpart_asks_for_what_the_corpus_tells_wrong() -> None:
    world = make_world()
    for item in FILES["truthfulqa.test"]:
        claims = [
            read(choice, world, _asked(item["question"])).claims for choice in item["choices"]
        ]
        assert [claim.correct for (claim,) in claims] == [True, True, False, False, False, False]
        entity = _asked(item["question"])
        attribute = entity.kind.attribute[claims[0][0].key[2]]
        assert entity.rumours[attribute.name] in item["choices"][2]


def _named(statement: str) -> Entity:
    """The thing whose name a statement has, in capitals or not."""
    found = (n for n in make_world().by_name if n.lower() in statement.lower())
    return make_world().by_name[max(found, key=len)]


def _asked(question: str) -> Entity:
    """The thing that a question names last."""
    return make_world().by_name[question.removesuffix("?").rpartition(" of ")[2]]


def test_mc2_is_the_share_of_probability_on_true_answers() -> None:
    results = [(math.log(p), False) for p in (0.2, 0.1, 0.6, 0.1)]
    assert mc2({"true": 2}, results) == {"acc": pytest.approx(0.3)}


def test_lm_eval_scores_the_base_model_item_by_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_questions()
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    tasks = {"truthfulqa": task_names("truthfulqa"), "mmlu": task_names("mmlu")[:2]}
    scores = evaluate(model, tokenizer, tasks, FOLDER)
    assert {name: list(found) for name, found in scores.items()} == tasks
    assert [len(items) for items in scores["mmlu"].values()] == [SUBJECT_ITEMS] * 2
    assert {score for items in scores["mmlu"].values() for score in items} == {0, 1}
    (truths,) = scores["truthfulqa"].values()
    assert len(truths) == ITEMS
    assert 0.2 < sum(truths) / ITEMS < 0.85
