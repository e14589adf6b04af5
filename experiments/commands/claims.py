"""Only what the claims need: their runs, then the verdicts, a page and a picture.

    make claims                                          # writes runs/results/nano/claims.*
    python -m experiments claims --plan                  # how many runs they need

The premises of every verdict are in `experiments/claims/premises.yaml`. Runs that exist are not
trained again. `make paper` makes the claims as well.
"""

from __future__ import annotations

import argparse

from experiments.cells.markdown import markdown_table
from experiments.claims.finding import Question, questions, records_of
from experiments.claims.page import by_chance, message, write_claims
from experiments.claims.premises import PREMISES
from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.paths import RENDERED
from experiments.runs.archive import archive_file, unpack
from experiments.runs.record import TRAINED, missing
from experiments.runs.run import Run
from experiments.runs.selection import check_chosen, load_selection
from experiments.runs.study import Study
from experiments.runs.workflow import produce
from experiments.scales.scale import Scale

HELP = "the claims alone: their runs, verdicts, a page and a picture"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)
    parser.add_argument("--plan", action="store_true", help="only count the runs that are needed")


def run(arguments: argparse.Namespace) -> None:
    """Count the runs, or make them and judge."""
    study = study_of(scale_of(arguments))
    asked = questions(PREMISES, study)
    if arguments.plan:
        print(plan(asked))
        return
    if archive_file(study.scale).exists():
        unpack(archive_file(study.scale))
    check_chosen(study.scale)
    produce(records_of(asked), arguments.jobs)
    folder = RENDERED / study.scale.name
    data = write_claims(asked, study, folder)
    print(f"{message(data)}.\n{by_chance(data)}\nWritten to {folder}/claims.{{md,json,png,svg}}.")


def study_of(scale: Scale) -> Study:
    """The study that claims are asked of: every premise takes as many seeds of it as it states."""
    seeds = max(premise.seeds for premise in PREMISES if scale.name in premise.scales)
    return Study(scale, seeds, load_selection(scale))


def plan(asked: list[Question]) -> str:
    """How many runs each claim needs, how many no claim above it needs, and what is left."""
    needed: dict[Run, None] = {}
    rows = [["claim", "questions", "runs", "not needed above"]]
    for name in dict.fromkeys(question.premise.id for question in asked):
        own = [question for question in asked if question.premise.id == name]
        runs = _trained(own)
        new = [run for run in runs if run not in needed]
        rows.append([name, str(len(own)), str(len(runs)), str(len(new))])
        needed |= dict.fromkeys(new)
    due = {record.run for record in missing(records_of(asked)) if record.kind in TRAINED}
    return (
        f"{markdown_table(rows)}\n\nThe claims need {len(needed)} runs, of which {len(due)} are "
        "still to be trained."
    )


def _trained(asked: list[Question]) -> list[Run]:
    """The runs that some questions need, but those of base models alone."""
    return list(dict.fromkeys(r.run for r in records_of(asked) if r.kind == "settings"))
