"""Answers of any two runs side by side, from the committed records of all runs.

    page = answers_page()

The laboratory's answers are marked claim by claim (`marks.py`). Real models' answers are compared
word by word; AlpacaEval's instructions, whose licence forbids to pass them on, are loaded in the
browser from the reader's own file (`fingerprints.py`).

The runs of a model on an instruction set are a family: one script in `data/`, which the page loads
when one of them is chosen, since a page that was opened from a file may not fetch. The script hands
over JSON, deflated and in base 85; alike answers stand together there, which halves it.
"""

from __future__ import annotations

import base64
import json
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

from experiments.cells.runs_table import committed_rows
from experiments.nano import oracle
from experiments.nano.answers import reference_answer
from experiments.nano.oracle import Score, score
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.paths import RESULTS
from experiments.roles.instruction_sets import INSTRUCTION_SETS, TITLES
from experiments.roles.judges import JUDGES
from experiments.runs.archive import check_hash
from experiments.runs.withheld import MARK
from experiments.scales.registry import SCALES
from experiments.site.explorer import other_settings
from experiments.site.fingerprints import asked
from experiments.site.marks import MARKS, PLAIN, pieces
from experiments.site.pages import Page
from neftune.training.json_files import parse_json, read_text

SEED = "0"
TITLE = {"nano": "the laboratory", "small": "real small models"}
FIRST = {
    "nano": ("llama-2-7b", "alpaca", 10.0),
    "small": ("llama-2-7b", "alpaca", 15.0),
}
"""What is compared at first, by scale: model, instruction set and the alpha on the right."""

WORDS = {"stopped": "stopped after epoch", "interpolation": "share of the tuned weights"}
"""For settings that `explorer.py` names as `runs.csv` does."""


@dataclass(frozen=True)
class Shown:
    """A run on the page.

    Args:
        key: the run's.
        scale: its scale's name.
        model: the role of its model.
        dataset: the role of its instruction set.
        alpha: of its noise.
        other: what is unusual about it, in words; empty where nothing is.
        chosen: whether its alpha is the one that was chosen for its model and set.
    """

    key: str
    scale: str
    model: str
    dataset: str
    alpha: float
    other: str
    chosen: bool

    @property
    def family(self) -> str:
        """The name of what holds it and the other runs of its model and set."""
        return f"{self.scale}-{self.model}-{self.dataset}"

    @property
    def title(self) -> str:
        """For readers: the model, the set and the noise."""
        noise = f"alpha {self.alpha:g}" if self.alpha else "without noise"
        notes = [noise, "the chosen one" if self.chosen else "", self.other]
        model = SCALES[self.scale].short_title(self.model)
        return ", ".join(filter(None, [model, TITLES[self.dataset], *notes]))


@dataclass(frozen=True)
class Answers:
    """What the records of a run hold of its answers to the test's instructions.

    Args:
        texts: in the order of the instructions; None for an answer that is, word for word, a text
            that the project may not pass on.
        verdicts: by judge, preferences from 1 (the reference) to 2 (the run); None for no verdict.
    """

    texts: list[str | None]
    verdicts: Mapping[str, list[float | None]]


def shown_runs(
    scale: str, rows: Iterable[Mapping[str, str]], selection: Mapping[str, Any]
) -> list[Shown]:
    """The runs that the page shows of a scale, by model, set and alpha.

    Args:
        scale: its name.
        rows: of its `runs.csv`.
        selection: its `selection.json`.

    Returns:
        Those of seed 0; in the laboratory only those with the set's own learning rate and the usual
        number of epochs, with nothing else unusual.
    """
    chosen = {name: choice["value"] for name, choice in selection["alpha"].items()}
    found = []
    for row in rows:
        alpha, unusual = float(row["alpha"]), _unusual(row)
        pair = f"{row['model']}/{row['dataset']}"
        run = Shown(
            row["run"],
            scale,
            row["model"],
            row["dataset"],
            alpha,
            unusual,
            chosen=alpha > 0 and chosen.get(pair) == alpha,
        )
        shown = scale == "small" or (not unusual and _is_usual(row, selection))
        if shown and row["seed"] == SEED:
            found.append(run)
    return sorted(found, key=lambda run: (run.family, run.other, run.alpha))


def _unusual(row: Mapping[str, str]) -> str:
    named = other_settings(row)
    for setting, words in WORDS.items():
        named = named.replace(setting, words)
    return "" if named == "usual" else named


def _is_usual(row: Mapping[str, str], selection: Mapping[str, Any]) -> bool:
    """Whether a run of the laboratory has the hyperparameters of the tables."""
    recipe = SCALES["nano"].recipe(
        row["model"],
        INSTRUCTION_SETS[row["dataset"]],
        selected_lr=selection["lr"][row["dataset"]]["value"],
    )
    return float(row["lr"]) == recipe.lr and int(row["epochs"]) == recipe.epochs


def read_answers(archive: Path, keys: Iterable[str]) -> dict[str, Answers]:
    """The answers of runs, read from an archive of records in memory.

    Args:
        archive: from `experiments.runs.archive.pack`.
        keys: of the runs; those without answers to the test's instructions are left out.

    Raises:
        ArchiveError: the archive is missing or damaged.
    """
    check_hash(archive)
    wanted = set(keys)
    texts: dict[str, list[str | None]] = {}
    verdicts: dict[str, dict[str, list[float | None]]] = {}
    with tarfile.open(archive, "r:xz") as tar:
        for entry in tar:
            match entry.name.split("/"):
                case [_, key, "test", "model_outputs.json"] if key in wanted:
                    texts[key] = [_text(row["output"]) for row in _rows(tar, entry)]
                case [_, key, "test", judged, "annotations.json"] if key in wanted:
                    found = [row["preference"] for row in _rows(tar, entry)]
                    verdicts.setdefault(key, {})[judged.rpartition("-")[0]] = found
    return {key: Answers(texts[key], _in_order(verdicts.get(key, {}))) for key in sorted(texts)}


def _rows(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> list[dict[str, Any]]:
    file = tar.extractfile(entry)
    assert file is not None
    rows: list[dict[str, Any]] = json.load(file)
    return rows


def _text(value: Any) -> str | None:
    return None if isinstance(value, dict) and set(value) == {MARK} else str(value)


def _in_order(verdicts: Mapping[str, list[float | None]]) -> dict[str, list[float | None]]:
    return {judge: verdicts[judge] for judge in JUDGES if judge in verdicts}


def script(name: str, value: Any) -> str:
    """A script that hands a value over to the page, under a name."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(text.encode()) + deflate.flush()
    return f'receive("{name}","{base64.b85encode(packed).decode()}");\n'


def unpacked(text: str) -> Any:
    """The value of a script, as the page reads it."""
    deflated = base64.b85decode(text.rsplit('"', 2)[1])
    return json.loads(zlib.decompress(deflated, -zlib.MAX_WBITS))


def family(runs: Sequence[Shown], answers: Mapping[str, Answers]) -> dict[str, Any]:
    """What the page needs of the runs of a model on a set.

    Returns:
        `runs`, their keys; `answers`, for each instruction those of all runs, as text or in the
        pieces of `marks.py`; `scores`, in the laboratory, the same of what the oracle counts;
        `verdicts`, by run and judge, the percentage by which the run's answer is preferred to the
        reference; None for no verdict.
    """
    found = [answers[run.key] for run in runs]
    made: dict[str, Any] = {
        "runs": [run.key for run in runs],
        "verdicts": {
            run.key: {judge: list(map(_percent, each)) for judge, each in one.verdicts.items()}
            for run, one in zip(runs, found, strict=True)
        },
    }
    by_instruction = list(zip(*(one.texts for one in found), strict=True))
    if runs[0].scale != "nano":
        return made | {"answers": by_instruction}
    judged = list(zip(evaluation_tasks("test"), by_instruction, strict=True))
    return made | {
        "answers": [_each(pieces, task, texts) for task, texts in judged],
        "scores": [_each(_counted, task, texts) for task, texts in judged],
    }


def _each(
    made: Callable[[Task, str], tuple[Any, ...]], task: Task, texts: Iterable[str | None]
) -> list[tuple[Any, ...]]:
    """What is made of the answers to a task, where many are alike."""
    alike = cache(partial(made, task))
    return [alike(text or "") for text in texts]


def _percent(preference: float | None) -> int | None:
    return None if preference is None else round(100 * (preference - 1))


def _counted(task: Task, answer: str) -> tuple[int, ...]:
    return astuple(score(task, answer))


def laboratory_instructions() -> list[dict[str, Any]]:
    """The laboratory's instructions with the reference answers, which judges compare with."""
    return [
        {
            "dataset": task.subset,
            "text": task.instruction,
            "asked": len(task.asked),
            "constraints": len(task.constraints),
            "reference": pieces(task, reference_answer(task)),
            "score": _counted(task, reference_answer(task)),
        }
        for task in evaluation_tasks("test")
    ]


@cache
def answers_page() -> Page:
    """The page of answers, with the scripts that it loads."""
    scripts = {"nano": script("nano", laboratory_instructions())}
    runs: list[Shown] = []
    counts: dict[str, int] = {}
    for scale in TITLE:
        shown, answers = _of_scale(scale)
        runs += shown
        counts[scale] = len(answers[shown[0].key].texts)
        for name in dict.fromkeys(run.family for run in shown):
            members = [run for run in shown if run.family == name]
            scripts[name] = script(name, family(members, answers))
    return Page(
        "answers.html",
        "Answers",
        "answers.html",
        {
            "scales": TITLE,
            "counts": counts,
            "marks": list(MARKS.values()),
            "judges": {scale: _judges(scale) for scale in TITLE},
            "families": _families(runs),
        },
        {
            "runs": [_entry(run) for run in runs],
            "first": {scale: _first(scale, runs) for scale in TITLE},
            "judges": {role: judge.title for role, judge in JUDGES.items()},
            "marks": {code: mark._asdict() for code, mark in MARKS.items()} | {PLAIN: None},
            "weights": _weights(),
            "asked": [astuple(each) for each in asked(counts["small"])],
        },
        scripts=("words.js", "answers.js"),
        files={f"data/answers-{name}.js": text for name, text in scripts.items()},
    )


def _of_scale(scale: str) -> tuple[list[Shown], dict[str, Answers]]:
    folder = RESULTS / scale
    selection = parse_json(read_text(folder / "selection.json"), folder / "selection.json")
    listed = shown_runs(scale, committed_rows(scale), selection)
    answers = read_answers(folder / "records.tar.xz", [run.key for run in listed])
    return [run for run in listed if run.key in answers], answers


def _entry(run: Shown) -> dict[str, Any]:
    return {"key": run.key, "scale": run.scale, "family": run.family, "title": run.title}


def _first(scale: str, runs: Sequence[Shown]) -> list[str]:
    model, dataset, alpha = FIRST[scale]
    members = {
        run.alpha: run.key
        for run in runs
        if (run.scale, run.model, run.dataset, run.other) == (scale, model, dataset, "")
    }
    return [members[0.0], members[alpha]]


def _judges(scale: str) -> dict[str, str]:
    """What each judge really is at a scale, by its title."""
    return {
        judge.title: judge.stand_in[scale]
        for role, judge in JUDGES.items()
        if scale in judge.stand_in and (scale == "nano" or role == "gpt-4")
    }


def _families(runs: Sequence[Shown]) -> dict[str, dict[str, list[str]]]:
    """By scale, the runs that there are: by model and set, the noise of each."""
    found: dict[str, dict[str, list[str]]] = {scale: {} for scale in TITLE}
    for run in runs:
        name = f"{SCALES[run.scale].short_title(run.model)}, {TITLES[run.dataset]}"
        noise = f"{run.alpha:g}" + (f" ({run.other})" if run.other else "")
        found[run.scale].setdefault(name, []).append(noise)
    return found


def _weights() -> dict[str, float]:
    """The weights of the oracle's formula, by what it counts."""
    weights = {
        "asked": oracle.DIMINISHING,
        "wrong": oracle.WRONG,
        "repeated": oracle.REPEATED,
        "unreadable": oracle.UNREADABLE,
        "broken": oracle.BROKEN,
        "unfinished": oracle.UNFINISHED,
    }
    return {field.name: weights[field.name] for field in fields(Score)}
