"""What the records of a run, or of the same run under several seeds, say: one cell of a table.

cell = load_cell([run_of_seed_0, run_of_seed_1], judge="gpt-4", split="test")
summary(cell)["win_rate"]["value"]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import win_rate
from analysis.length_control import length_controlled_win_rate
from experiments.jobs import verdicts_file
from experiments.run import Run


@dataclass(frozen=True)
class Cell:
    """Verdicts and lengths of one model, over seeds and instructions.

    Args:
        preferences: shape (seeds, instructions); 2 where the model won, NaN where no verdict is.
        lengths: of its answers in characters, same shape.
        reference_lengths: shape (instructions,).
        clean_losses: the last losses logged without noise, by probe, averaged over seeds.
    """

    preferences: NDArray[np.float64]
    lengths: NDArray[np.float64]
    reference_lengths: NDArray[np.float64]
    clean_losses: dict[str, float]


def load_cell(runs: Sequence[Run], judge: str, split: str) -> Cell:
    """Read the records of one run under several seeds."""
    records = [json.loads(verdicts_file(r.folder, split, judge).read_text()) for r in runs]
    losses = [last_clean_losses(run) for run in runs]
    return Cell(
        preferences=np.array([[_number(row["preference"]) for row in rows] for rows in records]),
        lengths=np.array([[len(row["output_2"]) for row in rows] for rows in records], float),
        reference_lengths=np.array([len(row["output_1"]) for row in records[0]], float),
        clean_losses={name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]},
    )


def _number(preference: float | None) -> float:
    return np.nan if preference is None else float(preference)


def last_clean_losses(run: Run) -> dict[str, float]:
    """The losses without noise at the end of training, by probe."""
    losses: dict[str, float] = {}
    for line in (run.folder / "model" / "training_log.jsonl").read_text().splitlines():
        for key, value in json.loads(line).items():
            if key.startswith("eval_") and key.endswith("_loss"):
                losses[key.removeprefix("eval_").removesuffix("_loss")] = value
    return losses


def summary(cell: Cell) -> dict[str, Any]:
    """The numbers of a cell that a table shows."""
    decided = cell.preferences[~np.isnan(cell.preferences)]
    return {
        "win_rate": asdict(win_rate(cell.preferences)),
        "length_controlled": asdict(
            length_controlled_win_rate(cell.preferences, cell.lengths, cell.reference_lengths)
        ),
        "characters": float(cell.lengths.mean()),
        "draws": float(np.mean(decided == 1.5) * 100),
        "missing": int(np.isnan(cell.preferences).sum()),
        "clean_losses": cell.clean_losses,
    }
