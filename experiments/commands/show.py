"""Make tables and figures, and print them.

make table1            python -m experiments show table1 figure4 --seeds 3
"""

from __future__ import annotations

import argparse

from experiments.artifacts import ARTIFACTS
from experiments.cells.render import make
from experiments.commands.options import add_jobs, add_scale, add_seeds, scale_of
from experiments.names import look_up

HELP = "make tables and figures, and print them"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="+", help="table1 … table14, figure1 … figure9, human, …")
    add_scale(parser)
    add_seeds(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make and print."""
    chosen = [look_up("artifact", name, ARTIFACTS) for name in arguments.names]
    for path in make(chosen, scale_of(arguments), arguments.seeds, arguments.jobs):
        print(path.read_text())
        print(f"Written to {path.with_suffix('')}.{{md,csv,json,png,svg}}.")
