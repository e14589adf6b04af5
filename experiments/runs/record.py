"""A record: one file of a run. It knows its path, what it is made from, and how it is read.

    record = Record(run, "verdicts", judge="gpt-4")
    record.path                                          # …/test/gpt-4-7d30c2aa/annotations.json
    record.needs()                                       # the responses
    missing([record])                                    # what must be made first, then itself
    record.read()                                        # the preferences, one an instruction
    record_at(record.path) == record                     # a worker gets paths, and reads them back

The name of a verdict has a hash of who judged: configuration, model, server, reference answers. A
record is read only if the file, and what it was made from, are those that the run's manifest names
(`manifest.py`).

Files have the field's own formats: a Hugging Face checkpoint, the Trainer's log history as JSON
lines, AlpacaEval's `model_outputs.json` and `annotations.json`. `KINDS` is the only place that says
how files are named; `jobs.py` says how each kind is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.names import look_up
from experiments.paths import RUNS
from experiments.runs.conditions import CONDITIONS
from experiments.runs.manifest import MANIFEST, Entry, digest, read_manifest
from experiments.runs.run import Run, read_run

Numbers = NDArray[np.float64]


class RecordError(RuntimeError):
    """A file is no record, or cannot be read as one; the message names it."""


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    Args:
        file: its path within a run's folder; `{condition}`, `{judge}` and `{other}` stand for the
            record's own.
        needs: the records that it is made from.
        read: the content as Python values.
    """

    file: str
    needs: Callable[[Record], list[Record]]
    read: Callable[[str], Any] = json.loads


@dataclass(frozen=True)
class Record:
    """One file of a run. Fields that the kind's file name does not use are emptied.

    Args:
        run: whose record.
        kind: a name in `KINDS`.
        condition: a name in `CONDITIONS`: how the model was asked.
        judge: the role of the judge that compared.
        other: a second run: the opponent of a head-to-head comparison, or the run whose mean
            length a condition matches.
    """

    run: Run
    kind: str
    condition: str = "test"
    judge: str = ""
    other: Run | None = None

    def __post_init__(self) -> None:
        file = look_up("kind of record", self.kind, KINDS).file
        if "{judge}" not in file:
            object.__setattr__(self, "judge", "")
        if "{condition}" not in file:
            object.__setattr__(self, "condition", "")
        else:
            look_up("condition", self.condition, CONDITIONS)
        if "{other}" not in file and not self._matches_other:
            object.__setattr__(self, "other", None)
        elif self.other is None:
            raise ValueError(f"a record {self.kind!r} under {self.condition!r} needs another run")
        if "{judge}" in file and not self.judge:
            raise ValueError(f"a record {self.kind!r} needs a judge")

    @property
    def _matches_other(self) -> bool:
        return bool(self.condition) and CONDITIONS[self.condition].as_long_as_other

    @property
    def path(self) -> Path:
        """The file."""
        other = self.other.key if self.other else ""
        condition = f"{self.condition}-{other}" if self._matches_other else self.condition
        file = KINDS[self.kind].file.format(condition=condition, judge=self._judge, other=other)
        return self.run.folder / file

    @property
    def _judge(self) -> str:
        """The judge's role and who really judges."""
        if not self.judge:
            return ""
        split = CONDITIONS[self.condition].split
        return f"{self.judge}-{self.run.scale.judgement_identity(self.judge, split)}"

    @property
    def name(self) -> str:
        """The path within the run's folder."""
        return self.path.relative_to(self.run.folder).as_posix()

    @property
    def files(self) -> dict[str, Path]:
        """The files that the record consists of: one, or those of a checkpoint, by name."""
        return files_of(self.kind, self.path)

    def entry(self) -> Entry | None:
        """What the run's manifest says of the record; None where it was not made yet.

        Raises:
            ManifestError: the manifest is damaged, or that of another run.
        """
        return read_manifest(self.run.folder, self.run.key).get(self.name)

    def exists(self) -> bool:
        """Whether the record was made. Records appear whole or not at all.

        Raises:
            ManifestError: the run's manifest is damaged, or that of another run.
        """
        return self.path.exists() and self.entry() is not None

    def sources(self) -> dict[str, str | None]:
        """The present hashes of what the record is made from, as its manifest notes them."""
        found = {}
        for need in self.needs():
            entry = need.entry()
            own = need.run.key == self.run.key
            name = need.name if own else f"{need.run.key}/{need.name}"
            found[name] = entry.sha256 if entry else None
        if self.kind == "responses" and CONDITIONS[self.condition].split != "train":
            split = CONDITIONS[self.condition].split
            found["instructions"] = self.run.scale.instructions_identity(split)
        if self.kind == "responses":
            found["way of asking"] = CONDITIONS[self.condition].identity(self.run.scale.decoding)
        if self.kind == "leaderboard":
            found["questions"] = self.run.scale.leaderboard_identity()
        return found

    def check(self) -> None:
        """Refuse a record that is not what was made for it, or was made from something else.

        Raises:
            RecordError: the file was changed, was not made by a run's job, or what it was made
                from is no longer there.
            ManifestError: the run's manifest is damaged, or that of another run.
        """
        entry = self.entry()
        if entry is None or not self.path.exists():
            raise RecordError(f"{self.path}: this record was not made yet")
        now = self.sources()
        for name, value in entry.sources.items():
            if now.get(name) != value:
                raise RecordError(
                    f"{self.path}: was not made from the present {name}; remove {self.path} to "
                    f"have it made again from that, or {self.run.folder} to have the whole run "
                    "made again"
                )
        stamps = tuple((n, str(p), p.stat().st_mtime_ns) for n, p in self.files.items())
        if _digest(stamps) != entry.sha256:
            raise RecordError(
                f"{self.path}: was changed after it was made: its SHA-256 is not the one in "
                f"{self.run.folder / MANIFEST}; remove {self.path} to have it made again"
            )

    def needs(self) -> list[Record]:
        """The records that this one is made from."""
        return KINDS[self.kind].needs(self)

    def of(self, kind: str) -> Record:
        """The record of another kind with the same run, condition, judge and opponent."""
        return replace(self, kind=kind)

    def read(self) -> Any:
        """The content, as the kind reads it; it is cached, so callers must not change it.

        Raises:
            RecordError: the file is missing, was changed, or does not fit what it was made from.
            ManifestError: the run's manifest is damaged, or that of another run.
        """
        self.check()
        path = self.path.resolve()
        try:
            return _read(path, self.kind, path.stat().st_mtime_ns)
        except (ValueError, KeyError, TypeError) as error:
            raise RecordError(
                f"{self.path}: cannot be read ({error}); remove it to have it made again"
            ) from None


@lru_cache(maxsize=4096)
def _read(path: Path, kind: str, stamp: int) -> Any:
    return KINDS[kind].read(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=4096)
def _digest(stamps: tuple[tuple[str, str, int], ...]) -> str:
    """The hash of files, which are hashed again when one of them changes."""
    return digest({name: Path(path) for name, path, _ in stamps})


def files_of(kind: str, path: Path) -> dict[str, Path]:
    """The files of a record by name: one, or all of a checkpoint's but the training's own two.

    Args:
        kind: of the record.
        path: the record's, or that of the same record before it is put in place.
    """
    if kind != "checkpoint":
        return {path.name: path}
    folder = path.parent
    return {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("training_")
    }


def _annotations(text: str) -> list[dict[str, Any]]:
    """AlpacaEval's annotations, whose preferences are numbers from 1 to 2, or null."""
    rows: list[dict[str, Any]] = json.loads(text)
    for number, row in enumerate(rows):
        value = row["preference"]
        if value is not None and not (type(value) in (int, float) and 1 <= value <= 2):
            raise ValueError(f"row {number}: the preference {value!r} is no number from 1 to 2")
    return rows


def _preferences(text: str) -> Numbers:
    """Preferences in the order of the instructions; NaN where there is no verdict."""
    rows = _annotations(text)
    found = np.array([np.nan if r["preference"] is None else r["preference"] for r in rows], float)
    found.setflags(write=False)
    return found


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _nothing(record: Record) -> list[Record]:
    return []


def _trained(record: Record) -> list[Record]:
    run = record.run
    return [] if run.training == run else [Record(run.training, "checkpoint")]


def _checkpoint(record: Record) -> list[Record]:
    return [Record(record.run, "checkpoint")]


def _of_responses(record: Record) -> list[Record]:
    needed = _checkpoint(record)
    if CONDITIONS[record.condition].as_long_as_other:
        assert record.other is not None
        needed.append(Record(record.other, "responses"))
    return needed


def _of_verdicts(record: Record) -> list[Record]:
    return [record.of("responses")]


def _of_head_to_head(record: Record) -> list[Record]:
    assert record.other is not None
    return [Record(run, "responses", record.condition) for run in (record.other, record.run)]


KINDS: dict[str, Kind] = {
    # The presence of the configuration says that the whole checkpoint is there: a checkpoint's
    # folder appears at once. (Weights of large models are split over several files.)
    "checkpoint": Kind("model/config.json", _trained),
    "log": Kind("model/training_log.jsonl", _trained, _json_lines),
    "settings": Kind("model/training_settings.json", _trained),
    "responses": Kind("{condition}/model_outputs.json", _of_responses),
    "verdicts": Kind("{condition}/{judge}/annotations.json", _of_verdicts, _preferences),
    "head_to_head": Kind(
        "{condition}/{judge}/against-{other}/annotations.json", _of_head_to_head, _annotations
    ),
    "losses": Kind("losses.json", _checkpoint),
    "leaderboard": Kind("leaderboard/results.json", _checkpoint),
    "spectrum": Kind("spectrum.json", _checkpoint),
    "flips": Kind("flips.json", _nothing),
    "dose": Kind("dose.json", _nothing),
}
"""Every kind of record.

checkpoint    a Hugging Face checkpoint
              (interpolated or stopped early: made from that of the training)
log           the Trainer's log history, written with the checkpoint
settings      resolved hyperparameters and sizes of the training, written with the checkpoint
responses     AlpacaEval's model_outputs.json
verdicts      AlpacaEval's annotations.json against the reference; an API's costs in usage.json
head_to_head  AlpacaEval's annotations.json against another run, sides in random order
losses        the loss without noise, example by example, of a number of training rows, held-out
              rows of the same set, and training rows of another set
leaderboard   lm-eval's scores, item by item
spectrum      singular values of the embeddings' similarity
flips         which tokens of the base model noise turns into others
dose          what noise does to the base model before any training, on the run's own set
"""


TRAINED = ("checkpoint", "log", "settings")
"""The kinds of record that one training makes at once."""
UNTRAINED = ("flips", "dose")
"""The kinds of record of the base model itself, for which nothing is trained."""


def check_those_made(records: Iterable[Record]) -> None:
    """Refuse the first of some records that exists and is damaged, before others are made.

    Raises:
        RecordError: see `Record.check`.
        ManifestError: see `Record.check`.
    """
    for record in dict.fromkeys(records):
        if record.exists():
            record.check()


def missing(records: Iterable[Record]) -> list[Record]:
    """The records that do not exist, and those that they are made from, in the order of making."""
    found: dict[Record, None] = {}
    for record in records:
        if not record.exists():
            found |= dict.fromkeys([*missing(record.needs()), record])
    return list(found)


SUFFIXES = {
    "condition": "(?:-(?P<matched>[0-9a-f]{16}))?",
    "judge": "-(?P<identity>[0-9a-f]{8})",
}
"""What follows a field in the name of a file."""


def run_folder(path: Path) -> Path:
    """The folder of the run that a file belongs to.

    Raises:
        RecordError: it lies outside of the folder of runs.
    """
    parts = path.parts
    if RUNS.name not in parts:
        raise RecordError(f"{path}: is not a file of a run; those lie below {RUNS}/")
    place = len(parts) - 1 - parts[::-1].index(RUNS.name)
    return Path(*parts[: place + 3])


def record_at(path: Path) -> Record:
    """The record of a path.

    Raises:
        RecordError: no kind of record has such a path.
    """
    folder = run_folder(path)
    name = path.relative_to(folder).as_posix()
    for kind, spec in KINDS.items():
        pattern = re.escape(spec.file)
        for field, form in (
            ("condition", r"[\w-]+?"),
            ("judge", r"[\w-]+"),
            ("other", "[0-9a-f]{16}"),
        ):
            suffix = SUFFIXES.get(field, "")
            pattern = pattern.replace(rf"\{{{field}\}}", f"(?P<{field}>{form}){suffix}")
        found = re.fullmatch(pattern, name)
        if found:
            named = found.groupdict()
            other = named.get("other") or named.get("matched")
            record = Record(
                read_run(folder),
                kind,
                named.get("condition", ""),
                named.get("judge", ""),
                read_run(folder.with_name(other)) if other else None,
            )
            if record.name != name:
                raise RecordError(
                    f"{path}: the judge {named['judge']} has other settings now, and its record is "
                    f"{record.path}: a configuration, JUDGE_MODEL, JUDGE_BASE_URL or the "
                    "reference answers changed"
                )
            return record
    raise RecordError(f"{path}: no kind of record has such a name")
