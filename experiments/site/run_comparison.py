"""Numbers of a run, beside the same run without noise and beside the committed results.

    verdicts_section(found), without_noise_section(found, beside), committed_section(found)
    facts_of(found)                                      # the few that stand at the top

Differences are paired by instruction or example, with 95% intervals over these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from markupsafe import Markup

from analysis.intervals import Estimate, hierarchical
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    LENGTH_CONTROLLED,
    OTHER_LOSS,
    TRAIN_LOSS,
    VALIDATION_LOSS,
    WIN_RATE,
    Metric,
    leaderboard_score,
)
from experiments.cells.runs_table import committed_file, committed_rows, plain, run_row
from experiments.roles.judges import JUDGES
from experiments.runs.conditions import CONDITIONS
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.site.one_file import Section
from experiments.site.pages import Fact
from experiments.site.run_records import Shown

HEAD = ["", "this run", "without noise", "difference"]


def facts_of(found: Shown) -> list[Fact]:
    """The numbers that are looked for first: win rates, length and the loss on held-out rows."""
    verdicts = _main(found.of_kind("verdicts"))
    facts = [
        Fact(
            f"Win rate by {_name_of(record.run, record.judge)}",
            f"{hierarchical(WIN_RATE.values(record)).value:.1f}%",
            estimate_text(asdict(hierarchical(WIN_RATE.values(record))), 1),
        )
        for record in verdicts
    ]
    for record in _main(found.of_kind("responses")):
        length = hierarchical(CHARACTERS.values(record)).value
        facts.append(Fact("Length of answers", f"{length:.0f} characters", record.condition))
    log = found.one("log")
    if log is not None:
        loss = float(VALIDATION_LOSS.values(log)[-1])
        facts.append(Fact("Loss on held-out rows", f"{loss:.3f}", "nats a token, without noise"))
    return facts


def _main(records: list[Record]) -> list[Record]:
    """The records of the condition that is looked at first: the test instructions, if asked."""
    conditions = [record.condition for record in records]
    first = next((name for name in CONDITIONS if name in conditions), None)
    return [record for record in records if record.condition == first]


def _name_of(run: Run, role: str) -> str:
    """A judge in a few words: by its own name, or by the role that it plays."""
    judge = JUDGES[role]
    stands_in = run.scale.name in judge.stand_in and "paper" in judge.configurations
    return f"the judge in {judge.title}'s role" if stands_in else judge.title


def verdicts_section(found: Shown) -> Section:
    """Win rates with intervals, by what was asked and by judge."""
    records = found.of_kind("verdicts")
    if not records:
        return Section("Verdicts", ["No judge was asked about this run's answers."])
    rows = [["instructions", "judge", "win rate, %", LENGTH_CONTROLLED.title, "won, drawn, lost"]]
    for record in records:
        preferences = record.read()
        counts = [int(np.sum(preferences > 1.5)), int(np.sum(preferences == 1.5))]
        missing = int(np.isnan(preferences).sum())
        counted = ", ".join(map(str, [*counts, len(preferences) - sum(counts) - missing]))
        rows.append(
            [
                record.condition,
                _name_of(record.run, record.judge),
                _text(hierarchical(WIN_RATE.values(record)), 2),
                _text(_at_equal_length(record, None), 2),
                f"{counted}{f' ({missing} without a verdict)' if missing else ''}",
            ]
        )
    note = "Against the reference answers; a draw counts as half a win. In brackets: 95% intervals."
    judges = dict.fromkeys(record.judge for record in records)
    names = {role: _name_of(found.run, role) for role in judges}
    who = [
        f"{name[0].upper()}{name[1:]}: {found.run.scale.describe_judge(role)}."
        for role, name in names.items()
    ]
    return Section("Verdicts", [note, *who], rows)


def _at_equal_length(record: Record, base: Record | None) -> Estimate | None:
    """The win rate at equal length, or its difference from another run's; None without a fit."""
    read = [each.of(kind) for each in (record, base) if each for kind in LENGTH_CONTROLLED.reads]
    return _fitted(record, base, tuple(str(each.entry()) for each in read))


@lru_cache(maxsize=1024)
def _fitted(record: Record, base: Record | None, entries: tuple[str, ...]) -> Estimate | None:
    """As `_at_equal_length`, kept for as long as the records stay as they are.

    Many runs are compared with one without noise, and a fit takes a tenth of a second.
    """
    assert LENGTH_CONTROLLED.estimate is not None
    try:
        return LENGTH_CONTROLLED.estimate([record], [base] if base else None)
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None


def _text(estimate: Estimate | None, digits: int, sign: bool = False) -> str:
    return estimate_text(asdict(estimate), digits, sign) if estimate else "–"


def without_noise_section(found: Shown, beside: Shown | None) -> Section:
    """The run minus the same one without noise, paired."""
    title = "Beside the same run without noise"
    if found.run.noise.alpha == 0:
        return Section(title, ["This is a run without noise."])
    if beside is None:
        note = "The same run without noise was not made, or its records are not here."
        return Section(title, [note])
    rows = list(_paired(found, beside))
    key = beside.run.key
    link = Markup('<a href="../{0}/report.html">{0}</a>').format(key)
    note = Markup("The run without noise is {}.").format(link)
    if not rows:
        return Section(title, [note, "The two have no records of the same kind."])
    losses = "Losses with an interval are of single examples; others are the last of the log."
    return Section(title, [note, losses], [HEAD, *rows])


def _paired(found: Shown, beside: Shown) -> Iterator[list[str]]:
    there = {replace(record, run=found.run): record for record in beside.records}
    for record in found.records:
        other = there.get(record)
        if other is None:
            continue
        for name, metric in _metrics(record):
            own, base = metric.values(record), metric.values(other)
            yield [
                name,
                _text(hierarchical(own), metric.digits),
                _text(hierarchical(base), metric.digits),
                _text(hierarchical(own - base), metric.digits, sign=True)
                if own.shape == base.shape
                else "–",
            ]
        if record.kind == "verdicts":
            yield [
                f"{LENGTH_CONTROLLED.title} ({record.condition}, {record.judge})",
                _text(_at_equal_length(record, None), 2),
                _text(_at_equal_length(other, None), 2),
                _text(_at_equal_length(record, other), 2, sign=True),
            ]


def _metrics(record: Record) -> list[tuple[str, Metric]]:
    """What is compared of a record."""
    if record.kind == "verdicts":
        return [(f"{WIN_RATE.title} ({record.condition}, {record.judge})", WIN_RATE)]
    if record.kind == "responses":
        return [(f"{CHARACTERS.title} ({record.condition})", CHARACTERS)]
    if record.kind == "log":
        return [(each.title, each) for each in (TRAIN_LOSS, VALIDATION_LOSS, OTHER_LOSS)]
    if record.kind == "losses":
        singles = (FITTED_LOSS, HELD_OUT_LOSS, FAR_LOSS)
        return [(f"{each.title}, by example", each) for each in singles]
    if record.kind == "leaderboard":
        return [(f"{task}, %", leaderboard_score(task, task)) for task in sorted(record.read())]
    return []


def committed_section(found: Shown) -> Section:
    """The run beside the committed row of the same settings, and beside those of other seeds."""
    title = "Beside the committed results"
    run = found.run
    path = committed_file(run.scale.name)
    if not path.is_file():
        return Section(title, [f"There are no committed results at {path}."])
    rows = _committed(run.scale.name, path.stat().st_mtime_ns)
    seeds = {
        seed: rows[key]
        for seed in sorted({int(row["seed"]) for row in rows.values()})
        if (key := replace(run, seed=seed).key) in rows
    }
    if not seeds:
        note = f"{path} has no run with these settings, so nothing there is comparable."
        return Section(title, [note])
    own = {name: plain(value) for name, value in run_row(run, found.records).items()}
    same = seeds.get(run.seed, {})
    measured = [name for name in own if ":" in name or name.startswith("eval_")]
    head = ["", "this run", f"committed, seed {run.seed}", f"committed, {len(seeds)} seeds"]
    table = [
        [_name(name), own[name], same.get(name) or "–", _range(seeds, name)] for name in measured
    ]
    if not table:
        return Section(title, ["This run has neither losses nor answers to compare."])
    return Section(title, [_verdict(own, same, measured, path)], [head, *table])


def _verdict(
    own: Mapping[str, str], same: Mapping[str, str], measured: list[str], path: Path
) -> str:
    """Whether the run's numbers are the committed ones."""
    both = [name for name in measured if same.get(name)]
    if not both:
        return f"{path} has these settings with other seeds, or other numbers of this seed."
    different = sum(own[name] != same[name] for name in both)
    if not different:
        return f"All {len(both)} numbers that {path} has of this very run are the same here."
    return (
        f"{different} of the {len(both)} numbers that {path} has of this very run differ here. "
        "On another processor the last digits of losses differ, and with them some answers."
    )


@lru_cache(maxsize=8)
def _committed(scale: str, stamp: int) -> dict[str, dict[str, str]]:
    """The rows of a scale's committed runs by the keys of their runs."""
    return {row["run"]: row for row in committed_rows(scale)}


def _name(column: str) -> str:
    if not column.startswith("eval_"):
        return column
    probe = column.removeprefix("eval_").removesuffix("_loss")
    return {
        "train": TRAIN_LOSS.title,
        "validation": VALIDATION_LOSS.title,
        "other": OTHER_LOSS.title,
    }[probe]


def _range(seeds: Mapping[int, Mapping[str, str]], name: str) -> str:
    """The lowest and the highest number of the committed seeds."""
    found = sorted((row[name] for row in seeds.values() if row.get(name)), key=float)
    if not found:
        return "–"
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
