"""Whether two trainings are the same but for the order in which their sums are rounded.

    float32(monkeypatch)                                  # train in float32 on every machine
    assert difference(one, other, base) < SAME

On machines with AMX or a GPU, trainings multiply in bfloat16, whose rounding (2**-8) hides what is
to be compared; in float32 (2**-24) machines differ in the order of sums alone. A single weight
whose gradient is near zero can still go either way, since Adam divides by the gradient's size.
Therefore all weights are compared at once, with how far the training moved them.
"""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from neftune.training import precision

SAME = 0.01
"""A fifth more noise makes a difference of more than a tenth, rounding one of less than 0.0001."""


def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in float32, whatever the machine multiplies fastest."""
    monkeypatch.setattr(precision, "for_training", lambda: torch.float32)


def difference(
    one: Mapping[str, Tensor], other: Mapping[str, Tensor], base: Mapping[str, Tensor]
) -> float:
    """The distance between two trained models, as a share of how far training moved the first."""

    def distance(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
        pairs = ((first[name].float(), second[name].float()) for name in first)
        return sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5

    assert set(one) == set(other)
    return distance(one, other) / distance(one, base)
