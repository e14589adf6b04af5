"""Compile a model's transformer blocks while it trains: the same arithmetic in fewer kernels.

    with compiled_blocks(model):
        trainer.train()

One block is compiled once for all shapes, and used for every layer and every later model of the
same architecture in the process. Evaluation, and everything outside of the `with`, is not compiled.
Kernels depend on the first shapes that they are compiled for, so each `with` starts with a batch of
fixed shape: the results of a training then do not depend on what the process did before it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from neftune.embeddings import pretrained_model
from neftune.training import precision

WARM_UP_SHAPE = (16, 96)


def can_compile() -> bool:
    """Whether there is a C++ compiler, which torch.compile needs on the CPU."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def blocks(model: nn.Module) -> list[nn.Module]:
    """The transformer blocks of a transformers model."""
    inner = pretrained_model(model)
    kinds = set(inner._no_split_modules or [])
    return [module for module in inner.modules() if type(module).__name__ in kinds]


@contextmanager
def compiled_blocks(model: nn.Module) -> Iterator[None]:
    """Compile the blocks of a model for training steps, until the `with` ends.

    Args:
        model: a transformers causal language model; its weights are not changed.
    """
    every = blocks(model)
    for block in every:
        block.forward = _compiled_in_training(block)
    try:
        _warm_up(model)
        yield
    finally:
        for block in every:
            del block.forward


def _compiled_in_training(block: Any) -> Any:
    plain = block.forward
    compiled = torch.compile(plain, dynamic=True)

    def forward(*args: Any, **kwargs: Any) -> Any:
        training = block.training and torch.is_grad_enabled()
        return (compiled if training else plain)(*args, **kwargs)

    return forward


def _warm_up(model: nn.Module) -> None:
    """Run one forward and backward pass on a batch of fixed shape, and discard the gradients."""
    device = next(model.parameters()).device
    was_training = model.training
    model.train()
    ids = torch.ones(WARM_UP_SHAPE, dtype=torch.int64, device=device)
    mask = torch.ones_like(ids)
    mask[0, 0] = 0
    low = precision.for_training() == torch.bfloat16
    with torch.autocast(device.type, torch.bfloat16, enabled=low):
        # Of the last column only: the logits of a large vocabulary need much memory.
        logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=1, use_cache=False).logits
    logits.float().sum().backward()
    model.zero_grad()
    model.train(was_training)
