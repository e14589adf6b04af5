"""Put the committed records of every run into `runs/`, so that nothing is trained again.

make unpack
"""

from __future__ import annotations

import argparse

from experiments.commands.options import add_scale, scale_of
from experiments.paths import RUNS
from experiments.runs.archive import archive_file, unpack

HELP = "put the committed records of every run into runs/"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)


def run(arguments: argparse.Namespace) -> None:
    """Unpack, and say how many runs were put in place."""
    archive = archive_file(scale_of(arguments))
    placed, kept = unpack(archive)
    stay = f"; {kept} were there already and stay as they are" if kept else ""
    print(f"{placed} runs of {archive} put into {RUNS}/{stay}.")
