"""The row of each training, as `runs.csv` has rows: the site's explorer shows it beside others.

write_rows(inputs, comparison, folder)               # folder / "alpha-5" / "row.csv", …
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.training_log import loss_curves
from experiments.cells.render import as_csv
from experiments.cells.runs_table import ROW, as_table, settings_columns
from experiments.commands.finetune.comparison import Comparison
from experiments.commands.finetune.inputs import Inputs
from experiments.commands.finetune.unfinished import alpha_folder
from neftune.training.files import write_atomic

COLUMNS = {
    "train": "eval_train_loss",
    "held_out": "eval_validation_loss",
    "other": "eval_other_loss",
}
"""By probe, the column of `runs.csv` for the last loss without noise."""


def write_rows(inputs: Inputs, comparison: Comparison, folder: Path) -> None:
    """Write the row of each training into its model's folder.

    Args:
        inputs: the command.
        comparison: from `comparison.compare`.
        folder: of the models' folders.
    """
    for noise, alpha in zip(inputs.noises, inputs.alphas, strict=True):
        place = alpha_folder(folder, alpha)
        lines = (place / "training_log.jsonl").read_text(encoding="utf-8").splitlines()
        curves = loss_curves([json.loads(line) for line in lines])
        row: dict[str, Any] = {
            "run": f"{inputs.out}, alpha {alpha}",
            "model": inputs.settings["model"],
            "parameters": comparison["parameters"],
            "dataset": Path(inputs.file("own")).name,
            **settings_columns(noise, inputs.recipe, inputs.settings["seed"]),
            **{
                column: float(curves[probe][1][-1])
                for probe, column in COLUMNS.items()
                if probe in curves
            },
        }
        write_atomic(place / ROW, as_csv(as_table([row])))
