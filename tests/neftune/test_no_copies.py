"""A pass makes no large float32 copy and, with one stream, waits for no device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from neftune import Noise, attach, noise
from tests.neftune.models import batch, llama

WAITING = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "item")
"""Operations whose result the program, and not only the device, needs."""


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the name of each operation, and the largest float32 tensor that one made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.names.append(func.overloadpacket.__name__)
        if isinstance(found, Tensor) and found.dtype == torch.float32:
            self.largest = max(self.largest, found.numel())
        return found


@contextmanager
def of_the_noise(model: Any, way: dict[str, Any]) -> Iterator[Operations]:
    """The operations of the noise's own hook on the embedding layer."""
    kept, embedding = Operations(), model.model.embed_tokens
    mode: Any = kept
    # Hooks run in the order in which they were made.
    enter = embedding.register_forward_hook(lambda *a: mode.__enter__() and None)
    with attach(model, Noise(5), **way):
        leave = embedding.register_forward_hook(lambda *a: mode.__exit__(None, None, None))
        yield kept
    enter.remove()
    leave.remove()


@pytest.mark.parametrize(
    "way", ({}, {"by_sequence": True, "step": 0}), ids=("stream", "by sequence")
)
def test_no_float32_copy_is_larger_than_a_chunk_or_a_sequence(
    way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "ENTRIES", 200)
    model, inputs = llama().bfloat16().train(), batch((9, 11, 10, 8, 11, 9))
    longest = 11 * model.config.hidden_size
    with of_the_noise(model, way) as kept:
        model(**inputs)
    assert "add" in kept.names
    assert kept.largest <= max(200, longest)
    assert inputs["input_ids"].numel() * model.config.hidden_size > 4 * longest


def test_one_stream_waits_for_no_device() -> None:
    model, inputs = llama().train(), batch((9, 11))
    with of_the_noise(model, {}) as kept:
        for _ in range(2):
            model(**inputs)
    assert kept.names.count("uniform_") == 2
    assert not set(WAITING) & set(kept.names)
