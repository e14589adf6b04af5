"""NEFTune as a callback of transformers' Trainer.

    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(5)]).train()

The noise is attached when the training begins and removed when it ends. TRL's trainers, which are
subclasses of the Trainer, take the same callback.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from neftune.attachment import Attachment, attach
from neftune.distributions import Noise


class NEFTune(TrainerCallback):
    """Add noise to the model while the Trainer trains, and remove it at the end.

    Args:
        noise: the noise to add, or its alpha.
        seed: of the noise; by default the Trainer's own seed. A seed gives the same batches with
            and without noise.
        by_sequence: make the noise independent of how a batch is split over processes and forward
            passes, and the same in a resumed training; see `neftune.attachment.attach`.
    """

    def __init__(
        self, noise: Noise | float, seed: int | None = None, by_sequence: bool = False
    ) -> None:
        self.noise = noise if isinstance(noise, Noise) else Noise(noise)
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
        """Attach the noise, after removing what an interrupted training left attached."""
        self._detach()
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
        """Set the step, which the noise depends on when it is drawn by sequence."""
        if self._attachment is not None:
            self._attachment.step = state.global_step

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Detach the noise."""
        self._detach()

    def _detach(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
            self._attachment = None
