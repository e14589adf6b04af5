"""Make tables and figures, and print them.

make table1            python -m experiments show table1 figure4 --seeds 3
"""

from __future__ import annotations

import argparse

from experiments.artifacts import ARTIFACTS
from experiments.cells.render import make
from experiments.commands.options import add_jobs, add_scale, add_seeds, scale_of
from experiments.names import look_up
from experiments.paths import RESULTS

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
    scale = scale_of(arguments)
    paths = make(chosen, scale, arguments.seeds, arguments.jobs)
    for artifact, path in zip(chosen, paths, strict=True):
        print(path.read_text())
        print(f"Written to {path.with_suffix('')}.{{md,csv,json,png,svg}}.")
        if (RESULTS / scale.name / f"{artifact.name}.json").exists():
            print(f"`make compare NAME={artifact.name}` shows it beside the project's own.")
