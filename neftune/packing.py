"""Batches without padding: the examples of a pass stand one after the other in a single row.

    Trainer(model, args, data_collator=pack, callbacks=[NEFTune(Noise(5)), KeepApart()], …)

Attention, positions and noise are each sequence's own: the loss is that of the padded batch, and no
arithmetic is spent on padding. Positions that begin anew tell transformers' models, and the noise,
where a sequence begins. Not every architecture heeds them (OPT does not), and one that does not is
wrong in silence; so `KeepApart` tries it out before the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from neftune import precision
from neftune.attachment import pretrained_model
from neftune.data import IGNORED, Example, from_first_label

TRIED = 8
"""Tokens of each sequence that a model is tried with."""


def pack(examples: Sequence[Example]) -> dict[str, Any]:
    """Make one row of several examples, with logits where the loss is and nowhere else.

    Args:
        examples: N tokens together, K of them from each example's last token before the loss on.

    Returns:
        `input_ids` and `position_ids` (1, N), `labels` (1, K), `logits_to_keep`, the K columns;
        and `use_cache`, which is off: with a cache, models take the row for one sequence.
    """
    ids: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    kept: list[int] = []
    for example in examples:
        length = len(example["input_ids"])
        columns = min(length, 1 + from_first_label(example["labels"]))
        kept += range(len(ids) + length - columns, len(ids) + length)
        # The first kept token is predicted by none of its own sequence's kept ones.
        labels += [IGNORED, *example["labels"][length - columns + 1 :]]
        ids += example["input_ids"]
        positions += range(length)
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "labels": torch.tensor([labels]),
        "logits_to_keep": torch.tensor(kept),
        "use_cache": False,
    }


@torch.no_grad()
def keeps_apart(model: PreTrainedModel) -> bool:
    """Whether a model's output for a packed sequence is what it is alone.

    Args:
        model: as it is about to train: on its device, with its attention and number format.
    """
    training = model.training
    model.eval()
    device, size = model.device, model.config.get_text_config().vocab_size
    first, other, second = torch.arange(3 * TRIED, device=device).remainder(size).view(3, 1, TRIED)
    count = torch.arange(TRIED, device=device).unsqueeze(0)

    def of_second(ids: Tensor, positions: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=ids, position_ids=positions, use_cache=False).logits
        return logits[0, -TRIED:].float()

    alone = of_second(second, count)
    packed, after_other = (
        of_second(torch.cat([before, second], dim=1), torch.cat([count, count], dim=1))
        for before in (first, other)
    )
    model.train(training)
    # The same arithmetic on the same numbers, whatever stands before; alone, in another order.
    untouched = (packed - after_other).norm() <= 1e-6 * alone.norm()
    rounding = 1e-4 if precision.for_training() == torch.float32 else 2e-2
    return bool(untouched and (packed - alone).norm() <= rounding * alone.norm())


class KeepApart(TrainerCallback):
    """Refuse to train packed where a model lets packed sequences see each other."""

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer when the model is in place.

        Raises:
            ValueError: sequences are not kept apart.
        """
        if not keeps_apart(kwargs["model"]):
            inner = pretrained_model(kwargs["model"])
            raise ValueError(
                f"{type(inner).__name__} with attention {inner.config._attn_implementation!r} does "
                "not keep packed sequences apart: train it padded (Execution(packed=False))"
            )
