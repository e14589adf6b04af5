"""Say all that is missing before records can be made, within seconds and before anything starts.

    check_before([Record(run, "verdicts", judge="gpt-4") for run in runs], jobs=2)

    error: nothing was started: 3 things are missing at the scale paper
      LLaMA-2 7B: meta-llama/Llama-2-7b-hf is gated: accept its licence at …
      the judge GPT-4: this judge is queried over OpenAI's API: set OPENAI_API_KEY, …
      disk: 1,245 GiB are needed in runs, 412 GiB are free: …

Only what the missing records need is checked: models, sets and the judge, which are asked over the
network all at once, then disk, memory and GPUs. Where jobs are sent to a cluster (PROFILE), memory
and GPUs are the nodes' own and are not checked here. CHECK=no skips all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from eval.judge_check import check_judge
from eval.judge_config import api_model, check_fitted_to
from experiments.roles.instruction_sets import ALPACA, InstructionSet
from experiments.roles.judges import JUDGES
from experiments.roles.models import MODELS
from experiments.runs import machine
from experiments.runs.capacity import lack_of_memory, lack_of_space
from experiments.runs.conditions import CONDITIONS
from experiments.runs.record import TRAINED, Record, missing
from experiments.runs.run import Run
from experiments.scales.fetch import check_model
from experiments.scales.hub import LIMIT, within
from experiments.scales.scale import Check, Scale
from neftune.training.reporting import asked_reporter

PROBLEMS = (ValueError, RuntimeError, OSError)
"""What a check raises; each has a message of one line."""


class PreflightError(RuntimeError):
    """Something is missing before anything can be made; the message lists all of it."""


def check_before(records: Sequence[Record], jobs: int) -> None:
    """Check that records can be made on this machine, as far as seconds tell.

    Args:
        records: what is to exist; for those that do, nothing is checked.
        jobs: how many jobs run at a time.

    Raises:
        PreflightError: something is missing; the message lists all that is, one line each.
    """
    if os.environ.get("CHECK") == "no":
        return
    for scale in dict.fromkeys(record.run.scale for record in records):
        found = _problems(scale, [r for r in records if r.run.scale is scale], jobs)
        if found:
            things = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
            raise PreflightError(
                f"nothing was started: {things} missing at the scale {scale.name}\n"
                + "\n".join(f"  {line}" for line in found)
                + "\nCHECK=no starts without these checks"
            )


def _problems(scale: Scale, records: Sequence[Record], jobs: int) -> list[str]:
    """All that is missing at a scale, a line each."""
    try:
        steps = missing(records)
    except PROBLEMS:
        # A source is not there, so that the names of the records are not known either.
        steps = list(_all_steps(records))
    if not steps:
        return []
    sources = _sources(scale, steps)
    trained = list(dict.fromkeys(step.run for step in steps if step.kind in TRAINED))
    here = bool(trained) and not os.environ.get("PROFILE")
    with ThreadPoolExecutor(len(sources) + 1) as pool:
        asked = {name: pool.submit(_outcome, check) for name, check in sources.items()}
        # To ask torch for GPUs takes seconds, which the laboratory does without.
        cards = machine.gpus() if here and "gpu" in scale.resources else []
        outcomes = {name: each.result() for name, each in asked.items()}
    found = [f"{name}: {text}" for name, text in outcomes.items() if isinstance(text, str)]
    download = sum(size for size in outcomes.values() if isinstance(size, int))
    known = [run for run in trained if _has_sizes(run)]
    found += lack_of_space(known, len(steps), jobs, download)
    if here and cards is not None:
        found += lack_of_memory(known, jobs, cards)
    return found


def _all_steps(records: Iterable[Record]) -> dict[Record, None]:
    """Records and all that they are made from, whether they exist or not."""
    found: dict[Record, None] = {}
    for record in records:
        found |= _all_steps(record.needs()) | {record: None}
    return found


def _outcome(check: Check) -> int | str:
    """The bytes to be downloaded, or what is wrong, as one line."""
    try:
        return check()
    except PROBLEMS as error:
        return " ".join(str(error).split()) or type(error).__name__


def _has_sizes(run: Run) -> bool:
    """Whether the sizes of a run's model are known; the check of the model says if not."""
    try:
        run.scale.shape(run.model)
    except PROBLEMS:
        return False
    return True


def _title(run: Run) -> str:
    return MODELS[run.model].title


def _sources(scale: Scale, steps: Sequence[Record]) -> dict[str, Check]:
    """A check of each model, set and judge that some steps use, by its name for readers."""
    found: dict[str, Check] = {}
    for step in steps:
        for needed in USES[step.kind](step):
            found |= needed
    return found


def _model(step: Record) -> Mapping[str, Check]:
    run = step.run

    def check() -> int:
        download = check_model(run.scale.source(run.model), run.model)
        run.scale.shape(run.model)  # Raises what is not known of it.
        return download

    return {_title(run): check}


def _rows(run: Run, dataset: InstructionSet) -> Mapping[str, Check]:
    return run.scale.checks("rows", dataset)


def _training(step: Record) -> list[Mapping[str, Check]]:
    run = step.run
    return [
        _model(step),
        _rows(run, run.dataset),
        _rows(run, run.scale.other(run.dataset)),
        {"REPORT_TO": _reporter},
    ]


def _reporter() -> int:
    asked_reporter()
    return 0


def _two_sets(step: Record) -> list[Mapping[str, Check]]:
    run = step.run
    return [_rows(run, run.dataset), _rows(run, run.scale.other(run.dataset))]


def _prompts(step: Record) -> list[Mapping[str, Check]]:
    if CONDITIONS[step.condition].split == "train":
        return [_rows(step.run, step.run.dataset)]
    return [step.run.scale.checks("references", step.run.dataset)]


def _judge(step: Record) -> list[Mapping[str, Check]]:
    def check() -> int:
        folder = step.run.scale.judge(step.judge)
        if api_model(folder):
            within(LIMIT, partial(check_judge, folder))
        check_fitted_to(folder)
        return 0

    title = JUDGES[step.judge].title if step.judge in JUDGES else step.judge
    return [{f"the judge {title}": check}]


USES: dict[str, Callable[[Record], list[Mapping[str, Check]]]] = {
    "checkpoint": _training,
    "log": _training,
    "settings": _training,
    "responses": _prompts,
    "verdicts": lambda step: [*_prompts(step), *_judge(step)],
    "head_to_head": _judge,
    "losses": _two_sets,
    "leaderboard": lambda step: [step.run.scale.checks("leaderboard", step.run.dataset)],
    "spectrum": lambda step: [],
    "flips": lambda step: [_model(step), _rows(step.run, ALPACA)],
    "dose": lambda step: [_model(step), _rows(step.run, step.run.dataset)],
}
"""By kind of record, what making it (`jobs.py`) takes from outside besides other records."""
