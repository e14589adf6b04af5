"""Keep a model's weights after every epoch, so that stopping early can be evaluated afterwards.

    Trainer(…, callbacks=[KeepEpochs(folder)])           # folder/epochs/1, folder/epochs/2, …

The weights after the last epoch are not kept here: they are the training's result. A learning rate
that falls over the whole training is still high after the first epochs, so a training that is
stopped early differs from a shorter one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from neftune.training.files import replace_folder

EPOCHS = "epochs"


class KeepEpochs(TrainerCallback):
    """Save the weights after every epoch but the last.

    Args:
        folder: in which a folder `epochs` is made, with a folder for each epoch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / EPOCHS

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer after an epoch."""
        epoch = round(state.epoch or 0)
        if state.is_world_process_zero and epoch < args.num_train_epochs:
            fresh = self.folder / f"{epoch}.partial"
            shutil.rmtree(fresh, ignore_errors=True)
            model.save_pretrained(fresh)
            replace_folder(fresh, self.folder / str(epoch))
