"""Instruction data as tokens with labels, and as padded batches.

    rows = load_instructions("alpaca_data.json")         # or "tatsu-lab/alpaca", from the hub
    examples = encode(rows, tokenizer, prompt="alpaca", max_length=512)

Rows are read and checked by `neftune.training.instructions`, whose names this module offers too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import torch
from transformers import PreTrainedTokenizerBase

from neftune.training.instructions import (
    InstructionDataError,
    InstructionRow,
    checked,
    load_instructions,
    read_rows,
)
from neftune.training.prompts import FOLLOWING_PROMPTS, PROMPTS

__all__ = [
    "IGNORED",
    "Example",
    "InstructionDataError",
    "InstructionRow",
    "checked",
    "collator",
    "encode",
    "encode_each",
    "from_first_label",
    "load_instructions",
    "read_rows",
]

IGNORED = -100


class Example(TypedDict):
    """Token ids and labels of one example; the labels are `IGNORED` on the prompt."""

    input_ids: list[int]
    labels: list[int]


def encode(
    rows: Sequence[InstructionRow],
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_length: int,
) -> list[Example]:
    """Encode rows as token ids, with labels on responses and their end-of-sequence tokens only.

    Args:
        rows: the rows to encode.
        tokenizer: the model's tokenizer.
        prompt: a name in `neftune.training.prompts.PROMPTS`.
        max_length: the largest number of tokens of prompt and response together. Longer examples
            are truncated at the end, and examples without any response token left are dropped.

    Returns:
        The examples, in the order of the rows.

    Raises:
        ValueError: as of `encode_each`.
    """
    every = encode_each(rows, tokenizer, prompt, max_length)
    return [example for example in every if example is not None]


def encode_each(
    rows: Sequence[InstructionRow],
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_length: int,
) -> list[Example | None]:
    """Do what `encode` does, with None in the place of each row that it drops.

    Raises:
        ValueError: the tokenizer has no end-of-sequence token, or the prompt format does not hold
            a longer conversation.
    """
    if tokenizer.eos_token_id is None:
        raise ValueError(
            f"the tokenizer of {tokenizer.name_or_path} has no end-of-sequence token, which every "
            "response must end with: set its eos_token"
        )
    form, following = PROMPTS[prompt], FOLLOWING_PROMPTS[prompt]
    exchanges = [(*row.earlier, (row.instruction, row.output)) for row in rows]
    opening = [form(turns[0][0], row.input) for row, turns in zip(rows, exchanges, strict=True)]
    # Without `verbose=False` the tokenizer warns of long rows, which are cut below.
    first = tokenizer(opening, verbose=False)["input_ids"]
    # What follows the first prompt continues a sequence, so it gets no beginning-of-sequence token.
    rest = [
        text
        for turns in exchanges
        for number, (human, gpt) in enumerate(turns)
        for text in ((following(human), gpt) if number else (gpt,))
    ]
    within = iter(tokenizer(rest, add_special_tokens=False, verbose=False)["input_ids"])
    examples: list[Example | None] = []
    for turns, opened in zip(exchanges, first, strict=True):
        ids: list[int] = []
        labels: list[int] = []
        for number in range(len(turns)):
            start = next(within) if number else opened
            response = [*next(within), tokenizer.eos_token_id]
            ids += [*start, *response]
            labels += [IGNORED] * len(start) + response
        kept: Example = {"input_ids": ids[:max_length], "labels": labels[:max_length]}
        examples.append(kept if any(label != IGNORED for label in kept["labels"]) else None)
    return examples


def collator(pad_token_id: int) -> Callable[[Sequence[Example]], dict[str, Any]]:
    """Make padded batches whose logits are computed only where the loss needs them.

    Rows are padded on the left, so that all responses end in the last column. The model computes
    the logits of the last K columns only, beginning one column before the first labelled token of
    the batch. The loss is the same as with all logits, because the others have no label. The first
    token of a row has none either: nothing precedes it that could predict it.

    Args:
        pad_token_id: the tokenizer's padding token.

    Returns:
        A function from examples to `input_ids` and `attention_mask` (B, T), `labels` (B, K),
        `logits_to_keep`, the number K, and `use_cache=False`, since nothing is decoded: a cache
        would hold keys and values, and have every layer compiled on its own.
    """

    def collate(examples: Sequence[Example]) -> dict[str, Any]:
        columns = max(len(example["input_ids"]) for example in examples)
        first = max(from_first_label(example["labels"]) for example in examples)
        kept = min(columns, 1 + first)
        shape = (len(examples), columns)
        ids, mask = torch.full(shape, pad_token_id), torch.zeros(shape, dtype=torch.int64)
        labels = torch.full((len(examples), kept), IGNORED)
        for row, example in enumerate(examples):
            length = len(example["input_ids"])
            ids[row, columns - length :] = torch.tensor(example["input_ids"])
            mask[row, columns - length :] = 1
            shown = torch.tensor([IGNORED, *example["labels"][1:]][-kept:])
            labels[row, kept - len(shown) :] = shown
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "logits_to_keep": kept,
            "use_cache": False,
        }

    return collate


def from_first_label(labels: Sequence[int]) -> int:
    """The number of tokens of an example from the first one with a label to the end."""
    return len(labels) - next(place for place, label in enumerate(labels) if label != IGNORED)
