"""Arguments that several commands share, and what every argument has to be.

parser = Parser("python -m experiments")              # errors of one line
parser.add_argument("--seeds", type=whole(1, 1000))
add_scale(parser)
scale = scale_of(arguments)
"""

from __future__ import annotations

import argparse
import os
import unicodedata
from collections.abc import Callable, Sequence
from typing import NoReturn

from experiments.names import look_up
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.models import MODELS
from experiments.scales.fetch import variable
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.training import precision

LARGEST_ALPHA = 1000.0
"""The paper's largest alpha is 15; the noise of this one is longer than any model's embeddings."""
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, halves of characters, and separators of lines."""


class SettingError(ValueError):
    """A setting has no such name, or cannot have such a value; the message says what could be."""


class Parser(argparse.ArgumentParser):
    """argparse's parser, whose errors have one line and leave with the exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where the options are listed."""
        self.exit(2, f"error: {message} ({self.prog} --help lists the options)\n")


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of a whole number between two others, for argparse."""

    def number(text: str) -> int:
        found = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {least:,} to {most:,}, not {text!r}"
            )
        return found

    return number


positive = whole(1, 10**9)
"""The type of a whole number of at least 1, for argparse."""


def alpha(text: str) -> float:
    """The type of the noise's alpha, for argparse."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LARGEST_ALPHA:
        raise argparse.ArgumentTypeError(
            f"must be a number from 0 to {LARGEST_ALPHA:,.0f}, not {text!r}"
        )
    return found + 0.0  # which makes 0 of -0


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add `--scale`."""
    parser.add_argument("--scale", default="nano", help="nano, small or paper")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs`."""
    parser.add_argument("--jobs", type=whole(1, 1000), help="jobs at a time; by default one a core")


def add_seeds(parser: argparse.ArgumentParser, default: int | None = None) -> None:
    """Add `--seeds`."""
    parser.add_argument("--seeds", type=whole(1, 1000), default=default, help="how many, from 0 on")


def scale_of(arguments: argparse.Namespace) -> Scale:
    """The scale that `--scale` names.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return look_up("scale", arguments.scale, SCALES)


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what could not be shown in one line, nor written to a file of text.

    Raises:
        SettingError: an argument has a control character, or is no Unicode, or an option's value is
            two hyphens, which argparse would take for none.
    """
    for argument in arguments:
        if any(unicodedata.category(character) in UNPRINTABLE for character in argument):
            raise SettingError(f"{argument!a} holds a character that cannot be printed")
        if argument.startswith("--") and argument.endswith("=--"):
            raise SettingError(f"{argument} has no value")


def check_environment() -> None:
    """Refuse a variable that would replace a model or a data set, but names none; and PRECISION.

    Raises:
        UnknownNameError: it is named `MODEL_` or `DATA_` with an unknown role in small letters.
        ValueError: PRECISION is no number format.
    """
    precision.named()
    known = {variable("MODEL", role): role for role in MODELS}
    known |= {variable("DATA", role): role for role in INSTRUCTION_SETS}
    for name in os.environ:
        _, separator, role = name.partition("_")
        if name.startswith(("MODEL_", "DATA_")) and separator and role[:1].islower():
            look_up("variable", name, known)
