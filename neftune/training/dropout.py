"""Dropout in a model whose architecture has none: a rival of noise on the embeddings.

    with dropped(model, 0.1, seed=0):
        trainer.train()

LLaMA is trained without dropout, and its implementation has no place for it. Here it is what the
Transformer was published with (Vaswani et al. 2017, section 5.4): entries of the embeddings, and of
the output of every attention and feed-forward layer before it is added to the residual stream, are
set to 0 with a probability, and the others are divided by what remains of 1. The draws have a
generator of their own, so that the order of the examples is that of the same seed without dropout.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neftune.embeddings import pretrained_model
from neftune.training.compilation import blocks

LAYERS = ("self_attn", "mlp")
"""The names of a block's two parts in LLaMA and the architectures that follow it."""


@contextmanager
def dropped(model: nn.Module, probability: float, seed: int) -> Iterator[None]:
    """Have a model drop out in training passes until the `with` ends.

    Args:
        model: a transformers model, or a wrapper of one. Its blocks must not be compiled.
        probability: of an entry to be dropped; 0 changes nothing.
        seed: of the draws.

    Raises:
        ValueError: the parts of its blocks are not known by name.
    """
    if probability == 0:
        yield
        return
    every = blocks(model)
    parts = [getattr(block, name) for block in every for name in LAYERS if hasattr(block, name)]
    if not every or len(parts) != len(LAYERS) * len(every):
        raise ValueError(
            f"dropout is known for blocks with {' and '.join(LAYERS)}, which those of "
            f"{type(pretrained_model(model)).__name__} do not have: leave dropout at 0"
        )

    embedding: Any = pretrained_model(model).get_input_embeddings()
    generator = torch.Generator(embedding.weight.device).manual_seed(seed)

    def kept(values: Tensor) -> Tensor:
        drawn = torch.rand(values.shape, generator=generator, device=values.device)
        return values * (drawn >= probability) / (1 - probability)

    def drop(layer: nn.Module, args: Any, output: Any) -> Any:
        if not (layer.training and torch.is_grad_enabled()):
            return output
        if isinstance(output, Tensor):
            return kept(output)
        first, *rest = output
        return (kept(first), *rest)

    hooks = [part.register_forward_hook(drop) for part in (embedding, *parts)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
