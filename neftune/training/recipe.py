"""The settings of a fine-tuning, as frozen data: hyperparameters, and how it is executed.

    Recipe(lr=5e-5, epochs=3)
    Recipe(adapter="qlora", lr=2e-4)                     # the paper's Table 3
    Execution(packed=True, checkpoint_steps=100)

A `Recipe` decides what the fine-tuning computes; an `Execution` decides at what cost. This module
does not import torch, so that configurations can be read and checked quickly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["embedding", "lm_head", "attention", "blocks"]
Sharding = Literal["none", "fsdp", "fsdp, offload"]
Schedule = Literal["cosine", "constant"]

WHOLE = {
    "epochs": (0, 1000),
    "batch": (1, 100_000),
    "micro_batch": (1, 100_000),
    "max_length": (2, 1_000_000),
    "adapter_rank": (1, 65_536),
}
"""The ranges of a recipe's whole numbers. A sequence of one token has no loss."""
LARGEST_STRENGTH = 1000
"""Of weight decay, which AdamW multiplies by the learning rate, and of the penalty's alpha."""
LARGEST_NORM = 1_000_000
"""Of the gradient; to clip at it is not to clip."""


@dataclass(frozen=True)
class FreeLB:
    """Adversarial training of the embeddings (Zhu et al. 2019, arXiv 1909.11764, Algorithm 1).

    Args:
        steps: ascent steps, each with a forward and a backward pass.
        magnitude: alpha of the uniform noise that the perturbation starts from.
        step_size: L2 norm of one ascent step.
        max_norm: the largest L2 norm of one sequence's perturbation.

    Raises:
        ValueError: a value is out of range.
    """

    steps: int = 3
    magnitude: float = 1.0
    step_size: float = 1.0
    max_norm: float = 5.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")
        for name in ("magnitude", "step_size", "max_norm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number of at least 0, not {value}")


@dataclass(frozen=True)
class Execution:
    """How a fine-tuning is executed: its speed and memory, and whether it can be resumed.

    A fine-tuning with `group_by_length=False` and `noise_by_sequence=True` does not depend on how
    its batches are split over processes and forward passes, and after a resumption it ends with the
    same bytes as an uninterrupted one.

    Args:
        compile_blocks: compile the transformer blocks where this machine can compile; see
            `neftune.training.compilation`.
        packed: put the examples of a forward pass into one row without padding, each with its own
            attention, positions and noise; see `neftune.training.packing`.
        gradient_checkpointing: recompute activations in the backward pass, which saves memory and
            costs a forward pass.
        group_by_length: make batches of examples of similar length, which saves padding; if False,
            the order of the examples is random.
        noise_by_sequence: make the noise of each sequence independent of its batch; see
            `neftune.attachment.attach`. Short sequences train faster without.
        checkpoint_steps: optimizer steps between two saved states of the training, from which an
            interrupted training resumes; 0 saves none.
        sharding: how several processes divide a model. With `none` each holds the whole model
            (DDP); `fsdp` shards weights, gradients and optimizer states (FSDP2); `fsdp, offload`
            also keeps the shards in main memory.
        keep_epochs: keep the weights after every epoch (`neftune.training.epochs`); not for sharded
            models or adapters.
    """

    compile_blocks: bool = False
    packed: bool = False
    gradient_checkpointing: bool = False
    group_by_length: bool = True
    noise_by_sequence: bool = False
    checkpoint_steps: int = 0
    sharding: Sharding = "none"
    keep_epochs: bool = False


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one fine-tuning; the defaults are the paper's for 7B models.

    Args:
        lr: peak learning rate.
        epochs: passes over the training set; 0 does not train the model.
        batch: examples per optimizer step.
        micro_batch: examples per forward pass; gradients are accumulated up to `batch`. A pass that
            would not fit into main memory is split; see `neftune.training.bounded_trainer`.
        max_length: tokens per example.
        schedule: of the learning rate after warmup: `cosine` decays to 0, `constant` stays at the
            peak.
        warmup: fraction of the steps in which the learning rate rises, rounded up to whole steps;
            ignored by `constant`.
        weight_decay: of AdamW.
        max_grad_norm: the L2 norm at which the gradient is clipped.
        frozen: parts of the model that are not trained (Table 11 of the paper).
        adapter: `qlora` trains a low-rank adapter on a base of 4-bit weights (Table 3).
        adapter_rank: rank of that adapter; 64 as in the QLoRA paper.
        adapter_dropout: dropout in that adapter; the QLoRA paper uses 0.1 for models up to 13B, and
            0.05 above.
        freelb: adversarial training instead of noise (Table 12).
        dropout: probability with which entries of the embeddings, and of the output of every
            attention and feed-forward layer, are set to 0 in training (`neftune.training.dropout`).
        label_smoothing: share of each label that is spread evenly over the vocabulary (Szegedy et
            al. 2016, arXiv 1512.00567, section 7; `neftune.training.rivals`).
        penalty: alpha of the noise whose second-order effect on the loss, half its variance times
            the trace of the Hessian in the embeddings (docs/theory.md), is added to the loss; 0
            adds nothing (`neftune.training.rivals`).

    Raises:
        ValueError: a value is out of range, a name is unknown, or more than one of `freelb`,
            `label_smoothing` and `penalty` is given: each is a training pass of its own.
    """

    lr: float = 5e-5
    epochs: int = 3
    batch: int = 128
    micro_batch: int = 128
    max_length: int = 512
    schedule: Schedule = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    frozen: tuple[Part, ...] = ()
    adapter: Literal["none", "qlora"] = "none"
    adapter_rank: int = 64
    adapter_dropout: float = 0.05
    freelb: FreeLB | None = None
    dropout: float = 0.0
    label_smoothing: float = 0.0
    penalty: float = 0.0

    def __post_init__(self) -> None:
        for name, (least, most) in WHOLE.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ValueError(
                    f"{name} must be a whole number from {least:,} to {most:,}, not {value}"
                )
        if not 0 < self.lr <= 1:
            raise ValueError(f"lr must be above 0 and at most 1, not {self.lr}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout}")
        for name in ("warmup", "adapter_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        for name in ("weight_decay", "penalty"):
            if not 0 <= getattr(self, name) <= LARGEST_STRENGTH:
                raise ValueError(
                    f"{name} must be between 0 and {LARGEST_STRENGTH:,}, not {getattr(self, name)}"
                )
        own = [n for n in ("freelb", "label_smoothing", "penalty") if getattr(self, n)]
        if len(own) > 1:
            raise ValueError(f"give one of {' and '.join(own)}: each is a training pass of its own")
        if self.penalty and (self.dropout or self.adapter == "qlora"):
            raise ValueError(
                "the penalty is a small difference of losses, which dropout would drown: leave "
                "dropout at 0, and adapter at none"
            )
        if not 0 < self.max_grad_norm <= LARGEST_NORM:
            raise ValueError(
                f"max_grad_norm must be above 0 and at most {LARGEST_NORM:,}, not "
                f"{self.max_grad_norm}"
            )
        if self.batch % self.micro_batch:
            raise ValueError(
                f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})"
            )
        if self.schedule not in get_args(Schedule):
            known = ", ".join(get_args(Schedule))
            raise ValueError(f"unknown schedule {self.schedule!r}; known: {known}")
        for part in self.frozen:
            if part not in get_args(Part):
                raise ValueError(f"unknown part {part!r}; known: {', '.join(get_args(Part))}")
        if self.adapter not in ("none", "qlora"):
            raise ValueError(f"unknown adapter {self.adapter!r}; known: none, qlora")

    @property
    def passes(self) -> int:
        """Forward and backward passes over each batch."""
        if self.freelb is not None:
            return self.freelb.steps
        return 3 if self.penalty else 1
