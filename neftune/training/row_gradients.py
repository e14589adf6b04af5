"""Gradients of an embedding layer as the rows that were read, not as a tensor of all rows.

    with row_gradients(model.get_input_embeddings()):
        model(**batch).loss.backward()

A pass of 850 tokens reads at most 850 rows. torch's own backward pass of an embedding layer makes a
gradient of all rows, which for a vocabulary of 262,144 tokens and 640 dimensions takes 671 MB and
half a second of a CPU, and adds it to the gradients of earlier passes. Here the rows' sums alone
are added. The sums are made in torch's own order, so weights are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

import torch
from torch import Tensor, nn


def has_row_gradients(layer: object) -> TypeGuard[nn.Embedding]:
    """Whether a layer is one whose gradients `row_gradients` can give by row: trained, on a CPU."""
    return (
        isinstance(layer, nn.Embedding)
        and layer.weight.requires_grad
        and layer.weight.is_leaf
        and layer.weight.device.type == "cpu"
        and not layer.scale_grad_by_freq
    )


@contextmanager
def row_gradients(layer: nn.Embedding) -> Iterator[None]:
    """Add the gradients of rows to the layer's `grad`, in passes within the block.

    Args:
        layer: one of which `has_row_gradients` is true.
    """
    weight = layer.weight

    def summed(gradient: Tensor) -> Tensor:
        if not gradient.is_sparse:  # Of something else that the weights are used for.
            return gradient
        places, values = gradient._indices()[0], gradient._values()
        rows, numbers = torch.unique(places, return_inverse=True)
        sums = values.new_zeros(len(rows), values.shape[1]).index_add_(0, numbers, values)
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        return torch.sparse_coo_tensor(
            rows[None], sums, gradient.shape, is_coalesced=True, check_invariants=False
        )

    before, layer.sparse = layer.sparse, True
    hook = weight.register_hook(summed)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        hook.remove()
        layer.sparse = before
