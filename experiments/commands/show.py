"""Make tables and figures, and print them beside the project's own and the paper's numbers.

    make table1            python -m experiments show table1 figure4 --seeds 3

One seed is the default, which is a matter of minutes. The comparison says which of your numbers lie
where so many new seeds are expected.
"""

from __future__ import annotations

import argparse

from experiments.artifacts import at_scale
from experiments.cells.render import make, runs_made
from experiments.commands.compare import first_metric
from experiments.commands.options import add_jobs, add_scale, add_seeds, scale_of
from experiments.paths import RESULTS
from experiments.site.run_report import report_line

HELP = "make tables and figures, and print them"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="+", help="table1 … table14, figure1 … figure9, human, …")
    add_scale(parser)
    add_seeds(parser, default=1)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make and print."""
    scale = scale_of(arguments)
    chosen = [at_scale(name, scale) for name in arguments.names]
    paths = make(chosen, scale, arguments.seeds, arguments.jobs)
    for artifact, path in zip(chosen, paths, strict=True):
        print(path.read_text())
        own = path.with_suffix(".json")
        shipped = RESULTS / scale.name / f"{artifact.name}.json"
        beside = first_metric(own, shipped)
        if beside:
            print(f"Beside the project's own and the paper's:\n\n{beside}")
            print(f"`make compare NAME={artifact.name}` lists them all.\n")
        print(f"Written to {path.with_suffix('')}.{{md,csv,json,png,svg}}.")
        print(report_line(runs_made(artifact, scale, arguments.seeds)))
