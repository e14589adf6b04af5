"""A row for every run, as `runs.csv` has them: settings, last losses, win rates and mean lengths.

as_csv(run_rows(records))                            # the whole file
run_row(run, records)                                # one row, by title
committed_rows("nano")                               # those that the project ships
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.intervals import win_rate
from experiments.paths import RESULTS
from experiments.runs.record import Record
from experiments.runs.run import Run

RIVAL_FIELDS = ("dropout", "label_smoothing", "weight_decay", "penalty")


def run_rows(records: Sequence[Record]) -> list[list[str]]:
    """A row for every run, titles first: settings, last losses, win rates and mean lengths.

    Args:
        records: those of every result.
    """
    by_run: dict[Run, list[Record]] = {}
    for record in records:
        by_run.setdefault(record.run, []).append(record)
    rows = [run_row(run, by_run[run]) for run in sorted(by_run, key=lambda run: run.key)]
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return [titles, *([plain(row.get(title)) for title in titles] for row in rows)]


def run_row(run: Run, records: Sequence[Record]) -> dict[str, Any]:
    """The row of one run, by title.

    Args:
        run: whose row.
        records: those of its records that are looked at.
    """
    row: dict[str, Any] = {
        "run": run.key,
        "model": run.model,
        "parameters": run.scale.parameters(run.model),
        "dataset": run.dataset.role,
        "piece_tokens": run.dataset.piece_tokens,
        "alpha": run.noise.alpha,
        "distribution": run.noise.distribution,
        "length_rule": run.noise.length_rule,
        "lr": run.recipe.lr,
        "epochs": run.recipe.epochs,
        "adapter": run.recipe.adapter,
        "frozen": " ".join(run.recipe.frozen),
        "freelb": run.recipe.freelb.magnitude if run.recipe.freelb else None,
        "seed": run.seed,
        "interpolation": run.interpolation,
        "stopped": run.stopped,
        "tokens": run.noise.tokens,
        **{name: getattr(run.recipe, name) for name in RIVAL_FIELDS},
    }
    if run.training == run and any(record.kind == "settings" for record in records):
        for entry in Record(run, "log").read():
            row |= {k: v for k, v in entry.items() if k.startswith("eval_") and "_loss" in k}
    for record in sorted(records, key=lambda record: record.name):
        if record.kind in ("verdicts", "responses"):
            texts = record.of("responses").read()
            row[f"{record.condition}: characters"] = np.mean([len(t["output"]) for t in texts])
        if record.kind == "verdicts":
            title = f"{record.condition}: win rate, {record.judge}"
            row[title] = win_rate(record.read()).value
    return row


def plain(value: Any) -> str:
    """A value of a row as text, with six significant digits."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def committed_file(scale: str) -> Path:
    """Where the rows of a scale's committed runs are."""
    return RESULTS / scale / "runs.csv"


def committed_rows(scale: str) -> list[dict[str, str]]:
    """The rows of the committed runs of a scale, as text by title."""
    with committed_file(scale).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
