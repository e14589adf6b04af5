"""Whether the laboratory is what it has to be before anything is measured in it with noise.

    make laboratory-check
    python -m experiments laboratory_check --judge results/nano/laboratory.json

Chooses the learning rates, trains what is missing, all of it without noise, measures every
condition of `experiments/nano/conditions.py`, prints the table and writes
`runs/results/nano/laboratory.{json,md}`. It ends with an error that names the conditions that are
not met. The runs are those that tables use, so nothing is trained twice. The second form judges an
earlier result by the conditions as they are now.

The project's own result is `results/nano/laboratory.json`, put there by `make release`, or before
any run with noise by `python -m experiments release --only laboratory`. A test fails when a
condition is not met in it, or when it is not of the models, rows and judges that are shipped.

measures.py  how each condition is measured
report.py    the result, written, read and shown
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.cells.markdown import markdown_table
from experiments.commands.laboratory_check.report import (
    Check,
    conditions_table,
    markdown,
    read_check,
    shipped_models,
    updated,
)
from experiments.commands.options import add_jobs
from experiments.nano.conditions import CONDITIONS
from experiments.paths import RENDERED, RESULTS, RUNS
from experiments.runs.archive import archive_file, unpack
from experiments.runs.provenance import write_provenance
from experiments.runs.selection import SEED, Selection, select_rates
from experiments.runs.study import Study
from experiments.runs.workflow import produce
from experiments.scales.nano import NANO
from neftune.training.files import write_atomic

HELP = "whether the laboratory meets the conditions that were stated for it"
OUT = RENDERED / NANO.name
SHIPPED = RESULTS / NANO.name / "laboratory.json"
PAGE = Path("docs") / "laboratory.md"


class ConditionsError(RuntimeError):
    """Conditions of the laboratory are not met; the message names them."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_jobs(parser)
    parser.add_argument(
        "--judge", type=Path, metavar="FILE", help="measure nothing, judge this earlier result"
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure, write and print.

    Raises:
        ConditionsError: a condition is not met.
        FileError: the result that is to be judged cannot be read, or is damaged.
    """
    check = read_check(arguments.judge) if arguments.judge else make_check(arguments.jobs)
    print(markdown_table([row[:-1] for row in conditions_table(check)]))
    if not arguments.judge:
        print(f"\nWritten to {OUT}/laboratory.{{md,json}}.")
    unmet = check.unmet()
    if unmet:
        raise ConditionsError(
            f"{len(unmet)} of {len(CONDITIONS)} conditions are not met: "
            + ", ".join(condition.name for condition in unmet)
        )


def make_check(jobs: int | None) -> Check:
    """Measure every condition, and write the result.

    Args:
        jobs: trainings at a time; by default one a core.
    """
    from experiments.commands.laboratory_check.measures import measured_conditions, records_of

    if archive_file(NANO).exists():
        unpack(archive_file(NANO))
    selection = select_rates(NANO, jobs)
    study = Study(NANO, SEED + 1, selection)
    records = records_of(study)
    produce(records, jobs)
    check = Check(
        models=shipped_models(),
        lr={name: choice.value for name, choice in selection.lr.items()},
        qlora_lr={name: choice.value for name, choice in selection.qlora_lr.items()},
        records=names_of(selection),
        measured=measured_conditions(study),
    )
    write_atomic(OUT / "laboratory.json", check.as_json())
    write_atomic(OUT / "laboratory.md", markdown(check))
    runs = list(dict.fromkeys(record.run for record in records))
    write_provenance(OUT / "laboratory.provenance.json", "make laboratory-check", [SEED], runs)
    return check


def names_of(selection: Selection) -> list[str]:
    """The paths, below the scale's runs, of the records that the conditions are measured on."""
    from experiments.commands.laboratory_check.measures import records_of

    found = records_of(Study(NANO, SEED + 1, selection))
    return sorted(record.path.relative_to(RUNS / NANO.name).as_posix() for record in found)


def update_page(page: Path = PAGE) -> None:
    """Write the tables of docs/laboratory.md anew, from the project's own result and models."""
    check = read_check(SHIPPED) if SHIPPED.exists() else None
    write_atomic(page, updated(page.read_text(), check))
