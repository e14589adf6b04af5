"""Reading a model in evaluation mode in the middle of a training.

with left_as_it_was(model):
    model(**batch)                                   # no dropout, no gradients of the weights
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Have a model in evaluation mode, with no gradients of its weights, and then as it was."""
    modes = {module: module.training for module in model.modules()}
    wanted = {value: value.requires_grad for value in model.parameters()}
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for value, needed in wanted.items():
            value.requires_grad_(needed)
