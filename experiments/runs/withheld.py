"""Texts of others that records hold and the project does not ship: taken out, and put back in.

    content = withheld(path.read_bytes(), texts)         # for the archive
    restored(content, texts)                             # the same bytes as before

AlpacaEval's instructions and reference answers, and the rows of instruction sets, come under
licences that do not allow the project to pass them on. In the archive of a scale with such data
each of these texts is replaced by its place in the data, so that the records are whole again, to
the byte, on a machine that has the data, and show nothing of it elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.scales.scale import Scale

MARK = "withheld"
ROWS = 200
"""Of each set, whose prompts are asked again (Figure 5)."""
Place = tuple[str, int, str]
"""Whose text it is, its number and its field."""


class WithheldError(ValueError):
    """A text cannot be taken out or put back in; the message says why."""


def texts_of(scale: Scale) -> dict[Place, str]:
    """Every text of others that a scale's records may hold, by its place.

    Args:
        scale: one of those with real data.

    Raises:
        SourceError: the data are not here.
    """
    rows: dict[str, Sequence[Mapping[str, Any]]] = {"reference": scale.references("test")}
    for dataset in scale.sets:
        if dataset.piece_tokens is None:
            rows[dataset.role] = scale.rows(dataset, "train")[:ROWS]
    return {
        (whose, number, field): row[field]
        for whose, every in rows.items()
        for number, row in enumerate(every)
        for field in ("instruction", "output")
    }


def withheld(content: bytes, texts: Mapping[Place, str]) -> bytes:
    """A JSON file's content without the texts of others.

    Args:
        content: of a file as jobs write them.
        texts: from `texts_of`.

    Raises:
        WithheldError: the file would not be the same after `restored`.
    """
    places = {text: place for place, text in reversed(list(texts.items()))}

    def mark(value: Any) -> Any:
        return {MARK: places[value]} if isinstance(value, str) and value in places else value

    found = _written(_changed(json.loads(content), mark))
    if found == content:
        return content
    if restored(found, texts) != content:
        raise WithheldError("a record is not in the form in which jobs write it")
    return found


def restored(content: bytes, texts: Mapping[Place, str]) -> bytes:
    """The content with the texts put back in.

    Args:
        content: from `withheld`.
        texts: from `texts_of`.

    Raises:
        WithheldError: a text is not among those that are here.
    """

    def text(value: Any) -> Any:
        if not (isinstance(value, dict) and set(value) == {MARK}):
            return value
        whose, number, field = value[MARK]
        if (whose, number, field) not in texts:
            raise WithheldError(
                f"the {field} {number} of {whose} is not here: the records were made with other "
                "data (docs/real-scale.md says with which)"
            )
        return texts[whose, number, field]

    if f'"{MARK}"'.encode() not in content:
        return content
    return _written(_changed(json.loads(content), text))


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """JSON with every value changed, the outer ones first."""
    value = change(value)
    if isinstance(value, dict) and set(value) != {MARK}:
        return {name: _changed(each, change) for name, each in value.items()}
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return value


def _written(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
