"""Measure the noise of this library and of others in every situation.

neftune conformance
neftune conformance --out docs/conformance.md
"""

from __future__ import annotations

import argparse
from pathlib import Path


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, help="a file for the page, which is printed otherwise")


def run(arguments: argparse.Namespace) -> None:
    """Measure, and print or write the page."""
    from neftune.conformance.report import markdown, measure

    page = markdown(measure())
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    else:
        print(page)
