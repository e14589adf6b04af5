"""The records of a run that can be shown, and those of the same run without noise.

    found = shown_of(run)
    found.one("log"), found.of_kind("verdicts")
    without_noise(run)                                   # None where nothing of it is there

A record that is damaged is left out, and the reason is kept for readers: a report must not fail
because of a record that no table asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from experiments.roles.judges import JUDGES
from experiments.runs.conditions import CONDITIONS
from experiments.runs.manifest import ManifestError, read_manifest
from experiments.runs.record import Record, RecordError
from experiments.runs.run import Run
from neftune.distributions import Noise

SINGLE = ("settings", "log", "losses", "leaderboard")
"""Kinds of which a run has one record."""


@dataclass(frozen=True)
class Shown:
    """What there is of a run.

    Args:
        run: the run.
        records: those that are there and undamaged, in the order of kinds and conditions.
        damaged: why others are left out.
    """

    run: Run
    records: tuple[Record, ...]
    damaged: tuple[str, ...] = ()

    def one(self, kind: str) -> Record | None:
        """The record of a kind of which a run has one."""
        return next(iter(self.of_kind(kind)), None)

    def of_kind(self, kind: str) -> list[Record]:
        """All records of a kind."""
        return [record for record in self.records if record.kind == kind]


def shown_of(run: Run) -> Shown:
    """The records of a run that are there."""
    records, damaged = [], []
    for record in _candidates(run):
        try:
            if record.exists():
                record.check()
                records.append(record)
        except (RecordError, ManifestError) as error:
            damaged.append(str(error))
    return Shown(run, tuple(records), tuple(dict.fromkeys(damaged)))


def _candidates(run: Run) -> Iterator[Record]:
    """Every record that a report shows, whether it is there or not."""
    for kind in SINGLE:
        yield Record(run, kind)
    judges = [role for role in JUDGES if run.scale.has_judge(role)]
    for condition in CONDITIONS.values():
        answers = run.folder / condition.name
        if condition.as_long_as_other or not answers.is_dir():
            continue
        yield Record(run, "responses", condition.name)
        for judge in judges:
            if any(answers.glob(f"{judge}-*")):
                yield Record(run, "verdicts", condition.name, judge)


def is_tuning(run: Run) -> bool:
    """Whether something of a fine-tuned model was made, not only of its base model."""
    try:
        made = read_manifest(run.folder, run.key)
    except ManifestError:
        return False
    return any(name not in ("flips.json", "dose.json") for name in made)


def without_noise(run: Run) -> Run | None:
    """The same run without noise; None where it is this one, or nothing of it is there."""
    if run.noise.alpha == 0:
        return None
    candidates = (replace(run, noise=noise) for noise in (Noise(0), replace(run.noise, alpha=0.0)))
    return next(filter(is_tuning, candidates), None)
