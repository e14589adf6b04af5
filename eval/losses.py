"""The loss of each example without noise (Figure 4 of the paper).

    losses = example_losses(model, examples)             # nats per token, one for each example

The noise is attached only in training mode, so these losses are comparable between models that were
trained with different noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from neftune.training.data import Example
from neftune.training.token_losses import example_sums, output_head

SHORT = 3.0
"""Seconds after which progress is shown."""


def example_losses(model: Any, examples: Sequence[Example]) -> list[float]:
    """Compute the mean loss of each example's labelled tokens, in bounded memory.

    Args:
        model: a causal language model in evaluation mode.
        examples: from `neftune.training.data.encode`.

    Returns:
        One loss for each example, in nats per token, rounded to 5 decimals, in the order of the
        examples.
    """
    losses = [0.0] * len(examples)
    found = example_sums(model, examples, model.config.pad_token_id, output_head(model))
    with tqdm(total=len(examples), desc="losses", unit="example", delay=SHORT) as bar:
        for places, sums, tokens in found:
            for place, loss in zip(places, (sums / tokens).tolist(), strict=True):
                losses[place] = round(loss, 5)
            bar.update(len(places))
    return losses
