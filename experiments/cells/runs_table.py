"""A row for every run, as `runs.csv` has them: settings, last losses, win rates, lengths and facts.

as_csv(run_rows(records))                            # the whole file
run_row(run, records)                                # one row, by title
as_csv(as_table([row]))                              # row.csv in a run's own folder
committed_rows("nano")                               # those that the project ships
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.intervals import win_rate
from experiments.cells.metrics import RIGHT_FACTS, WRONG_FACTS
from experiments.paths import RESULTS
from experiments.runs.record import Record
from experiments.runs.run import Run
from neftune.distributions import Noise
from neftune.training.recipe import Recipe

ROW = "row.csv"
"""The row of one training, in its folder."""
FACTS = {"right facts": RIGHT_FACTS, "wrong facts": WRONG_FACTS}
"""By what their columns are called: means over answers, where right can be told from wrong."""
FACTS_OF = "test"
"""The condition whose answers have them."""
RIVAL_FIELDS = ("dropout", "label_smoothing", "weight_decay", "penalty")


def run_rows(records: Sequence[Record]) -> list[list[str]]:
    """A row for every run, titles first: settings, last losses, win rates, lengths and facts.

    Args:
        records: those of every result.
    """
    by_run: dict[Run, list[Record]] = {}
    for record in records:
        by_run.setdefault(record.run, []).append(record)
    rows = [run_row(run, by_run[run]) for run in sorted(by_run, key=lambda run: run.key)]
    return as_table(rows)


def as_table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows by title as rows of text, titles first."""
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
        **settings_columns(run.noise, run.recipe, run.seed, run.interpolation, run.stopped),
    }
    if run.training == run and any(record.kind == "settings" for record in records):
        for entry in Record(run, "log").read():
            row |= {k: v for k, v in entry.items() if k.startswith("eval_") and "_loss" in k}
    for record in sorted(records, key=lambda record: record.name):
        if record.kind in ("verdicts", "responses"):
            texts = record.of("responses").read()
            row[f"{record.condition}: characters"] = np.mean([len(t["output"]) for t in texts])
            if run.scale.facts and record.condition == FACTS_OF:
                for name, metric in FACTS.items():
                    row[f"{record.condition}: {name}"] = metric.values(record).mean()
        if record.kind == "verdicts":
            title = f"{record.condition}: win rate, {record.judge}"
            row[title] = win_rate(record.read()).value
    return row


def settings_columns(
    noise: Noise,
    recipe: Recipe,
    seed: int,
    interpolation: float = 1.0,
    stopped: int | None = None,
) -> dict[str, Any]:
    """The settings of a training as a row has them, by title."""
    return {
        "alpha": noise.alpha,
        "distribution": noise.distribution,
        "length_rule": noise.length_rule,
        "lr": recipe.lr,
        "epochs": recipe.epochs,
        "adapter": recipe.adapter,
        "frozen": " ".join(recipe.frozen),
        "freelb": recipe.freelb.magnitude if recipe.freelb else None,
        "seed": seed,
        "interpolation": interpolation,
        "stopped": stopped,
        "tokens": noise.tokens,
        **{name: getattr(recipe, name) for name in RIVAL_FIELDS},
    }


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
