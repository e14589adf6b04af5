"""Data of tables and figures that nobody measured, so that their pictures can be looked at.

made_up(ARTIFACTS["table6"], study)                  # the data that `make table6` would write
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data
from experiments.cells.metrics import BY_JUDGE, CHARACTERS, FITTED_LOSS, HELD_OUT_LOSS
from experiments.figures import curves, trajectories
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs.flips import SHOWN
from experiments.runs.real_models import NO_NOISE, REAL_MODELS, paper_noises
from experiments.runs.rivals import BASELINE_SETTING, NOISE, RIVALS, SETS
from experiments.runs.study import BASELINE, NEFT, Study
from experiments.scales.small import SMALL
from experiments.tables.matched import LOSSES

RNG = np.random.default_rng(0)
AGAINST = {
    "benchmarks": NO_NOISE,
    "real": NO_NOISE,
    "phase": "alpha 0",
    "table3": "Base",
    "table11": "NEFT",
    "rivals": BASELINE_SETTING,
    "treatments": NO_NOISE,
}
"""What an artifact's rows are compared with, where that is not the baseline."""


def made_up(artifact: Artifact, study: Study) -> Data:
    """Data of the form that an artifact's `data` gives, with numbers drawn at random.

    The same artifact always gets the same numbers.
    """
    RNG.bit_generator.state = np.random.default_rng(
        crc32(artifact.name.encode())
    ).bit_generator.state
    if artifact.name in OTHERS:
        return OTHERS[artifact.name]()
    cells = artifact.cells(study)
    if artifact.name == "budget":
        return _budget(cells)
    against = AGAINST.get(artifact.name, BASELINE)
    data: Data = {"against": against, "cells": _entries(cells, against)}
    if artifact.name in ("figure4", "figure5"):
        data["items"] = {
            panel: {arm: RNG.uniform(0, 2, 50).tolist() for arm in (BASELINE, NEFT)}
            for panel in dict.fromkeys(
                cell.column if artifact.name == "figure4" else cell.metric.title for cell in cells
            )
        }
    return data


def _entries(cells: Sequence[Cell], against: str) -> list[dict[str, Any]]:
    bases = {(c.metric.title, c.column): c for c in cells if c.row == against}
    return [_entry(cell, bases.get((cell.metric.title, cell.column))) for cell in cells]


def _entry(cell: Cell, base: Cell | None) -> dict[str, Any]:
    value = float(RNG.uniform(20, 60))
    if cell.metric.reads == ("flips",):
        value = 0.0 if (cell.x or 0) <= 15 else value
    if isinstance(cell.constant, int | float):
        value = cell.constant
    entry: dict[str, Any] = {
        "metric": cell.metric.title,
        "row": cell.row,
        "column": cell.column,
        "x": cell.x,
        **_estimate(value, 1.0),
        "digits": cell.metric.digits,
        "published": cell.published,
        "published_column": cell.published_column,
        # A run's own key needs its data.
        "runs": [f"{hash(run):x}" for runs in cell.groups for run in runs],
    }
    paired = base is not None and base is not cell and bool(base.groups and cell.groups)
    if base is not None and paired and len(base.groups[0]) == len(cell.groups[0]):
        entry["difference"] = _estimate(float(RNG.normal()), 1.0)
    return entry


def _estimate(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def _points(count: int) -> list[dict[str, float]]:
    return [{"x": float(x), **_estimate(float(RNG.normal()), 1.0)} for x in range(1, count + 1)]


def _budget(cells: Sequence[Cell]) -> Data:
    """The first setting of each rival is chosen."""
    first: dict[tuple[str, str, str], Cell] = {}
    for cell in cells:
        rival = cell.row.partition(":")[0]
        first.setdefault((cell.column, rival, cell.metric.title), replace(cell, row=rival))
    chosen = [
        {"set": column, "rival": rival, "setting": "1", "trial": float(RNG.normal())}
        for column, rival in dict.fromkeys((column, rival) for column, rival, _ in first)
    ]
    entries = _entries(list(first.values()), BASELINE_SETTING)
    return {"against": BASELINE_SETTING, "cells": entries, "chosen": chosen}


def _matched() -> Data:
    rivals = [rival.title for name, rival in RIVALS.items() if name != NOISE]
    return {
        "entries": [
            {
                "equal": equal,
                "set": dataset.title,
                "alpha": alpha,
                "rival": rival,
                "metric": metric.title,
                "digits": metric.digits,
                "difference": None if rival == "dropout" else _estimate(float(RNG.normal()), 1.0),
                "side": "lower" if rival == "dropout" else "",
            }
            for equal, loss in LOSSES.items()
            for dataset in SETS
            for alpha in ("5", "10", "15")
            for rival in rivals
            for metric in (*BY_JUDGE.values(), CHARACTERS, FITTED_LOSS, HELD_OUT_LOSS)
            if metric.title != loss
        ],
        "check": [
            {
                "equal": equal,
                "set": SETS[0].title,
                "rival": rival,
                "setting": f"{rival}: 2",
                "difference": _estimate(float(RNG.normal()), 1.0),
            }
            for equal in LOSSES
            for rival in rivals
        ],
    }


def _curves() -> Data:
    lines = (BASELINE, NEFT, curves.DIFFERENCE)
    return {
        dataset.title: {probe: {line: _points(20) for line in lines} for probe in curves.PROBES}
        for dataset in INSTRUCTION_SETS.values()
    }


def _trajectories() -> Data:
    return {
        SMALL.short_title(model): {
            probe: {row: _points(5) for row in paper_noises()} for probe in trajectories.PROBES
        }
        for model in REAL_MODELS
    }


def _singular_values() -> Data:
    points = {arm: _points(100) for arm in (BASELINE, NEFT)}
    return {"points": points, "largest relative difference": 0.0003, "changes, %": _points(100)}


def _flipped() -> Data:
    settings = [
        {"alpha": alpha, "length": length, "flipped": 40 * place, "first": [["a", "b"]][:place]}
        for place, (alpha, length) in enumerate(SHOWN)
    ]
    return {"settings": settings, "vocabulary": 2048}


def _human() -> Data:
    return {
        "pairs": 140,
        "wins": 60,
        "draws": 40,
        "losses": 40,
        "win score": {"value": 60.0, "low": 50.2, "high": 69.1},
    }


OTHERS: dict[str, Callable[[], Data]] = {
    "curves": _curves,
    "figure7": _singular_values,
    "figure9": _flipped,
    "human": _human,
    "matched": _matched,
    "trajectories": _trajectories,
}
"""Figures whose data are no table."""
