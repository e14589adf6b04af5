"""Arguments that several commands share.

parser.add_argument("--seeds", type=positive)
add_scale(parser)
scale = scale_of(arguments)
"""

from __future__ import annotations

import argparse

from experiments.names import look_up
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add `--scale`."""
    parser.add_argument("--scale", default="nano", help="nano, small or paper")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs`."""
    parser.add_argument("--jobs", type=positive, help="jobs at a time; by default one a core")


def add_seeds(parser: argparse.ArgumentParser, default: int | None = None) -> None:
    """Add `--seeds`."""
    parser.add_argument("--seeds", type=positive, default=default, help="how many, from 0 on")


def scale_of(arguments: argparse.Namespace) -> Scale:
    """The scale that `--scale` names.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return look_up("scale", arguments.scale, SCALES)
