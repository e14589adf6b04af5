"""Gradients by row: the same to the last bit as torch's own, in a tensor of no more rows."""

from collections.abc import Sequence
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neftune.training.row_gradients import has_row_gradients, row_gradients

VOCABULARY, D = 50, 7


def gradient(passes: Sequence[Sequence[int]], by_row: bool, padding: int | None) -> Tensor:
    """What some passes of ids leave in an embedding layer."""
    torch.manual_seed(0)
    layer = nn.Embedding(VOCABULARY, D, padding_idx=padding)
    for ids in passes:
        with row_gradients(layer) if by_row else nullcontext():
            layer(torch.tensor([ids])).backward(torch.randn(1, len(ids), D))
    return dense(layer)


def dense(layer: nn.Embedding) -> Tensor:
    """The gradient, which has all rows."""
    found = layer.weight.grad
    assert found is not None
    assert found.layout == torch.strided
    return found


ids = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(passes=st.lists(ids, min_size=1, max_size=4), padding=st.sampled_from((None, 0)))
def test_gradients_are_torchs_own_to_the_last_bit(
    passes: list[list[int]], padding: int | None
) -> None:
    own = gradient(passes, False, padding)
    assert torch.equal(own, gradient(passes, True, padding))


def test_weights_that_are_tied_get_the_gradients_of_both_uses() -> None:
    def tied(by_row: bool) -> Tensor:
        torch.manual_seed(0)
        layer = nn.Embedding(VOCABULARY, D)
        with row_gradients(layer) if by_row else nullcontext():
            (layer(torch.tensor([[3, 3, 8]])) @ layer.weight.T).logsumexp(-1).sum().backward()
        return dense(layer)

    torch.testing.assert_close(tied(True), tied(False))


def test_the_layer_is_left_as_it_was() -> None:
    layer = nn.Embedding(VOCABULARY, D)
    with pytest.raises(ValueError, match="in the pass"), row_gradients(layer):
        raise ValueError("in the pass")
    assert not layer.sparse
    layer(torch.tensor([1])).sum().backward()
    assert dense(layer)[1].eq(1).all()


def test_frozen_layers_and_layers_of_other_kinds_have_none() -> None:
    layer = nn.Embedding(VOCABULARY, D)
    assert has_row_gradients(layer)
    assert not has_row_gradients(layer.requires_grad_(False))
    assert not has_row_gradients(nn.Linear(2, 2))
    assert not has_row_gradients(nn.Embedding(VOCABULARY, D, scale_grad_by_freq=True))
