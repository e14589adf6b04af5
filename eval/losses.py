"""The loss of each example without noise (Figure 4 of the paper).

    losses = example_losses(model, examples)             # nats per token, one for each example

The noise is attached only in training mode, so these losses are comparable between models that were
trained with different noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import BatchEncoding

from neftune.training.data import IGNORED, Example, collator


@torch.no_grad()
def example_losses(model: Any, examples: Sequence[Example], batch: int = 64) -> list[float]:
    """Compute the mean loss of each example's labelled tokens.

    Args:
        model: a causal language model in evaluation mode.
        examples: from `neftune.training.data.encode`.
        batch: examples that are computed together.

    Returns:
        One loss for each example, in nats per token, rounded to 5 decimals, in the order of the
        examples.
    """
    collate = collator(model.config.pad_token_id)
    order = sorted(range(len(examples)), key=lambda index: len(examples[index]["input_ids"]))
    losses = [0.0] * len(examples)
    for start in range(0, len(order), batch):
        indices = order[start : start + batch]
        inputs = BatchEncoding(collate([examples[index] for index in indices])).to(model.device)
        labels = inputs.pop("labels")[:, 1:]
        logits = model(**inputs).logits[:, :-1].float()
        each = cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        ).sum(1) / labels.ne(IGNORED).sum(1)
        for index, loss in zip(indices, each.tolist(), strict=True):
            losses[index] = round(loss, 5)
    return losses
