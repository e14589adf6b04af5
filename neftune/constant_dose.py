"""A schedule of alpha that holds the noise's dose constant while the model changes.

    schedule = constant_dose(model, rows)                # rows of held-out data, as for training
    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(5, schedule=schedule)]).train()

The dose of the noise is the Kullback-Leibler divergence of the predictions with noise from those
without, in nats a response token. One alpha is another dose for each model, and another one for the
same model after some steps of training. Here the dose that `NEFTune(5)` has at the first step is
kept: from time to time it is measured on a few rows, and alpha is changed by the square root of
what the dose should be by what it is, since the divergence of small noise is proportional to the
square of alpha (docs/theory.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neftune.attachment import attachments_of, drawn_for
from neftune.distributions import Noise
from neftune.embeddings import find
from neftune.modes import left_as_it_was
from neftune.schedules import Schedule

Row = Mapping[str, Sequence[int]]
CHANGE = 2.0
"""The most by which one measurement changes alpha, up or down."""


def constant_dose(
    model: nn.Module, rows: Sequence[Row], *, every: float = 0.05, seed: int = 0
) -> Schedule:
    """A schedule that holds the dose which the noise has at the first step.

    Each measurement costs two forward passes a row. In distributed training every process measures
    the same.

    Args:
        model: the decoder-only model that is trained, as `attach` takes it.
        rows: with `input_ids`, and `labels` that are -100 where no prediction counts; eight rows
            of held-out data are enough to follow the dose.
        every: how often to measure, as a share of the training.
        seed: of the noise that is drawn to measure.

    Returns:
        A function of the training's progress, for `NEFTune(schedule=…)`.

    Raises:
        ValueError: as of `check_rows`; or, in the training, the noise does not change the model's
            predictions at all.
        TypeError: the model is an encoder-decoder.
        RuntimeError: in the training, the model has no noise.
    """
    check_rows(rows)
    _refuse_encoder_decoder(model)
    wanted: float | None = None
    strength, next_at = 1.0, 0.0

    def schedule(progress: float) -> float:
        nonlocal wanted, strength, next_at
        if progress < next_at:
            return strength
        next_at = progress + every
        found = dose(model, rows, strength, seed=seed)
        if not found > 0:
            raise ValueError(
                "the noise does not change the model's predictions on the rows, so there is no "
                "dose to hold; give a larger alpha"
            )
        if wanted is None:
            wanted = found
        change = math.sqrt(wanted / found)
        strength *= min(CHANGE, max(1 / CHANGE, change))
        return strength

    return schedule


def dose(model: nn.Module, rows: Sequence[Row], strength: float = 1.0, *, seed: int = 0) -> float:
    """The dose of the noise that is attached to a model, without dropout.

    Args:
        model: a decoder-only model with noise, as after `attach`.
        rows: as of `constant_dose`.
        strength: what alpha is multiplied by.
        seed: of the noise, which is drawn anew with it; the noise of the training stays as it is.

    Returns:
        The divergence of the predictions with noise from those without, KL(without || with), in
        nats a token with a label, over all rows.

    Raises:
        ValueError: as of `check_rows`.
        TypeError: the model is an encoder-decoder.
        RuntimeError: the model has no noise.
    """
    check_rows(rows)
    _refuse_encoder_decoder(model)
    attached = attachments_of(model)
    if not attached:
        raise RuntimeError("a dose is that of attached noise, and the model has none: attach(…)")
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    total, tokens = 0.0, 0
    with ExitStack() as stack:
        for each in attached:
            stack.enter_context(each.paused())
        stack.enter_context(left_as_it_was(model))
        stack.enter_context(torch.no_grad())
        for row in rows:
            ids = torch.tensor([list(row["input_ids"])], device=device)
            labelled = torch.tensor(list(row["labels"]), device=device).ne(-100)
            clean = _predictions(model, ids)[labelled[1:]]
            with _noise(model, attached[0].noise, strength, labelled, generator):
                noisy = _predictions(model, ids)[labelled[1:]]
            total += float((clean.exp() * (clean - noisy)).sum())
            tokens += len(clean)
    return total / tokens


def check_rows(rows: Sequence[Row]) -> None:
    """Raise an error where a dose cannot be measured on some rows.

    Args:
        rows: as of `constant_dose`.

    Raises:
        ValueError: there are no rows, or one lacks ids or labels, has not one label for each id, or
            has no token to predict.
    """
    if not len(rows):
        raise ValueError("a dose needs rows to be measured on, and there are none")
    for number, row in enumerate(rows):
        if missing := {"input_ids", "labels"} - set(row):
            raise ValueError(f"row {number} has no {' and no '.join(sorted(missing))}")
        ids, labels = len(row["input_ids"]), len(row["labels"])
        if ids != labels:
            raise ValueError(f"row {number} has {ids} input_ids and {labels} labels")
        if all(label == -100 for label in row["labels"][1:]):
            raise ValueError(f"row {number} has no token to predict: all of its labels are -100")


def _refuse_encoder_decoder(model: nn.Module) -> None:
    place = find(model)
    if place.decoder is not None:
        raise TypeError(
            f"a dose is measured of decoder-only models, and {type(place.model).__name__} is an "
            "encoder-decoder"
        )


def _predictions(model: nn.Module, ids: Tensor) -> Tensor:
    """(T - 1, V), the logarithms of the probabilities of each next token."""
    logits: Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return logits[0, :-1].float().log_softmax(dim=-1)


@contextmanager
def _noise(
    model: nn.Module, noise: Noise, strength: float, labelled: Tensor, generator: torch.Generator
) -> Iterator[None]:
    """Noise as it is attached, but from another generator and whatever the model's mode.

    Args:
        model: that is called with one row.
        noise: as it is attached.
        strength: what it is multiplied by.
        labelled: (T,), whether a token has a label.
        generator: of the draws.
    """
    parts = {"all": torch.ones_like(labelled), "prompt": ~labelled, "response": labelled}
    amount = strength * parts[noise.tokens].unsqueeze(-1)
    mask = torch.ones_like(labelled).long().unsqueeze(0)
    hooks = []
    for module, layer in find(model).reads.items():

        def add(read: nn.Module, args: Any, output: Tensor, layer: nn.Module = layer) -> Tensor:
            drawn = drawn_for(layer, noise, mask.shape, mask, generator)
            return output + (drawn * amount).to(output.dtype)

        hooks.append(module.register_forward_hook(add))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
