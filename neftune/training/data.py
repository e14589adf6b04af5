"""Instruction data: read it, check it row by row, and encode it as tokens with labels.

    rows = load_instructions("alpaca_data.json")         # or "tatsu-lab/alpaca", from the hub
    examples = encode(rows, tokenizer, prompt="alpaca", max_length=512)

A row has `instruction`, `output` and optionally `input`, as in Stanford Alpaca; or it has
`conversations`, a list of `{"from": "human" | "gpt", "value": …}` in which human turns and
responses alternate, as in ShareGPT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from transformers import PreTrainedTokenizerBase

from neftune.training.prompts import FOLLOWING_PROMPTS, PROMPTS

IGNORED = -100


class Example(TypedDict):
    """Token ids and labels of one example; the labels are `IGNORED` on the prompt."""

    input_ids: list[int]
    labels: list[int]


class InstructionRow(BaseModel):
    """One instruction and its response, from either of the two formats.

    `earlier` holds the previous exchanges of a conversation, each a human turn and its response.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    instruction: str = Field(min_length=1)
    input: str = ""
    output: str
    earlier: tuple[tuple[str, str], ...] = ()


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    speaker: Literal["human", "gpt"] = Field(alias="from")
    value: str


class _Conversation(BaseModel):
    conversations: list[_Turn]

    @model_validator(mode="after")
    def _in_turn(self) -> _Conversation:
        speakers = [turn.speaker for turn in self.conversations]
        if not speakers or speakers != ["human", "gpt"] * (len(speakers) // 2):
            raise ValueError("human and gpt turns must alternate, and a human turn must be first")
        return self

    def row(self) -> InstructionRow:
        said = [turn.value for turn in self.conversations]
        exchanges = tuple(zip(said[::2], said[1::2], strict=True))
        instruction, output = exchanges[-1]
        return InstructionRow(instruction=instruction, output=output, earlier=exchanges[:-1])


class InstructionDataError(ValueError):
    """An instruction file is missing, unreadable or malformed; the message says where."""


def checked(rows: Iterable[Any], source: str) -> list[InstructionRow]:
    """Check rows, and convert both formats into one.

    Args:
        rows: dictionaries of either format.
        source: the name of their origin for error messages.

    Returns:
        The rows, in the same order.

    Raises:
        InstructionDataError: names the source, the row (counted from 1) and the field.
    """
    good = []
    for number, row in enumerate(rows, start=1):
        try:
            if isinstance(row, Mapping) and "conversations" in row:
                good.append(_Conversation.model_validate(row).row())
            else:
                good.append(InstructionRow.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "row"
            raise InstructionDataError(
                f"{source}: row {number}: {field}: {first['msg']}; a row needs 'instruction' and "
                "'output' (and may have 'input'), or 'conversations' of human and gpt turns"
            ) from None
    if not good:
        raise InstructionDataError(f"{source}: holds no rows")
    return good


def load_instructions(source: str, limit: int | None = None) -> list[InstructionRow]:
    """Load an instruction set.

    Args:
        source: a JSON file (one list) or JSON-lines file, or the name of a hub data set, of which
            the split `train` is loaded.
        limit: the largest number of rows to keep, from the start.

    Returns:
        The rows, in the order of the file.

    Raises:
        InstructionDataError: the file is missing, is not JSON, or has a malformed row.
    """
    path = Path(source)
    if path.is_file():
        rows = read_rows(path)
    elif path.suffix or path.is_absolute() or source.count("/") != 1:
        raise InstructionDataError(f"{source}: no such file; give a .json or .jsonl file")
    else:
        import datasets

        try:
            rows = list(datasets.load_dataset(source, split="train"))
        except Exception as error:
            raise InstructionDataError(
                f"{source}: neither a local file nor a hub data set that can be "
                f"reached from here ({type(error).__name__})"
            ) from error
    return checked(rows[:limit], source)


def read_rows(path: Path) -> list[Any]:
    """The rows of a JSON file (one list) or JSON-lines file, unchecked.

    Raises:
        InstructionDataError: a line is not JSON.
    """
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"{path}: line {error.lineno}"
            raise InstructionDataError(f"{where}: not JSON: {error.msg}") from None
        return list(rows)
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                where = f"{path}: line {number}"
                raise InstructionDataError(f"{where}: not JSON: {error.msg}") from None
    return rows


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
    """
    form, following = PROMPTS[prompt], FOLLOWING_PROMPTS[prompt]
    exchanges = [(*row.earlier, (row.instruction, row.output)) for row in rows]
    first = tokenizer(
        [form(turns[0][0], row.input) for row, turns in zip(rows, exchanges, strict=True)]
    )["input_ids"]
    # What follows the first prompt continues a sequence, so it gets no beginning-of-sequence token.
    rest = [
        text
        for turns in exchanges
        for number, (human, gpt) in enumerate(turns)
        for text in ((following(human), gpt) if number else (gpt,))
    ]
    within = iter(tokenizer(rest, add_special_tokens=False)["input_ids"])
    examples: list[Example] = []
    for turns, opening in zip(exchanges, first, strict=True):
        ids: list[int] = []
        labels: list[int] = []
        for number in range(len(turns)):
            start = next(within) if number else opening
            response = [*next(within), tokenizer.eos_token_id]
            ids += [*start, *response]
            labels += [IGNORED] * len(start) + response
        if any(label != IGNORED for label in labels[:max_length]):
            examples.append({"input_ids": ids[:max_length], "labels": labels[:max_length]})
    return examples


def collator(pad_token_id: int) -> Callable[[Sequence[Example]], dict[str, Any]]:
    """Make padded batches whose logits are computed only where the loss needs them.

    Rows are padded on the left, so that all responses end in the last column. The model computes
    the logits of the last K columns only, beginning one column before the first labelled token of
    the batch. The loss is the same as with all logits, because the others have no label.

    Args:
        pad_token_id: the tokenizer's padding token.

    Returns:
        A function from examples to `input_ids` and `attention_mask` (B, T), `labels` (B, K) and
        `logits_to_keep`, the number K.
    """

    def collate(examples: Sequence[Example]) -> dict[str, Any]:
        columns = max(len(example["input_ids"]) for example in examples)
        kept = 1 + max(from_first_label(example["labels"]) for example in examples)
        shape = (len(examples), columns)
        ids, mask = torch.full(shape, pad_token_id), torch.zeros(shape, dtype=torch.int64)
        labels = torch.full((len(examples), kept), IGNORED)
        for row, example in enumerate(examples):
            length = len(example["input_ids"])
            ids[row, columns - length :] = torch.tensor(example["input_ids"])
            mask[row, columns - length :] = 1
            shown = torch.tensor(example["labels"][-kept:])
            labels[row, kept - len(shown) :] = shown
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "logits_to_keep": kept,
        }

    return collate


def from_first_label(labels: Sequence[int]) -> int:
    """The number of tokens of an example from the first one with a label to the end."""
    return len(labels) - next(place for place, label in enumerate(labels) if label != IGNORED)
