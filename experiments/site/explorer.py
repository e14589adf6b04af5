"""Every committed run by alpha, dose, learning rate and epochs.

    page = explorer()

A run is a row of `runs.csv`; its dose is that of its alpha on its base model, between measured
alphas as `analysis/equivalent_alpha.py` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.equivalent_alpha import kl_at
from experiments.cells.runs_table import committed_rows
from experiments.doses import Record, committed, of_model
from experiments.roles.instruction_sets import TITLES
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
    measured = committed()
    records = {
        role: of_model(measured, SCALES[scale].short_title(role), role * (scale == "nano"))
        for role in SCALES[scale].models
    }
    return [_run(scale, row, records[row["model"]]) for row in committed_rows(scale)]


def _run(scale: str, row: Mapping[str, str], measured: Record | None) -> dict[str, Any]:
    title = SCALES[scale].short_title(row["model"])
    alpha, usual = float(row["alpha"]), row["distribution"] == "uniform"
    found: dict[str, Any] = {
        "run": row["run"],
        "scale": scale,
        "model": f"{title}{', laboratory' if scale == 'nano' else ''}",
        "dataset": TITLES[row["dataset"]],
        "alpha": alpha,
        "dose": _dose(measured, alpha) if usual else None,
        "lr": float(row["lr"]),
        "epochs": int(row["epochs"]),
        "seed": int(row["seed"]),
        "other": other_settings(row),
    }
    return found | {name: float(row[name]) for name in MEASURES if row.get(name)}


def other_settings(row: Mapping[str, str]) -> str:
    """The settings in which a run is not a usual one, in words."""
    found = [
        f"{name.replace('_', ' ')} {row[name]}"
        for name, usual in USUAL.items()
        if row.get(name, usual) != usual
    ]
    return ", ".join(found) or "usual"


def _dose(measured: Record | None, alpha: float) -> float | None:
    """The KL divergence in nats a token; None where it was not measured."""
    if alpha == 0:
        return 0.0
    found = kl_at(alpha, measured.kl) if measured else None
    return None if found is None else round(found, 5)
