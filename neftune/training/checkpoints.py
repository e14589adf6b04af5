"""Resume an interrupted training from its last complete checkpoint.

    trainer = Trainer(…, callbacks=[MarkComplete()])
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder))

The Trainer writes a checkpoint file by file. If the process is killed meanwhile, the checkpoint is
incomplete and cannot be resumed from. `MarkComplete` therefore puts a marker file into each
checkpoint once all of its files are on the disk, and only checkpoints with the marker are resumed
from.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from neftune.training.files import sync_files

MARKER = "complete"
KEPT = 2
"""Checkpoints to keep. At least two: the Trainer removes an older checkpoint once a newer one is
written, which is before the newer one is marked."""


class MarkComplete(TrainerCallback):
    """Mark each checkpoint once all of its files are written."""

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer after it has saved a checkpoint."""
        if state.is_world_process_zero:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            sync_files(folder)
            (folder / MARKER).touch()


def last_complete_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint of a training's output folder; None if there is none."""
    markers = folder.glob(f"checkpoint-*/{MARKER}")
    found = {int(path.parent.name.split("-")[1]): path.parent for path in markers}
    return str(found[max(found)]) if found else None


def remove_incomplete(folder: Path) -> None:
    """Remove the incomplete checkpoints of a training's output folder."""
    for path in folder.glob("checkpoint-*"):
        if not (path / MARKER).exists():
            shutil.rmtree(path)
