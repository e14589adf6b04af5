"""Look a name up among those that exist, with an error that lists them.

scale = look_up("scale", "nano", SCALES)
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

Value = TypeVar("Value")


class UnknownNameError(ValueError):
    """A scale, model, instruction set, judge or artifact that does not exist."""


def look_up(what: str, name: str, names: Mapping[str, Value]) -> Value:
    """The value of a name.

    Args:
        what: what kind of thing is looked up, for the error.
        name: the name.
        names: those that exist, with their values.

    Raises:
        UnknownNameError: the name does not exist; the message lists those that do, and says which
            one is nearest.
    """
    if name not in names:
        near = "".join(f"; did you mean {each}?" for each in get_close_matches(name, names, 1))
        raise UnknownNameError(f"unknown {what} {name!r}; known: {', '.join(sorted(names))}{near}")
    return names[name]
