"""Saved states of a training, of which only whole ones count.

    Trainer(…, callbacks=[MarkWhole()])
    trainer.train(resume_from_checkpoint=last_whole_checkpoint(folder))

The Trainer writes a checkpoint file by file; killed meanwhile, it leaves half of one behind, from
which no training can go on. A checkpoint that was written to its end gets a mark.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

MARK = "whole"
KEPT = 2
"""At least two: the older is removed when the newer one is written, and that is before its mark."""


class MarkWhole(TrainerCallback):
    """Marks each checkpoint once it is written."""

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer after it has saved."""
        if state.is_world_process_zero:
            (Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / MARK).touch()


def last_whole_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint with a mark; None if there is none."""
    marks = folder.glob(f"checkpoint-*/{MARK}")
    found = {int(path.parent.name.split("-")[1]): path.parent for path in marks}
    return str(found[max(found)]) if found else None


def remove_halves(folder: Path) -> None:
    """Remove checkpoints without a mark."""
    for path in folder.glob("checkpoint-*"):
        if not (path / MARK).exists():
            shutil.rmtree(path)
