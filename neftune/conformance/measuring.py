"""How the noise of a situation is measured, by that of the paper's rule.

    SITUATIONS: dict[str, Situation] = {}
    situation = into(SITUATIONS)

    @situation("one sequence", "a batch of one sequence, without padding")
    def _(library: Library) -> float:
        return measured(library, models.llama().train(), lambda m: m(input_ids=drawn_ids(1, 20)))

Noise is the difference between what a layer of the model gets with the library on and off. Its root
mean square over the tokens of one sequence and many passes is divided by alpha / sqrt(3 L d), times
what the model multiplies its embeddings by.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from neftune.conformance.libraries import Library
from neftune.conformance.models import IMAGE, D

ALPHA = 5.0
PASSES = 30
"""Of each measurement, over which the mean is taken."""
SHORT, LONG = 20, 160
"""Lengths of the sequences of a batch."""
SHORT_ONE = slice(0, SHORT)
"""The tokens of the short sequence, padded right or first of a packed row."""
Batch = dict[str, Any]
Measure = Callable[[Library], float]


@dataclass(frozen=True)
class Situation:
    """A way of calling a model.

    Args:
        about: for readers.
        right: the noise by that of the paper's rule that is right.
        measure: that of a library.
        needs: packages without which there is no such situation.
        training: whether it is one of transformers' Trainer.
    """

    about: str
    right: float
    measure: Measure
    needs: tuple[str, ...] = ()
    training: bool = False

    @property
    def missing(self) -> list[str]:
        """The packages it needs that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


def into(
    table: dict[str, Situation], training: bool = False
) -> Callable[..., Callable[[Measure], Measure]]:
    """A decorator that enters a measurement into a table, by the situation's name.

    Args:
        table: where it is entered.
        training: as of `Situation`, of all that are entered.
    """

    def situation(
        name: str, about: str, right: float = 1.0, needs: tuple[str, ...] = ()
    ) -> Callable[[Measure], Measure]:
        def entered(measure: Measure) -> Measure:
            table[name] = Situation(about, right, measure, needs, training)
            return measure

        return entered

    return situation


def drawn_ids(rows: int, columns: int) -> Tensor:
    """Token ids, the same ones each time."""
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(3, IMAGE, (rows, columns), generator=drawn)


def padded(left: bool = False, longest: int = LONG) -> Batch:
    """A short sequence, and a long one."""
    mask = torch.ones(2, longest, dtype=torch.int64)
    mask[0, : longest - SHORT] = 0
    return {"input_ids": drawn_ids(2, longest), "attention_mask": mask if left else mask.flip(1)}


def weights(model: Any) -> Tensor:
    """The entries of the embedding layer, without gradients."""
    found: Tensor = model.get_input_embeddings().weight.data
    return found


def inputs_of(layer: nn.Module, kept: list[Tensor]) -> Any:
    """Keep what a layer gets, until the returned hook is removed."""

    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = args[0] if args else kwargs["hidden_states"]
        kept.append(found.detach().float())

    return layer.register_forward_pre_hook(keep, with_kwargs=True)


def first_layer(model: Any) -> nn.Module:
    """The first layer of a model's decoder."""
    decoder = model.model.language_model if hasattr(model.model, "language_model") else model.model
    layer: nn.Module = decoder.layers[0]
    return layer


def measured(
    library: Library,
    model: nn.Module,
    call: Callable[[Any], Any],
    tokens: slice = SHORT_ONE,
    factor: float = 1.0,
    row: int = 0,
    layer: nn.Module | None = None,
) -> float:
    """The noise that arrives at a layer, by that of the paper's rule.

    Args:
        library: that adds it.
        model: in training mode.
        call: calls it once.
        tokens: of the sequence that is looked at, whose L is `SHORT`.
        factor: what the model multiplies its embeddings by.
        row: of the sequence.
        layer: whose input is compared; by default the first one of the decoder.
    """
    kept: list[Tensor] = []
    at = layer if layer is not None else first_layer(model)
    hook = inputs_of(at, kept)
    call(model)
    clean = kept[0]
    kept.clear()
    with library.on(model, ALPHA):
        for _ in range(PASSES):
            call(model)
    hook.remove()
    # A pass that is computed again in the backward pass comes twice.
    found = torch.stack([each[row, tokens] - clean[row, tokens] for each in kept])
    return by_the_rule(found, factor)


def by_the_rule(noise: Tensor, factor: float = 1.0) -> float:
    """The root mean square of a short sequence's noise by that of the paper's rule."""
    return float(noise.square().mean().sqrt()) / (factor * ALPHA / math.sqrt(3 * SHORT * D))
