"""Replace the project's own results by new ones: the only command that writes to `results/`.

    make release DATA=folder                             # the folder of AlpacaEval's public files
    python -m experiments release --only laboratory      # before any run with noise

The first form makes everything as `make paper` does, copies a selection that was made here, packs
the records of all runs into the archive, audits the public verdicts, copies what `make dose` and
`make laboratory-check` measured, and executes the notebooks in place. The second makes nothing: it
copies what `make laboratory-check` made, with the learning rates that it chose. Both bring the
tables of docs/laboratory.md up to date.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from experiments.commands import audit
from experiments.commands.laboratory_check import update_page
from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.commands.paper import make_paper
from experiments.paths import RENDERED, RESULTS
from experiments.runs.archive import archive_file, pack
from experiments.scales.nano import NANO
from experiments.scales.scale import Scale

HELP = "replace the project's own results in results/ by new ones"
LABORATORY = "laboratory"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)
    parser.add_argument("--data", type=Path, help="the folder of AlpacaEval's public files")
    parser.add_argument(
        "--only", choices=(LABORATORY,), help="copy what `make laboratory-check` made, no more"
    )


def run(arguments: argparse.Namespace) -> None:
    """Make everything, and replace the results; or copy those that are named.

    Raises:
        FileNotFoundError: `--only` names what was not made here.
    """
    if arguments.only == LABORATORY:
        if not (RENDERED / NANO.name / "laboratory.json").exists():
            raise FileNotFoundError(
                f"{RENDERED / NANO.name}/laboratory.json: not made yet; make it with "
                "`make laboratory-check`"
            )
        copy_selection(NANO)
        copy_laboratory()
        print(f"Written to {RESULTS / NANO.name}/ and docs/laboratory.md.")
        return
    scale = scale_of(arguments)
    total, runs = make_paper(scale, arguments.jobs, RESULTS)
    copy_selection(scale)
    pack(runs, archive_file(scale))
    if arguments.data:
        audit.audit_public(arguments.data, RESULTS / "audit")
    copy_doses()
    copy_laboratory()
    subprocess.run([sys.executable, "-m", "notebooks.execute", "--in-place"], check=True)
    print(total)


def copy_selection(scale: Scale) -> None:
    """Copy the choices that were made here to the project's results."""
    _copy(RENDERED / scale.name, "selection*.json", RESULTS / scale.name)


def copy_doses() -> None:
    """Copy what `make dose` made to the project's results."""
    _copy(RENDERED / "dose", "*", RESULTS / "dose")


def copy_laboratory() -> None:
    """Copy what `make laboratory-check` made to the project's results, and update its page."""
    _copy(RENDERED / NANO.name, "laboratory.*", RESULTS / NANO.name)
    update_page()


def _copy(source: Path, pattern: str, out: Path) -> None:
    """Copy the files of a folder whose names match a pattern, if there are any."""
    for own in sorted(source.glob(pattern)):
        out.mkdir(parents=True, exist_ok=True)
        shutil.copy(own, out)
