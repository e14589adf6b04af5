"""Replace the project's own results by new ones: the only command that writes to `results/`.

    make release DATA=folder                             # the folder of AlpacaEval's public files

Makes everything as `make paper` does, copies a selection that was made here, packs the records of
all runs into the archive, audits the public verdicts, copies the doses that `make dose`
measured, and executes the notebooks in place.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from experiments.commands import audit
from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.commands.paper import make_paper
from experiments.paths import RENDERED, RESULTS
from experiments.runs.archive import archive_file, pack

HELP = "replace the project's own results in results/ by new ones"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)
    parser.add_argument("--data", type=Path, help="the folder of AlpacaEval's public files")


def run(arguments: argparse.Namespace) -> None:
    """Make everything, and replace the results."""
    scale = scale_of(arguments)
    total, runs = make_paper(scale, arguments.jobs, RESULTS)
    for own in (RENDERED / scale.name).glob("selection*.json"):
        shutil.copy(own, RESULTS / scale.name)
    pack(runs, archive_file(scale))
    if arguments.data:
        audit.audit_public(arguments.data, RESULTS / "audit")
    copy_doses()
    subprocess.run([sys.executable, "-m", "notebooks.execute", "--in-place"], check=True)
    print(total)


def copy_doses() -> None:
    """Copy what `make dose` made to the project's results."""
    for own in sorted((RENDERED / "dose").glob("*")):
        (RESULTS / "dose").mkdir(parents=True, exist_ok=True)
        shutil.copy(own, RESULTS / "dose")
