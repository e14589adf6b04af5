"""The Open LLM Leaderboard of 2023, by lm-eval's own tasks, from the hub or from local files.

    LEADERBOARD_DATA=folder make figure3 SCALE=small

    tasks, folder = leaderboard()                        # task files, written to runs/leaderboard-…
    lm_eval --include_path FOLDER --tasks 2023_arc_challenge --model hf --model_args pretrained=…

Each task file is lm-eval's own with the leaderboard's number of shots; with local files it reads
those instead of the hub. The folder holds these sets in the formats in which they are distributed:

    arc_challenge_{train,test}.jsonl              AI2's fields, the hub's, or query, choices, gold
    arc_easy_test.jsonl                           the same; at the scale `small` alone
    hellaswag_{train,validation}.jsonl            the hub's fields
    mmlu/{dev,test}/<subject>_{dev,test}.csv      57 subjects, with a line of titles or without
    TruthfulQA.csv                                the authors' table
    winogrande_{train,validation}.jsonl, gsm8k_{train,test}.jsonl      the later leaderboard's
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from experiments.paths import RUNS
from experiments.roles.judges import installed
from experiments.roles.sources import Hub
from experiments.scales.fetch import available
from experiments.scales.hub import SourceError
from neftune.training.files import file_sha256, write_atomic

Item = dict[str, Any]
SUBJECTS = 57


@dataclass(frozen=True)
class Task:
    """One of the leaderboard's tasks.

    Args:
        pattern: lm-eval's file of it, or files.
        shots: examples before each question.
        splits: the splits that local files are needed of.
        read: a local set's items in the hub's fields, by lm-eval's task and split.
        hub: the data set that lm-eval's file names.
    """

    pattern: str
    shots: int
    splits: Sequence[str]
    read: Callable[[Path, str, str], list[Item]]
    hub: str

    @property
    def files(self) -> list[Path]:
        """lm-eval's files of it."""
        return [p for p in sorted(_LM_EVAL.glob(self.pattern)) if not p.stem.startswith("_")]


def leaderboard(
    tasks: Mapping[str, Task] | None = None, prefix: str = "2023", out: Path = RUNS
) -> tuple[Mapping[str, Sequence[str]], Path]:
    """Write the task files.

    Args:
        tasks: `TASKS` by default, with `LATER_TASKS` or without; or `ZERO_SHOT_TASKS`.
        prefix: of the names that lm-eval knows them by.
        out: where their folder goes.

    Returns:
        lm-eval's task names by the leaderboard's, and the folder of the files.

    Raises:
        SourceError: a file of LEADERBOARD_DATA is missing or not as it should be.
    """
    data = _own_data()
    folder = out / ("leaderboard-local" if data else "leaderboard-hub")
    names: dict[str, list[str]] = {}
    for label, task in (TASKS if tasks is None else tasks).items():
        for path in task.files:
            stem = _stem(path)
            name = f"{prefix}_{stem}"
            settings: dict[str, Any] = {
                "include": str(path),
                "task": name,
                "num_fewshot": task.shots,
                "tag": None,
            }
            if task.shots == 0:
                # lm-eval reads the splits of examples even where none are shown.
                unused = {"training", "fewshot", "validation"} - set(task.splits)
                settings |= {f"{split}_split": None for split in unused}
            if data:
                settings |= _local_files(data, folder, stem, task)
            # JSON is YAML, and needs no quoting rules of its own.
            write_atomic(folder / f"{name}.yaml", json.dumps(settings, indent=1) + "\n")
            names.setdefault(label, []).append(name)
    return names, folder


def leaderboard_identity() -> str:
    """What a record notes of the questions: a hash of the local files, or "hub"."""
    data = _own_data()
    return "hub" if data is None else _hash(data.resolve())


@cache
def _hash(data: Path) -> str:
    files = [path for path in sorted(data.rglob("*")) if path.is_file()]
    named = [f"{path.relative_to(data)} {file_sha256(path)}" for path in files]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def check_task(task: Task) -> int:
    """Check within seconds that a task's data can be had, and every item of local files.

    Args:
        task: one of `TASKS` or `ZERO_SHOT_TASKS`.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: they cannot be had; the message says why, and what to do.
    """
    data = _own_data()
    if data is None:
        return available(Hub(task.hub, kind="dataset"), "a local folder: LEADERBOARD_DATA=FOLDER")
    for path in task.files:
        for split in task.splits:
            task.read(data, _stem(path), split)
    return 0


def _own_data() -> Path | None:
    data = os.environ.get("LEADERBOARD_DATA")
    if data and not Path(data).is_dir():
        raise SourceError(f"LEADERBOARD_DATA={data}: no such folder")
    return Path(data) if data else None


def _stem(path: Path) -> str:
    return path.parent.name if path.stem == "default" else path.stem


def _local_files(data: Path, folder: Path, name: str, task: Task) -> dict[str, Any]:
    """A local set in the hub's fields, and the settings that make lm-eval read it."""
    files = {}
    for split in task.splits:
        items = task.read(data, name, split)
        path = folder / "data" / f"{name}.{split}.jsonl"
        write_atomic(path, "".join(json.dumps(item) + "\n" for item in items))
        files[split] = str(path.resolve())
    return {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}


def _lines(path: Path) -> list[Item]:
    if not path.is_file():
        raise SourceError(f"{path}: not there; LEADERBOARD_DATA needs it for this task")
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(dict(json.loads(line)))
        except (json.JSONDecodeError, TypeError, ValueError):
            raise SourceError(f"{path}: line {number}: not a JSON object") from None
    return found


def _table(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise SourceError(f"{path}: not there; LEADERBOARD_DATA needs it for this task")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _as_on_the_hub(data: Path, name: str, split: str) -> list[Item]:
    return _lines(data / f"{name}_{split}.jsonl")


def _arc(data: Path, name: str, split: str) -> list[Item]:
    path = data / f"{name}_{split}.jsonl"
    items = []
    for number, row in enumerate(_lines(path), start=1):
        try:
            items.append(_arc_item(row))
        except (KeyError, TypeError, IndexError) as error:
            raise SourceError(f"{path}: line {number}: {error!r} is missing or wrong") from None
    return items


def _arc_item(row: Item) -> Item:
    if "query" in row:
        labels = "ABCDEFGH"[: len(row["choices"])]
        return {
            "question": row["query"].removeprefix("Question: "),
            "choices": {"text": row["choices"], "label": list(labels)},
            "answerKey": labels[row["gold"]],
        }
    question, choices = row["question"], row.get("choices")
    if isinstance(question, dict):
        question, choices = question["stem"], question["choices"]
    if isinstance(choices, list):
        choices = {key: [choice[key] for choice in choices] for key in ("text", "label")}
    assert isinstance(choices, dict)
    if row["answerKey"] not in choices["label"]:
        raise KeyError("answerKey")
    return {"question": question, "choices": choices, "answerKey": row["answerKey"]}


def _mmlu(data: Path, name: str, split: str) -> list[Item]:
    subject = name.removeprefix("mmlu_")
    there = len(list((data / "mmlu" / split).glob(f"*_{split}.csv")))
    if there != SUBJECTS:
        raise SourceError(f"{data / 'mmlu' / split}: {there} subjects; MMLU has {SUBJECTS}")
    path = data / "mmlu" / split / f"{subject}_{split}.csv"
    items = []
    for number, row in enumerate(_table(path), start=1):
        if number == 1 and row[:1] == ["question"]:
            continue
        letter = row[5].strip() if len(row) == 6 else ""
        if letter not in tuple("0123ABCD"):
            raise SourceError(
                f"{path}: line {number}: not a question, four choices and an answer (A to D, or 0 "
                "to 3)"
            )
        answer = int(letter) if letter.isdigit() else "ABCD".index(letter)
        items.append({"question": row[0], "choices": row[1:5], "answer": answer})
    return items


def _truthfulqa(data: Path, name: str, split: str) -> list[Item]:
    path = data / "TruthfulQA.csv"
    titles, *rows = _table(path)
    items = []
    for number, row in enumerate(rows, start=2):
        found = dict(zip(titles, row, strict=False))
        try:
            best = found["Best Answer"].strip()
            true = _answers(found["Correct Answers"])
            false = _answers(found["Incorrect Answers"])
            question = found["Question"].strip()
        except KeyError as error:
            raise SourceError(f"{path}: line {number}: no {error}") from None
        true = [best, *(answer for answer in true if answer != best)]
        items.append(
            {
                "question": question,
                "mc1_targets": {"choices": [best, *false], "labels": [1] + [0] * len(false)},
                "mc2_targets": {
                    "choices": [*true, *false],
                    "labels": [1] * len(true) + [0] * len(false),
                },
            }
        )
    return items


def _answers(text: str) -> list[str]:
    return [answer.strip() for answer in text.split(";") if answer.strip()]


_LM_EVAL = installed("lm_eval") / "tasks"
TASKS = {
    "arc": Task("arc/arc_challenge.yaml", 25, ("train", "test"), _arc, "allenai/ai2_arc"),
    "hellaswag": Task(
        "hellaswag/hellaswag.yaml", 10, ("train", "validation"), _as_on_the_hub, "Rowan/hellaswag"
    ),
    "mmlu": Task("mmlu/default/mmlu_*.yaml", 5, ("dev", "test"), _mmlu, "cais/mmlu"),
    "truthfulqa": Task(
        "truthfulqa/truthfulqa_mc2.yaml", 0, ("validation",), _truthfulqa, "truthfulqa/truthful_qa"
    ),
}
LATER_TASKS = {
    "winogrande": Task(
        "winogrande/default.yaml", 5, ("train", "validation"), _as_on_the_hub, "allenai/winogrande"
    ),
    "gsm8k": Task("gsm8k/gsm8k.yaml", 5, ("train", "test"), _as_on_the_hub, "openai/gsm8k"),
}
ZERO_SHOT_TASKS = {
    "arc_easy": Task("arc/arc_easy.yaml", 0, ("test",), _arc, "allenai/ai2_arc"),
    "arc": replace(TASKS["arc"], shots=0, splits=("test",)),
    "mmlu": replace(TASKS["mmlu"], shots=0, splits=("test",)),
    "truthfulqa": TASKS["truthfulqa"],
}
"""For models of less than a billion parameters, which are near chance on ARC-Challenge and MMLU
with the leaderboard's examples too: ARC's easy questions beside them, and no examples."""
