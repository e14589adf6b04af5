"""The 2023 leaderboard on slices of the real sets: item by item as lm-eval's command line."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.leaderboard import evaluate
from experiments.scales.hub import SourceError
from experiments.scales.real_leaderboard import (
    SUBJECTS,
    TASKS,
    ZERO_SHOT_TASKS,
    Task,
    leaderboard,
)
from tests.paths import BASE, ROOT, shared

ITEMS = 6


def slices(folder: Path) -> None:
    """A few items of each set that is here; HellaSwag's counterpart is written on the spot."""
    folder.mkdir()
    lines = (shared("leaderboard_arc") / "arc_challenge_test.jsonl").read_text().splitlines()
    (folder / "arc_challenge_test.jsonl").write_text("\n".join(lines[:ITEMS]))
    (folder / "arc_challenge_train.jsonl").write_text("\n".join(lines[-40:]))
    lines = (shared("leaderboard_arc") / "arc_easy_test.jsonl").read_text().splitlines()
    (folder / "arc_easy_test.jsonl").write_text("\n".join(lines[:ITEMS]))
    for split, count in (("dev", 5), ("test", 1)):
        for path in sorted((shared("leaderboard_mmlu") / split).glob("*.csv")):
            with path.open(newline="") as file:
                rows = list(csv.reader(file))
            out = folder / "mmlu" / split / path.name
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open("w", newline="") as file:
                csv.writer(file).writerows(rows[: count + 1])
    with (shared("leaderboard_truthfulqa") / "TruthfulQA.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    with (folder / "TruthfulQA.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows[: ITEMS + 1])
    ending = {"activity_label": "Cooking", "ctx_a": "A man cooks.", "ctx_b": "he"}
    for split, count in (("train", 12), ("validation", ITEMS)):
        text = "".join(
            json.dumps(
                {**ending, "endings": [f"stirs {n}", "flies", "sings", "ends"], "label": "0"}
            )
            + "\n"
            for n in range(count)
        )
        (folder / f"hellaswag_{split}.jsonl").write_text(text)


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "first"), [(TASKS, "hellaswag"), (ZERO_SHOT_TASKS, "arc_easy")], ids=["2023", "small"]
)
def test_scores_equal_those_of_lm_evals_command_line(
    asked: Mapping[str, Task], first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices(tmp_path / "data")
    monkeypatch.setenv("LEADERBOARD_DATA", str(tmp_path / "data"))
    tasks, folder = leaderboard(asked, out=tmp_path)
    assert {name: len(group) for name, group in tasks.items()} == {
        first: 1,
        "arc": 1,
        "mmlu": SUBJECTS,
        "truthfulqa": 1,
    }
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    ours = evaluate(model, tokenizer, tasks, folder, cache=tmp_path / "requests")
    assert {name: [*map(len, group.values())] for name, group in ours.items()} == {
        name: [1] * SUBJECTS if name == "mmlu" else [ITEMS] for name in tasks
    }
    fewer = evaluate(model, tokenizer, {"arc": tasks["arc"]}, folder, items=ITEMS // 2)
    (name,) = tasks["arc"]
    assert len(fewer["arc"][name]) == ITEMS // 2
    # lm-eval draws the examples of each question in turn, so fewer questions have other ones.
    if asked["arc"].shots == 0:
        assert fewer["arc"][name] == ours["arc"][name][::2]
    subprocess.run(
        [
            *(sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--device", "cpu"),
            *("--model_args", f"pretrained={BASE},dtype=float32"),
            *("--include_path", str(folder), "--batch_size", "32", "--log_samples"),
            *("--tasks", ",".join(name for group in tasks.values() for name in group)),
            *("--output_path", str(tmp_path / "theirs")),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    for label, metric in (
        ("arc", "acc_norm"),
        (first, "acc_norm"),
        ("mmlu", "acc"),
        ("truthfulqa", "acc"),
    ):
        for name in tasks[label]:
            (path,) = (tmp_path / "theirs").rglob(f"samples_{name}_*.jsonl")
            samples = [json.loads(line) for line in path.read_text().splitlines()]
            samples.sort(key=lambda sample: int(sample["doc_id"]))
            theirs = [float(sample[metric]) for sample in samples]
            assert ours[label][name] == pytest.approx(theirs, abs=1e-6), name


def test_files_that_are_missing_or_wrong_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("LEADERBOARD_DATA", str(data))
    with pytest.raises(SourceError, match=r"LEADERBOARD_DATA=.*data: no such folder"):
        leaderboard(out=tmp_path)
    slices(data)
    shutil.move(data / "mmlu/test/anatomy_test.csv", tmp_path)
    with pytest.raises(SourceError, match=r"mmlu.test: 56 subjects; MMLU has 57"):
        leaderboard(out=tmp_path)
    (data / "mmlu/test/anatomy_test.csv").write_text("a question,1,2,3,4,E\n")
    with pytest.raises(SourceError, match=r"anatomy_test\.csv: line 1: not a question, four"):
        leaderboard(out=tmp_path)
    (data / "arc_challenge_test.jsonl").write_text('{"query": "?", "choices": ["a"]}\n')
    with pytest.raises(SourceError, match=r"arc_challenge_test\.jsonl: line 1: KeyError\('gold'\)"):
        leaderboard(out=tmp_path)
    (data / "arc_challenge_train.jsonl").unlink()
    with pytest.raises(SourceError, match=r"arc_challenge_train\.jsonl: not there"):
        leaderboard(out=tmp_path)


def test_answer_letters_and_the_authors_fields_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices(tmp_path / "data")
    monkeypatch.setenv("LEADERBOARD_DATA", str(tmp_path / "data"))
    (tmp_path / "data/mmlu/test/anatomy_test.csv").write_text("which?,w,x,y,z,C\n")
    choices = [{"text": "sun", "label": "1"}, {"text": "moon", "label": "2"}]
    row = {"id": "q", "question": {"stem": "Which shines?", "choices": choices}, "answerKey": "2"}
    (tmp_path / "data/arc_challenge_test.jsonl").write_text(json.dumps(row))
    _, folder = leaderboard(out=tmp_path)
    assert json.loads((folder / "data/mmlu_anatomy.test.jsonl").read_text()) == {
        "question": "which?",
        "choices": ["w", "x", "y", "z"],
        "answer": 2,
    }
    assert json.loads((folder / "data/arc_challenge.test.jsonl").read_text()) == {
        "question": "Which shines?",
        "choices": {"text": ["sun", "moon"], "label": ["1", "2"]},
        "answerKey": "2",
    }
