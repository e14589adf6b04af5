"""NEFTune as a callback of transformers' Trainer.

Trainer(model, args, train_dataset=data, callbacks=[NEFTune(Noise(alpha=5))]).train()
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from neftune.attachment import Attachment, attach
from neftune.spec import Noise


class NEFTune(TrainerCallback):
    """Noise while the Trainer trains, none when it is done.

    Args:
        noise: what to add.
        seed: of the noise; by default the Trainer's own seed. The same seed gives the same batches
            with and without noise.
        by_sequence: see `neftune.attachment.attach`: for several processes, and for trainings that
            are to go on exactly after a stop.
    """

    def __init__(self, noise: Noise, seed: int | None = None, by_sequence: bool = False) -> None:
        self.noise = noise
        self.seed = seed
        self.by_sequence = by_sequence
        self._attachment: Attachment | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Attach; what an interrupted training left attached is taken off first."""
        self._take_off()
        seed = args.seed if self.seed is None else self.seed
        self._attachment = attach(
            kwargs["model"], self.noise, seed=seed, by_sequence=self.by_sequence
        )

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Tell the step, which noise by sequence depends on."""
        if self._attachment is not None:
            self._attachment.step = state.global_step

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Detach."""
        self._take_off()

    def _take_off(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
            self._attachment = None
