"""Read the list of published comparisons, and say clearly what is wrong with it.

    load()                                               # every entry of published.yaml, in order
    read(text)                                           # of another file's text

A wrong file gives one line for each field that is wrong:

    published.yaml: shi-2024.lima.mt-bench: `items`: expected a whole number, given '80'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from experiments.evidence.comparison import Comparison, Source
from experiments.names import UnknownNameError, look_up

Made = TypeVar("Made", bound=BaseModel)

FILE = Path(__file__).with_name("published.yaml")
PARTS = ("sources", "settings", "comparisons")
EXPECTED = {
    "model_type": "expected fields",
    "missing": "expected a value, or null where it is not known",
    "extra_forbidden": "no such field",
    "string_type": "expected text",
    "string_too_short": "expected text that is not empty",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
}
"""By pydantic's name of an error, where its own words are not those of a YAML file."""


class EvidenceError(ValueError):
    """Entries of the file cannot be what they are; the message has a line for each field."""


@cache
def load() -> tuple[Comparison, ...]:
    """The project's own list.

    Raises:
        EvidenceError: as `read`.
    """
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str, name: str = FILE.name) -> tuple[Comparison, ...]:
    """The comparisons of a file's text, in its order.

    Args:
        text: YAML.
        name: the file's, for errors.

    Raises:
        EvidenceError: it is no YAML, lacks a part, or a source or an entry is wrong.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise EvidenceError(f"{name}: not YAML: {' '.join(str(error).split())}") from None
    wrong = list(_wrong_parts(content))
    if wrong:
        raise EvidenceError("\n".join(f"{name}: {each}" for each in wrong))
    sources: dict[str, Source | None] = {}
    for key, fields in content["sources"].items():
        sources[key] = _made(Source, f"source {key}", fields, wrong)
    found: list[Comparison] = []
    for place, fields in enumerate(content["comparisons"], 1):
        if comparison := _comparison(place, fields, sources, wrong):
            found.append(comparison)
    ids = Counter(each["id"] for each in content["comparisons"] if _has_text_id(each))
    wrong += [
        f"{id}: `id`: expected to be unique, given {n} times" for id, n in ids.items() if n > 1
    ]
    if wrong:
        raise EvidenceError("\n".join(f"{name}: {each}" for each in wrong))
    return tuple(found)


def _wrong_parts(content: Any) -> Iterator[str]:
    if not isinstance(content, dict):
        yield f"expected {' and '.join(PARTS[::2])}, given {_short(content)}"
        return
    if not isinstance(content.get("sources"), dict) or not content["sources"]:
        yield "`sources`: expected a mapping with at least one source"
    if not isinstance(content.get("comparisons"), list) or not content["comparisons"]:
        yield "`comparisons`: expected a list with at least one entry"
    yield from (f"`{key}`: no such part" for key in content if key not in PARTS)


def _comparison(
    place: int, fields: Any, sources: Mapping[str, Source | None], wrong: list[str]
) -> Comparison | None:
    if not isinstance(fields, dict):
        wrong.append(f"entry {place}: expected fields, given {_short(fields)}")
        return None
    label = fields["id"] if _has_text_id(fields) else f"entry {place}"
    named = fields.get("source")
    if "source" in fields:
        try:
            source = look_up("source", str(named), sources)
        except UnknownNameError as error:
            wrong.append(f"{label}: `source`: {error}")
            # A stand-in, so that the entry's other fields are checked too; it is not kept.
            source = next(filter(None, sources.values()), None)
        if source is None:
            return None
        fields = {**fields, "source": source}
    return _made(Comparison, label, fields, wrong)


def _has_text_id(fields: Any) -> bool:
    return isinstance(fields, dict) and isinstance(fields.get("id"), str) and bool(fields["id"])


def _made(of: type[Made], label: str, fields: Any, wrong: list[str]) -> Made | None:
    """A source or comparison; None where a field is wrong, which is then told in `wrong`."""
    try:
        return of.model_validate(fields)
    except ValidationError as error:
        wrong += [f"{label}: {_told(each)}" for each in error.errors()]
        return None


def _told(error: Any) -> str:
    """An error of pydantic's as field, what is expected, and what is given."""
    kind = error["type"]
    field = ".".join(str(part) for part in error["loc"])
    where = f"`{field}`: " if field else ""
    if kind == "value_error":
        return f"{where}{error['ctx']['error']}"
    expected = EXPECTED.get(kind) or _as_expected(error["msg"])
    given = "" if kind in ("missing", "extra_forbidden") else f", given {_short(error['input'])}"
    return f"{where}{expected}{given}"


def _as_expected(message: str) -> str:
    """Pydantic's "Input should be greater than 0" as "expected greater than 0"."""
    _, should, rest = message.partition(" should ")
    return f"expected to {rest}" if should else f"{message[:1].lower()}{message[1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
