"""Measure the noise of this library and of others in every situation, and write the table.

neftune conformance
neftune conformance --out docs/conformance.md docs/conformance/*.json
neftune conformance --library ms-swift --measured docs/conformance/ms-swift.json

Libraries that are installed are measured. A library that needs other versions of the packages
beside it is measured in an environment of its own, with `--library` and `--measured`, and the file
is given to the run that writes the page.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from neftune.conformance.libraries import LIBRARIES

NEEDED = ("accelerate", "pydantic")


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "columns", type=Path, nargs="*", metavar="FILE", help="columns that were measured elsewhere"
    )
    parser.add_argument("--library", choices=LIBRARIES, help="measure this one alone")
    parser.add_argument("--measured", type=Path, help="a file for what was measured of --library")
    parser.add_argument("--out", type=Path, help="a file for the page, which is printed otherwise")


def run(arguments: argparse.Namespace) -> None:
    """Measure, and print or write the page, or what was measured.

    Raises:
        RuntimeError: a package is not installed that measuring needs.
        ValueError: options that do not go together, or a file that is no measured column.
    """
    for package in NEEDED:
        if find_spec(package) is None:
            raise RuntimeError(
                f"{package} is not installed, which measuring needs: "
                "pip install 'neftune[conformance]'"
            )
    from neftune.conformance.report import markdown, measure, read, write

    for written in filter(None, (arguments.measured, arguments.out)):
        if not written.parent.is_dir():
            raise ValueError(f"there is no folder {written.parent} for {written.name}")
    if arguments.measured:
        if not arguments.library or arguments.columns or arguments.out:
            raise ValueError("--measured goes with --library, and with nothing else")
        write(measure(arguments.library), arguments.measured)
        return
    given = {column.library: column for column in map(read, arguments.columns)}
    if arguments.library:
        names = [arguments.library, *(name for name in given if name != arguments.library)]
    else:
        names = [name for name in LIBRARIES if name in given or LIBRARIES[name].version]
    page = markdown([given.get(name) or measure(name) for name in names])
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    else:
        print(page)
