"""The learning rate of each step, which is never 0.

    scheduler = schedule(optimizer, "cosine", steps=96, warmup=3)

The shapes are those of transformers' schedulers, which the paper's code uses: a linear warmup, then
a cosine that falls to 0 or a constant. There the warmup begins at 0, so the first step trains
nothing. Here step k of a warmup of W steps, counted from 1, has k / (W + 1) of the peak. The cosine
reaches 0 only after the last step.
"""

from __future__ import annotations

import math
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from neftune.training.recipe import Schedule


def share(step: int, name: Schedule, *, steps: int, warmup: int) -> float:
    """The learning rate of a step, as a share of its peak.

    Args:
        step: counted from 0.
        name: the shape after the warmup; `constant` has no warmup.
        steps: of the whole training.
        warmup: steps in which the learning rate rises.

    Returns:
        Above 0 and at most 1 for every step of the training.
    """
    if name == "constant":
        return 1.0
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, steps - warmup)
    return max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))


def schedule(optimizer: Optimizer, name: Schedule, *, steps: int, warmup: int) -> LambdaLR:
    """Make a scheduler that sets the learning rate of every step.

    Args:
        optimizer: has the peak as its learning rate.
        name: the shape after the warmup.
        steps: of the whole training.
        warmup: steps in which the learning rate rises.
    """
    return LambdaLR(optimizer, partial(share, name=name, steps=steps, warmup=warmup))
