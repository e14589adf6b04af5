"""Read a run's records as numbers: one array each, an entry per instruction or example.

preferences(run, "gpt-4", "test")                    # 2 won, 1 lost, 1.5 draw, NaN no verdict
responses(run, "test")
clean_loss_curves(run)["other"]                      # (steps, losses)
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.jobs import (
    leaderboard_file,
    log_file,
    losses_file,
    outputs_file,
    spectrum_file,
    verdicts_file,
)
from experiments.run import Run

Numbers = NDArray[np.float64]


@cache
def _json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def preferences(run: Run, judge: str, condition: str) -> Numbers:
    """The judge's preferences, in the order of the instructions."""
    rows = _json(str(verdicts_file(run.folder, condition, judge)))
    return np.array([np.nan if r["preference"] is None else r["preference"] for r in rows], float)


def responses(run: Run, condition: str) -> list[str]:
    """The run's responses."""
    return [row["output"] for row in _json(str(outputs_file(run.folder, condition)))]


def example_losses(run: Run, name: str) -> Numbers:
    """The loss without noise of each example of the set `train` or `other`."""
    return np.array(_json(str(losses_file(run.folder)))[name])


def leaderboard(run: Run, task: str) -> Numbers:
    """The score of each item of a leaderboard task, 0 to 1.

    Items of a task with subjects are weighted so that their plain mean is the leaderboard's: the
    mean over subjects, whatever their size.
    """
    subjects = _json(str(leaderboard_file(run.folder)))[task].values()
    share = sum(map(len, subjects)) / len(subjects)
    return np.concatenate([np.array(items, float) * share / len(items) for items in subjects])


def training_log(run: Run) -> list[dict[str, Any]]:
    """The Trainer's log history."""
    return [json.loads(line) for line in log_file(run.folder).read_text().splitlines()]


def embedding_spectrum(run: Run) -> Numbers:
    """The largest singular values of the embeddings' similarity matrix."""
    return np.array(_json(str(spectrum_file(run.folder))))


def clean_loss_curves(run: Run) -> dict[str, tuple[Numbers, Numbers]]:
    """By probe, the steps at which the loss without noise was taken, and the losses.

    `noisy` is the training loss itself, with the noise on.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in training_log(run):
        for key, value in entry.items():
            if key.startswith("eval_") and key.endswith("_loss"):
                name = key.removeprefix("eval_").removesuffix("_loss")
                curves.setdefault(name, []).append((entry["step"], value))
        if "loss" in entry:
            curves.setdefault("noisy", []).append((entry["step"], entry["loss"]))
    return {
        name: (np.array([s for s, _ in points], float), np.array([v for _, v in points]))
        for name, points in curves.items()
    }


def final_clean_loss(run: Run, probe: str) -> float:
    """The last loss without noise on a probe."""
    return float(clean_loss_curves(run)[probe][1][-1])
