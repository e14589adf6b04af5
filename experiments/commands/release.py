"""Replace the project's own results by new ones: the only command that writes to `results/`.

    make release DATA=folder                             # the folder of AlpacaEval's public files
    python -m experiments release --only laboratory      # before any run with noise
    python -m experiments release --only made            # results whose records are all there

The first form makes everything as `make paper` does, copies a selection that was made here, packs
the records of all runs into the archive, audits the public verdicts, copies what `make dose` and
`make laboratory-check` measured, and executes the notebooks in place. The second makes nothing: it
copies what `make laboratory-check` made, with the learning rates that it chose. The third trains
nothing: it writes the results whose records exist, names the others on the page of results, and
packs every run that has all its records, so that long computations can be committed in parts;
notebooks are left as they are. All bring the tables of docs/laboratory.md up to date, the first and
the third also the results in README.md.
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
from experiments.commands.paper import Asked, ask, make_paper, write_paper
from experiments.commands.readme import update_readme
from experiments.paths import RENDERED, RESULTS, RUNS
from experiments.runs.archive import archive_file, pack
from experiments.runs.manifest import MANIFEST
from experiments.runs.run import Run, read_run
from experiments.scales.nano import NANO
from experiments.scales.scale import Scale

HELP = "replace the project's own results in results/ by new ones"
LABORATORY, MADE = "laboratory", "made"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)
    parser.add_argument("--data", type=Path, help="the folder of AlpacaEval's public files")
    parser.add_argument(
        "--only",
        choices=(LABORATORY, MADE),
        help="copy what `make laboratory-check` made; or write what needs no further run",
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
    if arguments.only == MADE:
        asked = ask(scale)
        made = asked.made()
        remove_unmade(scale, asked, made)
        total, _ = write_paper(made, RESULTS)
        runs = runs_done(scale, asked)
    else:
        total, runs = make_paper(scale, arguments.jobs, RESULTS)
    copy_selection(scale)
    pack(runs, archive_file(scale))
    if arguments.data:
        audit.audit_public(arguments.data, RESULTS / "audit")
    copy_doses()
    copy_laboratory()
    for page in ("public-judge", "findings"):
        _copy(RENDERED / page, "*", RESULTS / page)
    update_readme()
    if arguments.only != MADE:  # The notebooks read every result.
        subprocess.run([sys.executable, "-m", "notebooks.execute", "--in-place"], check=True)
    print(total)


def remove_unmade(scale: Scale, asked: Asked, made: Asked) -> None:
    """Remove the project's results whose records are not there: they are of other records.

    Args:
        scale: whose results.
        asked: everything.
        made: what has its records.
    """
    kept = {artifact.name for artifact, _, _ in made.artifacts}
    for name in {artifact.name for artifact, _, _ in asked.artifacts} - kept:
        for path in (RESULTS / scale.name).glob(f"{name}.*"):
            path.unlink()


def runs_done(scale: Scale, asked: Asked) -> list[Run]:
    """The runs that have records and lack none that is asked for, in the order of their keys.

    Others would have to be trained again for the rest of their records, and on another machine the
    weights could then differ from those that the present records were made from.
    """
    manifests = sorted((RUNS / scale.name).glob(f"*/{MANIFEST}"))
    unfinished = {
        record.run.key
        for records in asked.records().values()
        for record in records
        if not record.exists()
    }
    there = map(read_run, (path.parent for path in manifests))
    return [run for run in there if run.key not in unfinished]


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
