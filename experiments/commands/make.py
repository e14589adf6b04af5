"""Make records of runs. The workflow calls this in its worker processes.

python -m experiments make runs/nano/3f2a…/test/gpt-4-7d30c2aa/annotations.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.runs.record import record_at

HELP = "make records of runs (called by the workflow)"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("records", type=Path, nargs="+", metavar="RECORD")


def run(arguments: argparse.Namespace) -> None:
    """Make the records; a path that is none of a record is refused at once."""
    for path in arguments.records:
        record_at(path)
    from experiments.runs import jobs  # imports torch and transformers

    jobs.make(arguments.records)
