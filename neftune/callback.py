"""NEFTune as a callback of transformers' Trainer.

    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(5)]).train()

The noise is attached when the training begins and removed when it ends. TRL's trainers, which are
subclasses of the Trainer, take the same callback.

It shows that it is on: after the first step one line says which sequences got noise, and how large
it was, and the log's entries have `neftune/…` values. A training without noise in its first two
steps, or in all of one step, and an evaluation of several batches with noise end with an error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from neftune.attachment import Attachment, attach, attachments_of
from neftune.constant_dose import Row, check_rows, dose
from neftune.distributions import Noise, noise_of, whole
from neftune.first_pass import FirstPass, said
from neftune.schedules import Schedule, schedule_of

PATIENCE = 2
"""Steps within which noise has to be added."""
RESUMED = 15_485_863
"""By how much the seed of a stream differs for each step at which a training begins."""


class NEFTune(TrainerCallback):
    """Add noise to the model while the Trainer trains, and remove it at the end.

    Args:
        noise: the noise to add, or its alpha.
        seed: of the noise; by default the Trainer's own seed. A seed gives the same batches with
            and without noise.
        by_sequence: make the noise independent of how a batch is split over processes and forward
            passes, and the same in a resumed training; see `neftune.attachment.attach`.
        schedule: how alpha changes over the training: a name in `neftune.schedules.SCHEDULES`, or a
            function from its progress, 0 to 1, to what alpha is multiplied by.
        report: whether a line on the first step is written to standard error, and values to the
            log.
        dose_rows: rows as of `neftune.constant_dose.dose`, on which the noise's dose is measured
            before the first step, for the line and the log.

    Raises:
        TypeError: alpha, the seed or the schedule is not one.
        ValueError: alpha, the schedule or a row is not valid; or the Trainer's own
            `neftune_noise_alpha` is set as well; or, in a training, the noise cannot be added
            (`attach`), or the processes have parts of sequences (context parallelism).
        RuntimeError: in a training, no noise was added by the second step, the noise was taken off
            the model, an evaluation had noise, or there are two such callbacks.
    """

    def __init__(
        self,
        noise: Noise | float,
        seed: int | None = None,
        by_sequence: bool = False,
        schedule: str | Schedule = "constant",
        report: bool = True,
        dose_rows: Sequence[Row] | None = None,
    ) -> None:
        self.noise = noise_of(noise)
        self.seed = None if seed is None else whole(seed, "seed")
        self.by_sequence = by_sequence
        self.schedule = schedule_of(schedule)
        self.report = report
        if dose_rows is not None:
            check_rows(dose_rows)
        self.dose_rows = dose_rows
        self._attachment: Attachment | None = None
        self._begun = 0
        self._predicted: int | None = None
        self._first: FirstPass | None = None
        self._dose: float | None = None

    def on_init_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Refuse a Trainer whose own option is set, before it puts its hook on the model."""
        _refuse_option(args)

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Attach the noise, after removing what an interrupted training left attached."""
        _refuse_option(args, "; its hook is on the model now, so load that anew")
        if self.noise.alpha > 0:
            _refuse_parts_of_sequences(args)
        self._detach()
        for left in attachments_of(kwargs["model"]):
            if left.of_a_training is state:
                raise RuntimeError("the Trainer has two NEFTune callbacks: give it one")
            if left.of_a_training is not None:
                left.detach()
        seed = args.seed if self.seed is None else self.seed
        if not self.by_sequence:
            # A training that is resumed draws other noise than its first steps had.
            seed += RESUMED * state.global_step
        self._attachment = attach(
            kwargs["model"], self.noise, seed=seed, by_sequence=self.by_sequence
        )
        self._attachment.of_a_training = state
        self._begun, self._predicted = state.global_step, None
        self._first = self._dose = None

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Set the step, which noise by sequence depends on, and what alpha is multiplied by."""
        if self._attachment is None:
            return
        if not self._attachment.attached:
            raise RuntimeError(
                "the noise was taken off the model amid the training, by neftune.detach(model) or "
                "by another Trainer with NEFTune on the same model"
            )
        self._predicted = None
        self._attachment.step = state.global_step
        self._attachment.strength = self.schedule(state.global_step / max(1, state.max_steps))
        if self.dose_rows is not None and self._dose is None and self.noise.alpha > 0:
            self._dose = dose(kwargs["model"], self.dose_rows, self._attachment.strength)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Check that noise was added, and say so after the first time."""
        attachment = self._attachment
        if attachment is None or self.noise.alpha == 0:
            return
        if state.global_step - self._begun >= PATIENCE:
            self._refuse_without_noise(attachment, state)
        if self.report and self._first is None:
            self._first = attachment.first_pass()
            if self._first is not None and state.is_world_process_zero:
                tqdm.write(said(self.noise, self._first, self._dose), file=sys.stderr)

    def on_prediction_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Check, from the second batch of an evaluation on, that it was clean."""
        if self._attachment is None:
            return
        if self._predicted is not None and self._attachment.passes != self._predicted:
            raise RuntimeError(
                "the evaluation had noise: it computed gradients in training mode; put the model "
                "into eval mode, or its passes into torch.no_grad()"
            )
        self._predicted = self._attachment.passes

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """End the check of an evaluation."""
        self._predicted = None

    def on_predict(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """End the check of predictions."""
        self._predicted = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Add the noise's values to the log's entry.

        Reporters that `report_to` names are called before this, and do not see them.
        """
        if self.report and self._attachment is not None and state.log_history:
            values: dict[str, float] = {
                "neftune/alpha": self.noise.alpha * self._attachment.strength,
                "neftune/passes": self._attachment.passes,
            }
            if self._first is not None and self._first.ratio is not None:
                values["neftune/first_ratio"] = self._first.ratio
            if self._dose is not None:
                values["neftune/first_dose"] = self._dose
            state.log_history[-1].update(values)
            # Callbacks that were added after this one see them, too.
            kwargs.get("logs", {}).update(values)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Detach the noise, and check that there was some."""
        attachment = self._attachment
        if attachment is not None and attachment.attached and state.global_step > self._begun:
            self._refuse_without_noise(attachment, state)
        self._detach()

    def _refuse_without_noise(self, attachment: Attachment, state: TrainerState) -> None:
        if attachment.passes == 0 and self.noise.alpha > 0:
            steps = state.global_step - self._begun
            self._detach()
            raise RuntimeError(
                f"no noise was added in {steps} step{'s' * (steps > 1)}: the model that is trained "
                "is not the one that the Trainer gave the callback, or it is in evaluation mode; "
                "or what calls it was compiled before the training began: call "
                "torch.compiler.reset() first"
            )

    def _detach(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
            self._attachment = None


def _refuse_option(args: TrainingArguments, besides: str = "") -> None:
    """Raise an error where the Trainer adds noise of its own."""
    if args.neftune_noise_alpha is not None:
        raise ValueError(
            f"the Trainer's own neftune_noise_alpha={args.neftune_noise_alpha:g} is set beside the "
            f"callback NEFTune: unset it{besides}"
        )


def _refuse_parts_of_sequences(args: TrainingArguments) -> None:
    """Raise an error where each process gets a part of every sequence, and L cannot be told."""
    plan = getattr(args, "parallelism_config", None)
    split = {name: getattr(plan, name, 1) for name in ("cp_size", "sp_size")}
    if found := [f"{name}={size}" for name, size in split.items() if size > 1]:
        raise ValueError(
            f"parallelism_config has {', '.join(found)}: each process gets a part of every "
            "sequence, so the noise cannot tell how long the sequences are; shard the model "
            "instead (FSDP, ZeRO, tensor parallelism)"
        )
