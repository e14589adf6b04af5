"""Every committed run by alpha, dose, learning rate and epochs.

    page = explorer()

A run is a row of `runs.csv`; its dose is that of its alpha on its base model, between measured
alphas as `analysis/equivalent_alpha.py` has it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

from analysis.equivalent_alpha import kl_at
from experiments.doses import Record, committed
from experiments.paths import RESULTS
from experiments.roles.instruction_sets import TITLES
from experiments.roles.sources import Packaged
from experiments.scales.registry import SCALES
from experiments.site.pages import CHARTS, Page

MEASURES = {
    "eval_train_loss": "loss without noise on its own rows, nats",
    "eval_validation_loss": "loss without noise on held-out rows, nats",
    "eval_other_loss": "loss without noise on another set, nats",
    "test: characters": "length of answers, characters",
    "test: win rate, gpt-4": "win rate in GPT-4's role, %",
    "test: win rate, oracle": "win rate by the oracle, %",
    "test: win rate, chatgpt": "win rate in ChatGPT's role, %",
}
"""What can be drawn, by column of `runs.csv`."""
USUAL = {
    "piece_tokens": "",
    "distribution": "uniform",
    "length_rule": "sequence",
    "adapter": "none",
    "frozen": "",
    "freelb": "",
    "interpolation": "1",
    "stopped": "",
    "tokens": "all",
    "dropout": "0",
    "label_smoothing": "0",
    "weight_decay": "0",
    "penalty": "0",
}
"""The settings of a usual training; a run with another one is named by it."""


def explorer() -> Page:
    """The page of all runs."""
    return Page(
        "explore.html",
        "Explorer",
        "explore.html",
        {"measures": MEASURES},
        {
            "runs": [run for scale in ("nano", "small") for run in _runs(scale)],
            "measures": MEASURES,
        },
        scripts=(CHARTS, "explore.js"),
    )


def _runs(scale: str) -> list[dict[str, Any]]:
    with (RESULTS / scale / "runs.csv").open(encoding="utf-8", newline="") as file:
        return [_run(scale, row) for row in csv.DictReader(file)]


def _run(scale: str, row: Mapping[str, str]) -> dict[str, Any]:
    title = _title(scale, row["model"])
    alpha, usual = float(row["alpha"]), row["distribution"] == "uniform"
    found: dict[str, Any] = {
        "run": row["run"],
        "scale": scale,
        "model": f"{title}{', laboratory' if scale == 'nano' else ''}",
        "dataset": TITLES[row["dataset"]],
        "alpha": alpha,
        "dose": _dose(scale, row["model"], title, alpha) if usual else None,
        "lr": float(row["lr"]),
        "epochs": int(row["epochs"]),
        "seed": int(row["seed"]),
        "other": other_settings(row),
    }
    return found | {name: float(row[name]) for name in MEASURES if row.get(name)}


def _title(scale: str, role: str) -> str:
    """What a model is called: a real one by its own name."""
    source = SCALES[scale].source(role)
    return source.title if isinstance(source, Packaged) else SCALES[scale].model_title(role)


def other_settings(row: Mapping[str, str]) -> str:
    """The settings in which a run is not a usual one, in words."""
    found = [
        f"{name.replace('_', ' ')} {row[name]}"
        for name, usual in USUAL.items()
        if row.get(name, usual) != usual
    ]
    return ", ".join(found) or "usual"


def _dose(scale: str, role: str, title: str, alpha: float) -> float | None:
    """The KL divergence in nats a token; None where it was not measured."""
    if alpha == 0:
        return 0.0
    record = next((each for each in committed().values() if _is(each, scale, role, title)), None)
    found = kl_at(alpha, record.kl) if record else None
    return None if found is None else round(found, 5)


def _is(record: Record, scale: str, role: str, title: str) -> bool:
    if scale == "nano":
        return record.role == role
    return record.real and record.title == title
