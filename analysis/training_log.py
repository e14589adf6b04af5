"""Loss curves from the Trainer's log history.

curves = loss_curves([{"step": 5, "eval_train_loss": 1.2}, …])
steps, losses = curves["train"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def loss_curves(log: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """By probe, the steps at which its loss without noise was taken, and the losses.

    Args:
        log: entries of `training_log.jsonl`: `eval_<probe>_loss` without noise, `loss` with it.

    Returns:
        A curve for each probe; the curve `noisy` is the training loss itself, with the noise on.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for entry in log:
        for key, value in entry.items():
            if key.startswith("eval_") and key.endswith("_loss"):
                name = key.removeprefix("eval_").removesuffix("_loss")
                points.setdefault(name, []).append((entry["step"], value))
        if "loss" in entry:
            points.setdefault("noisy", []).append((entry["step"], entry["loss"]))
    return {
        name: (np.array([s for s, _ in each], float), np.array([v for _, v in each]))
        for name, each in points.items()
    }
