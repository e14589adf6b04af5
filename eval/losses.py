"""The loss of every single example, without noise (the paper's Figure 4).

losses = example_losses(model, examples)             # one mean per token for each example
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import BatchEncoding

from neftune.data import IGNORED, Example, collator


@torch.no_grad()
def example_losses(model: Any, examples: Sequence[Example], batch: int = 64) -> list[float]:
    """The mean loss of each example's response tokens.

    Args:
        model: a causal language model, in evaluation mode.
        examples: with labels where the loss counts.
        batch: examples at a time.

    Returns:
        One number an example, in nats per token, in the order of the examples.
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
