"""Measure the noise of this library and of others in every situation.

neftune conformance
neftune conformance --out docs/conformance.md
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("accelerate", "peft", "transformers.integrations.neftune")
"""Modules of the extra `conformance`; the last is in transformers since 5.2."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, help="a file for the page, which is printed otherwise")


def run(arguments: argparse.Namespace) -> None:
    """Measure, and print or write the page.

    Raises:
        RuntimeError: a package of the comparison is missing, or too old.
    """
    for module in NEEDED:
        if find_spec(module) is None:
            raise RuntimeError(
                f"the comparison needs {module}, which is not installed: "
                "pip install 'neftune[conformance]'"
            )
    from neftune.conformance.report import markdown, measure

    page = markdown(measure())
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    else:
        print(page)
