"""What a fine-tuning is made of, as frozen data: the noise and the hyperparameters.

    Noise(alpha=5)                                       # the paper's
    Noise(alpha=5, distribution="gaussian")              # its Table 6
    Recipe(lr=5e-5, epochs=3)

Nothing here needs torch, so that planning and tables start at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["embedding", "lm_head", "attention", "blocks"]
Distribution = Literal["uniform", "gaussian", "bernoulli"]
ScaleRule = Literal["sequence", "padded"]
Sharding = Literal["none", "fsdp", "fsdp, offload"]
Schedule = Literal["cosine", "constant"]

VARIANCE: dict[Distribution, float] = {"uniform": 1 / 3, "gaussian": 1.0, "bernoulli": 1.0}


@dataclass(frozen=True)
class Noise:
    """What noise is added to the input embeddings.

    Args:
        alpha: the base noise scale; 0 is no noise at all.
        distribution: of each entry before scaling. `uniform` on (-1, 1) is the paper's; `gaussian`
            is the standard normal of its Table 6; `bernoulli` is -1 or 1, each with probability
            one half.
        scale: `sequence`, the paper's rule: L is each sequence's own number of real tokens, and
            padding gets no noise. `padded`, what transformers and TRL do: L is the length of the
            tensor, one for the whole batch, and padding gets noise too.

    Raises:
        ValueError: alpha is negative, infinite or not a number, or a name is unknown.
    """

    alpha: float
    distribution: Distribution = "uniform"
    scale: ScaleRule = "sequence"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha >= 0):
            raise ValueError(f"alpha must be a finite number of at least 0, not {self.alpha}")
        # 5 and 5.0 are the same noise, and must be told by the same words.
        object.__setattr__(self, "alpha", float(self.alpha))
        for name, value, known in (
            ("distribution", self.distribution, get_args(Distribution)),
            ("scale", self.scale, get_args(ScaleRule)),
        ):
            if value not in known:
                raise ValueError(f"unknown noise {name} {value!r}; known: {', '.join(known)}")


@dataclass(frozen=True)
class FreeLB:
    """Adversarial training of the embeddings (Zhu et al. 2019, arXiv 1909.11764, Algorithm 1).

    Args:
        steps: ascent steps, each with a forward and a backward pass.
        magnitude: alpha of the uniform noise that the perturbation starts from.
        step_size: of the ascent, in units of the gradient's direction.
        max_norm: the L2 norm that one sequence's perturbation may not exceed.

    Raises:
        ValueError: a value that cannot be.
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
    """How a fine-tuning is carried out: what it costs, and whether it survives a stop.

    Args:
        compile_blocks: see `neftune.compilation`.
        packed: put the examples of a pass one after the other in one row, each with attention,
            positions and noise of its own, in place of padding them; see `neftune.packing`.
        gradient_checkpointing: compute activations again in the backward pass; saves memory, costs
            a forward pass.
        split_independent: order the examples and draw the noise so that it does not matter over
            how many processes and passes a batch is split. Short rows train faster without.
        checkpoint_steps: how often the state of the training is saved; a training that was stopped
            goes on from there, and with `split_independent` it ends with the same bytes. 0 never.
        sharding: how several processes divide a model. `none` gives each the whole of it (DDP);
            `fsdp` shards weights, gradients and optimizer (FSDP2); `fsdp, offload` keeps the shards
            in main memory.
    """

    compile_blocks: bool = False
    packed: bool = False
    gradient_checkpointing: bool = False
    split_independent: bool = False
    checkpoint_steps: int = 0
    sharding: Sharding = "none"


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one fine-tuning; the defaults are the paper's for 7B models.

    Args:
        lr: peak learning rate.
        epochs: passes over the training set; 0 leaves the model as it is.
        batch: examples per optimizer step.
        micro_batch: examples per forward pass; the rest is gradient accumulation.
        max_length: tokens per example.
        schedule: of the learning rate after its rise: `cosine` falls to 0, `constant` stays.
        warmup: share of the steps in which the learning rate rises; `constant` begins at its peak.
        weight_decay: of AdamW.
        max_grad_norm: where the gradient is clipped.
        frozen: parts of the model that do not train (the paper's Table 11).
        adapter: `qlora` trains a low-rank adapter on a base of 4-bit weights (Table 3).
        adapter_rank: of that adapter; the QLoRA authors' 64.
        adapter_dropout: in that adapter; the authors' 0.1 for models up to 13B, 0.05 above.
        freelb: adversarial training in place of noise (Table 12).

    Raises:
        ValueError: a value that cannot be.
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

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be a positive number, not {self.lr}")
        for name, least in (
            ("epochs", 0),
            ("batch", 1),
            ("micro_batch", 1),
            ("max_length", 1),
            ("adapter_rank", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.batch % self.micro_batch:
            raise ValueError(
                f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})"
            )
        for name in ("warmup", "adapter_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, between 0 and 1, not {getattr(self, name)}")
        if self.schedule not in get_args(Schedule):
            known = ", ".join(get_args(Schedule))
            raise ValueError(f"unknown schedule {self.schedule!r}; known: {known}")
        for part in self.frozen:
            if part not in get_args(Part):
                raise ValueError(f"unknown part {part!r}; known: {', '.join(get_args(Part))}")
        if self.adapter not in ("none", "qlora"):
            raise ValueError(f"unknown adapter {self.adapter!r}; known: none, qlora")
