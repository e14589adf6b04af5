"""A blind study of two runs' answers: a page for raters, and what their ratings say together.

    make study                                           # no noise against the chosen alpha
    make study ALPHA="0 5" DATASET=alpaca MODEL=llama-2-7b EQUAL_LENGTH=10
    make study OUTPUTS="one/model_outputs.json two/model_outputs.json"
    make study RATINGS="ann.json ben.json"               # merges what raters sent back

The first three write `runs/study/<key>/study.html`, one file that opens from disk, and beside it
`key.json`, which raters must not see. The last one writes `merged.md` and `merged.csv` there and
prints the first. docs/blind-study.md says what is measured and how to read it.

pairs.py         which pairs are shown, in which order, on which sides
page.py, page/   the page
rating_files.py  reading what raters send back
judges.py        what judges said of the same pairs
report.py        the merged numbers as tables
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.commands.options import (
    SettingError,
    add_jobs,
    add_scale,
    alpha,
    scale_of,
    whole,
)
from experiments.commands.study.pairs import BlindStudy, Draw, draw, write_key
from experiments.names import look_up
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.models import MODELS
from experiments.runs.run import Run
from neftune.training.files import write_atomic
from neftune.training.instructions import checked
from neftune.training.json_files import FileError, parse_json, read_text

HELP = "a blind study of two runs' answers by people, and the merge of their ratings"
RUNS_ALONE = ("alpha", "dataset", "model")
MAKING = (*RUNS_ALONE, "outputs", "pairs", "repeats", "equal_length", "shuffle")
"""Settings that a merge has no use for."""
PUBLIC_NOTICE = (
    "This file holds instructions of AlpacaEval's evaluation set, which come under CC BY-NC 4.0, "
    "and models' answers to them. Please do not publish it."
)
OTHERS_NOTICE = (
    "The instructions and answers in this file may come under terms of their authors. Please do "
    "not publish it."
)


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    how = Draw()
    parser.add_argument("--alpha", type=alpha, nargs="+", help="two; by default 0 and the chosen")
    parser.add_argument("--model", help=", ".join(MODELS))
    parser.add_argument("--dataset", help=", ".join(INSTRUCTION_SETS))
    parser.add_argument(
        "--outputs", type=Path, nargs="+", metavar="FILE", help="two model_outputs.json, not runs"
    )
    parser.add_argument("--pairs", type=whole(1, 10**6), help=f"at most; default {how.pairs}")
    parser.add_argument(
        "--repeats", type=whole(0, 10**6), help=f"pairs shown twice; default {how.repeats}"
    )
    parser.add_argument(
        "--equal-length",
        type=whole(0, 100),
        metavar="PERCENT",
        help="only answers that differ by no more in length",
    )
    parser.add_argument("--shuffle", type=whole(0, 10**9), help="another number, other pairs")
    parser.add_argument(
        "--ratings", type=Path, nargs="+", metavar="FILE", help="merge these files of raters"
    )
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make a study, or merge its ratings.

    Raises:
        SettingError: settings that do not go together.
        StudyError: see `pairs.py` and `rating_files.py`.
    """
    given = [name for name in MAKING if getattr(arguments, name) is not None]
    if arguments.ratings:
        if given:
            raise SettingError(f"--ratings merges a study that is made; leave out {_named(given)}")
        _merge(arguments.ratings)
        return
    runs_alone = [name for name in RUNS_ALONE if name in given]
    if arguments.outputs and runs_alone:
        raise SettingError(
            f"--outputs takes the answers from files; leave out {_named(runs_alone)}"
        )
    study = _of_files(arguments) if arguments.outputs else _of_runs(arguments)
    _write(study)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _how(arguments: argparse.Namespace) -> Draw:
    names = ("pairs", "repeats", "equal_length", "shuffle")
    return Draw(**{n: getattr(arguments, n) for n in names if getattr(arguments, n) is not None})


def _of_files(arguments: argparse.Namespace) -> BlindStudy:
    """A study of two files of answers."""
    if len(arguments.outputs) != 2:
        raise SettingError(f"--outputs needs two files, not {len(arguments.outputs)}")
    first, second = arguments.outputs
    return BlindStudy(
        draw(_answers(first), _answers(second), _how(arguments)),
        titles=(str(first), str(second)),
        about="Answers from files",
        notice=OTHERS_NOTICE,
    )


def _answers(file: Path) -> list[dict[str, str]]:
    found: Any = parse_json(read_text(file), file)
    if not isinstance(found, list):
        raise FileError(f"{file}: is no list of answers, as AlpacaEval's model_outputs.json is")
    return [row.model_dump(include={"instruction", "output"}) for row in checked(found, str(file))]


def _of_runs(arguments: argparse.Namespace) -> BlindStudy:
    """A study of two runs of seed 0, which are made where they are missing."""
    from experiments.runs.record import Record
    from experiments.runs.workflow import produce

    first, second = _runs(arguments)
    one, other = (Record(run, "responses") for run in (first, second))
    produce([one, other], arguments.jobs)
    scale = first.scale
    return BlindStudy(
        draw(one.read(), other.read(), _how(arguments)),
        titles=(f"alpha {first.noise.alpha:g}", f"alpha {second.noise.alpha:g}"),
        about=f"{scale.model_title(first.model)} on {first.dataset.title}, scale {scale.name}, "
        "seed 0",
        runs=(str(first.folder), str(second.folder)),
        notice=PUBLIC_NOTICE if scale.published_choices else "",
    )


def _runs(arguments: argparse.Namespace) -> tuple[Run, Run]:
    from experiments.runs.selection import MODEL, check_chosen, load_selection
    from experiments.runs.study import Study
    from neftune.distributions import Noise

    scale = scale_of(arguments)
    dataset = look_up("instruction set", arguments.dataset or "alpaca", INSTRUCTION_SETS)
    model = arguments.model or MODEL
    look_up("model", model, MODELS)
    scale.stand_in(model)
    if arguments.alpha and (len(arguments.alpha) != 2 or len(set(arguments.alpha)) == 1):
        text = " ".join(f"{each:g}" for each in arguments.alpha)
        raise SettingError(f"--alpha needs two different values, not {text!r}")
    check_chosen(scale)
    study = Study(scale, 1, load_selection(scale))
    alphas = arguments.alpha or [0.0, study.alpha(dataset, model)]
    (first,), (second,) = (study.noisy(dataset, Noise(each), model=model) for each in alphas)
    return first, second


def _write(study: BlindStudy) -> None:
    from experiments.commands.study.page import write_page

    key, page = write_key(study), write_page(study)
    drawn = study.drawn
    repeats = sum(showing.repeat for showing in drawn.showings)
    asked = "" if len(drawn.pairs) == drawn.how.pairs else f" ({drawn.how.pairs} were asked for)"
    print(
        f"{len(drawn.pairs)} pairs{asked}, {repeats} of them shown twice: {page}\n"
        f"Give raters that file alone: {key} says which run gave which answer.\n"
        'When their files are back:  make study RATINGS="ann.json ben.json"'
    )


def _merge(files: Sequence[Path]) -> None:
    from experiments.commands.study.judges import judge_verdicts
    from experiments.commands.study.rating_files import read_ratings
    from experiments.commands.study.report import as_csv, markdown, tables_of

    study, raters = read_ratings(files)
    tables = tables_of(study, raters, judge_verdicts(study))
    text = markdown(study, tables)
    write_atomic(study.folder / "merged.csv", as_csv(tables))
    write_atomic(study.folder / "merged.md", text)
    print(f"{text}\nWritten to {study.folder}/merged.md and .csv.")
