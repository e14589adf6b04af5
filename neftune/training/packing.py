"""Packed batches: the examples of a forward pass follow each other in a single row.

    Trainer(model, args, data_collator=pack, callbacks=[NEFTune(Noise(5)), KeepApart()], …)

Each sequence has its own attention, positions and noise, so the loss is that of the padded batch,
and no computation is spent on padding. Both transformers' models and the noise find the beginning
of a sequence by its position ids, which restart at 0. Some architectures ignore the position ids
(OPT does) and would silently let packed sequences attend to each other; `KeepApart` therefore tests
the model before the first step.
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

from neftune.embeddings import pretrained_model
from neftune.training import precision
from neftune.training.data import IGNORED, Example, from_first_label

TEST_LENGTH = 8
"""Tokens of each sequence in the test of `keeps_apart`."""


def pack(examples: Sequence[Example]) -> dict[str, Any]:
    """Pack examples into one row whose logits are computed only where the loss needs them.

    Args:
        examples: N tokens in total, of which K are the labelled tokens of the examples and the one
            token before each example's first label.

    Returns:
        `input_ids` and `position_ids` of shape (1, N); `labels` of shape (1, K); `logits_to_keep`,
        the K columns; and `use_cache=False`, because with a cache models treat the row as one
        sequence.
    """
    ids: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    kept: list[int] = []
    for example in examples:
        length = len(example["input_ids"])
        columns = min(length, 1 + from_first_label(example["labels"]))
        kept += range(len(ids) + length - columns, len(ids) + length)
        # No kept token of the same sequence precedes the first one, so nothing predicts it.
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
    """Test whether a model's output for a packed sequence equals that for the sequence alone.

    Args:
        model: ready to train: on its device, with its attention implementation and number format.

    Returns:
        True if packed sequences do not influence each other.
    """
    training = model.training
    model.eval()
    device, size = model.device, model.config.get_text_config().vocab_size
    first, other, second = (
        torch.arange(3 * TEST_LENGTH, device=device).remainder(size).view(3, 1, TEST_LENGTH)
    )
    count = torch.arange(TEST_LENGTH, device=device).unsqueeze(0)

    def of_second(ids: Tensor, positions: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=ids, position_ids=positions, use_cache=False).logits
        return logits[0, -TEST_LENGTH:].float()

    alone = of_second(second, count)
    packed, after_other = (
        of_second(torch.cat([before, second], dim=1), torch.cat([count, count], dim=1))
        for before in (first, other)
    )
    model.train(training)
    # With either neighbour the same sums run over the same numbers; alone, in another order.
    untouched = (packed - after_other).norm() <= 1e-6 * alone.norm()
    rounding = 1e-4 if precision.for_training() == torch.float32 else 2e-2
    return bool(untouched and (packed - alone).norm() <= rounding * alone.norm())


class KeepApart(TrainerCallback):
    """Refuse to train on packed batches if the model lets packed sequences influence each other."""

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer when the model is on its device.

        Raises:
            ValueError: packed sequences influence each other.
        """
        if not keeps_apart(kwargs["model"]):
            inner = pretrained_model(kwargs["model"])
            raise ValueError(
                f"{type(inner).__name__} with attention {inner.config._attn_implementation!r} does "
                "not keep packed sequences apart: train it padded (Execution(packed=False))"
            )
