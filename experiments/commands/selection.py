"""Choose the learning rates and alphas that are not chosen yet, on validation instructions.

make selection
"""

from __future__ import annotations

import argparse

from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.runs.selection import select, selection_file

HELP = "choose learning rates and alphas that are not chosen yet"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Choose, and say where the choice is recorded."""
    scale = scale_of(arguments)
    select(scale, arguments.jobs)
    print(f"Written to {selection_file(scale)}.")
