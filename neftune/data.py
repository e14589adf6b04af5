"""Instruction data: read it, check it row by row, and turn it into tokens with a loss mask.

    rows = load_instructions("alpaca_data.json")         # or "tatsu-lab/alpaca", from the hub
    examples = encode(rows, tokenizer, prompt="alpaca", max_length=512)

A row has `instruction`, `input` (may be empty or absent) and `output`, as in Stanford Alpaca; or
`conversations` of `{"from": "human" | "gpt", "value": …}`, as in ShareGPT, already split to one
human turn and its answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from transformers import PreTrainedTokenizerBase

from neftune.prompts import PROMPTS

IGNORED = -100


class Example(TypedDict):
    """Token ids and labels of one example; labels are `IGNORED` on the prompt."""

    input_ids: list[int]
    labels: list[int]


class InstructionRow(BaseModel):
    """One instruction and its response, whichever of the two formats it came in."""

    model_config = ConfigDict(extra="ignore", strict=True)

    instruction: str = Field(min_length=1)
    input: str = ""
    output: str


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    speaker: Literal["human", "gpt"] = Field(alias="from")
    value: str


class _Conversation(BaseModel):
    conversations: list[_Turn]

    @model_validator(mode="after")
    def _one_exchange(self) -> _Conversation:
        if [turn.speaker for turn in self.conversations] != ["human", "gpt"]:
            raise ValueError("must be one human turn and one gpt turn")
        return self


class InstructionDataError(ValueError):
    """An instruction file is missing, unreadable or malformed; the message says where."""


def checked(rows: Iterable[Any], source: str) -> list[InstructionRow]:
    """Check rows, and bring both formats into one.

    Args:
        rows: dictionaries of either format.
        source: what to call their origin in an error.

    Raises:
        InstructionDataError: names the source, the row (counted from 1) and the field.
    """
    good = []
    for number, row in enumerate(rows, start=1):
        try:
            if isinstance(row, Mapping) and "conversations" in row:
                human, gpt = _Conversation.model_validate(row).conversations
                good.append(InstructionRow(instruction=human.value, output=gpt.value))
            else:
                good.append(InstructionRow.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "row"
            raise InstructionDataError(
                f"{source}: row {number}: {field}: {first['msg']}; a row needs 'instruction' and "
                "'output' (and may have 'input'), or 'conversations' of one human and one gpt turn"
            ) from None
    if not good:
        raise InstructionDataError(f"{source}: holds no rows")
    return good


def load_instructions(source: str, limit: int | None = None) -> list[InstructionRow]:
    """Load an instruction set.

    Args:
        source: a JSON file (one list) or JSON-lines file, or the name of a hub data set, of which
            the split `train` is taken.
        limit: keep only so many rows, from the start.

    Raises:
        InstructionDataError: the file is missing, is not JSON, or has a malformed row.
    """
    path = Path(source)
    if path.is_file():
        rows = _json_rows(path)
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


def _json_rows(path: Path) -> list[Any]:
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
    """Turn rows into token ids; the loss is on the response and its end-of-sequence token alone.

    Args:
        rows: what to encode.
        tokenizer: the model's.
        prompt: a name in `neftune.prompts.PROMPTS`.
        max_length: tokens of prompt and response together; what is longer is cut at the end, and
            an example of which no response is left is dropped.
    """
    form = PROMPTS[prompt]
    prompts = tokenizer([form(row.instruction, row.input) for row in rows])["input_ids"]
    responses = tokenizer([row.output for row in rows], add_special_tokens=False)["input_ids"]
    examples: list[Example] = []
    for start, response in zip(prompts, responses, strict=True):
        ids = [*start, *response, tokenizer.eos_token_id][:max_length]
        if len(ids) > len(start):
            labels = [IGNORED] * len(start) + ids[len(start) :]
            examples.append({"input_ids": ids, "labels": labels})
    return examples
