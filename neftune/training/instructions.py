"""Instruction data as rows: read from a file or the hub, and checked row by row.

    rows = load_instructions("alpaca_data.json")         # or "tatsu-lab/alpaca", from the hub
    check_prompt(rows, "alpaca", "alpaca_data.json")

A row has `instruction`, `output` and optionally `input`, as in Stanford Alpaca; or it has
`conversations`, a list of `{"from": "human" | "gpt", "value": …}` in which human turns and
responses alternate, as in ShareGPT. This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from neftune.training.json_files import FileError, is_unicode, parse_json, read_text
from neftune.training.prompts import FOLLOWING_PROMPTS


def _unicode(text: str) -> str:
    if not is_unicode(text):
        raise ValueError("half of a surrogate pair (\\ud800 to \\udfff) is not a character")
    return text


Text = Annotated[str, AfterValidator(_unicode)]


class InstructionRow(BaseModel):
    """One instruction and its response, from either of the two formats.

    `earlier` holds the previous exchanges of a conversation, each a human turn and its response.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    instruction: Text = Field(min_length=1)
    input: Text = ""
    output: Text
    earlier: tuple[tuple[Text, Text], ...] = ()


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    speaker: Literal["human", "gpt"] = Field(alias="from")
    value: Text


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
            problem = first["msg"].removeprefix("Value error, ")
            raise InstructionDataError(
                f"{source}: row {number}: {field}: {problem}; a row needs 'instruction' and "
                "'output' (and may have 'input'), or 'conversations' of human and gpt turns"
            ) from None
    if not good:
        raise InstructionDataError(f"{source}: holds no rows")
    return good


def check_prompt(rows: Sequence[InstructionRow], prompt: str, source: str) -> None:
    """Refuse conversations of several exchanges for a prompt format that holds a single one.

    Args:
        rows: from `checked`.
        prompt: a name in `neftune.training.prompts.PROMPTS`.
        source: the name of the rows' origin for the error message.

    Raises:
        InstructionDataError: names the source and the row.
    """
    for number, row in enumerate(rows, start=1):
        if row.earlier:
            try:
                FOLLOWING_PROMPTS[prompt](row.instruction)
            except ValueError as error:
                raise InstructionDataError(f"{source}: row {number}: {error}") from None


def is_hub_name(source: str) -> bool:
    """Whether a source that is no file can be the name of a data set of the hub, owner/name."""
    path = Path(source)
    return not path.suffix and not path.is_absolute() and source.count("/") == 1


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
    if path.exists():
        rows = read_rows(path)
    elif not is_hub_name(source):
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

    Only a line feed ends a line: other separators, such as U+2028, may stand within JSON strings.

    Raises:
        InstructionDataError: the file cannot be read, or a line is not JSON.
    """
    try:
        text = read_text(path)
        if text.lstrip().startswith("["):
            return list(parse_json(text, path))
        lines = enumerate(text.split("\n"), start=1)
        return [parse_json(line, path, number) for number, line in lines if line.strip()]
    except FileError as error:
        raise InstructionDataError(str(error)) from None
