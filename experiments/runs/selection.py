"""How learning rates and alphas were chosen: on held-out rows and validation instructions.

    selection = load_selection(NANO)
    selection.lr["alpaca"].value                         # and .trials, every value that was tried
    selection.alpha["llama-2-7b/alpaca"].value

    make selection                                       # makes the choices that are missing
    select_rates(NANO, jobs=2)                           # the part that trains without noise alone

For each instruction set, the learning rate is the one with which the baseline of LLaMA-2 7B has the
lowest loss on held-out rows of the same set; every other row and model uses it, so two rows of a
table differ in the noise alone. QLoRA's is chosen in the same way. Alphas come afterwards. As in
the paper, alpha is the best of 5, 10 and 15 by a judge, here the one in GPT-4's role; unlike in the
paper, the judge sees validation instructions and not those of the tables. FreeLB's strength is
chosen in the same way as alpha.

A choice names the records of its trials. The name of a record has a hash of the base model, the
rows, the recipe and the judge, so a choice whose trials would now be other ones is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.intervals import win_rate
from experiments.paths import RENDERED, RUNS, own_or_shipped
from experiments.published import ALPHA_GRID, LEARNING_RATE, TABLE_7_ALPHA, TABLE_8, TABLE_9_ALPHA
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    INSTRUCTION_SETS,
    InstructionSet,
)
from experiments.roles.models import MODELS
from experiments.runs.provenance import write_provenance
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import produce
from experiments.scales.scale import Scale
from neftune.distributions import Noise
from neftune.training.files import write_atomic
from neftune.training.json_files import parse_json, read_text
from neftune.training.recipe import FreeLB

SEED = 0
MODEL = "llama-2-7b"
SETS = tuple(INSTRUCTION_SETS.values())
QLORA_SETS = (ALPACA, EVOL_INSTRUCT)
FREELB_STRENGTHS = (1.0, 3.0, 10.0)
FREELB_PAIR = ("llama-1-7b", EVOL_INSTRUCT)


HELD_OUT_LOSS = "loss on held-out rows, nats per token"
WIN_RATE = "win rate on validation instructions, %"
JUDGE = "gpt-4"
"""The role of the judge by whom alphas and FreeLB's strength are chosen."""


class SelectionError(ValueError):
    """A file of choices cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Trial:
    """One tried value.

    Args:
        value: what was tried.
        measured: what `Choice.by` says.
        record: what it was measured on: the path of a record below the scale's runs.
    """

    value: float
    measured: float
    record: str


@dataclass(frozen=True)
class Choice:
    """The value that was chosen, and from what.

    Args:
        value: the chosen one.
        trials: every value that was tried; none for a choice of the paper's.
        by: what was measured.
    """

    value: float
    trials: tuple[Trial, ...] = ()
    by: str = ""

    @property
    def steps_from_edge(self) -> int:
        """How many tried values lie beyond the chosen one, on the side with fewer; 0 at an edge.

        At an edge of the grid a value that was not tried may be better.
        """
        tried = sorted(trial.value for trial in self.trials)
        place = tried.index(self.value)
        return min(place, len(tried) - 1 - place)


@dataclass(frozen=True)
class Selection:
    """Every choice.

    Args:
        lr: by instruction set; at the scale `small`, by "model/instruction set".
        qlora_lr: by instruction set.
        alpha: by "model/instruction set"; empty where only the learning rates were chosen.
        freelb: the strength of the adversary (`freelb`); None there.
    """

    lr: Mapping[str, Choice]
    qlora_lr: Mapping[str, Choice]
    alpha: Mapping[str, Choice] = field(default_factory=dict)
    freelb: Choice | None = None


def pair_name(model: str, dataset: InstructionSet) -> str:
    """The name of a pair in `Selection.alpha`, and in `Selection.lr` at the scale `small`."""
    return f"{model}/{dataset.role}"


PUBLISHED = Selection(
    lr={dataset.role: Choice(LEARNING_RATE, ()) for dataset in SETS},
    alpha={
        **{
            f"{model}/{role}": Choice(alpha, ())
            for model, alphas in TABLE_8.items()
            for role, alpha in alphas.items()
        },
        **{f"{MODEL}/{role}": Choice(alpha, ()) for role, alpha in TABLE_7_ALPHA.items()},
        **{
            pair_name(model, EVOL_INSTRUCT): Choice(alpha, ())
            for model, alpha in TABLE_9_ALPHA.items()
        },
        **{
            f"llama-2-chat-7b/{role}": Choice(TABLE_7_ALPHA[role], ())
            for role in ("alpaca", "sharegpt")
        },
    },
    qlora_lr={dataset.role: Choice(2e-4, ()) for dataset in QLORA_SETS},
    freelb=Choice(1.0, ()),
)
"""The paper's own choices, which the real scales use; QLoRA's is its authors' default.

LLaMA-2-Chat 7B is tuned on Evol-Instruct alone in the paper; on Alpaca and ShareGPT, which the
scale `small` adds, it has the alphas of LLaMA-2 7B. Where Tables 7 and 8 give two alphas for the
same pair (LLaMA-2 7B on ShareGPT: 10 and 15), that of Table 7 is used. The paper does not give what
it chose for FreeLB; 1 is of the order of its authors' values.
"""


def alpha_pairs(scale: Scale) -> list[tuple[str, InstructionSet]]:
    """The models and sets that an alpha is chosen for, as far as the scale has the models."""
    return [
        (model, INSTRUCTION_SETS[role]) for model in scale.models for role in MODELS[model].tuned_on
    ]


def freelb(strength: float) -> FreeLB:
    """The adversary of a strength: the size of its start, of its steps, and half of its radius."""
    return FreeLB(steps=2, magnitude=strength, step_size=strength, max_norm=2 * strength)


def selection_file(scale: Scale) -> Path:
    """Where the choices are recorded: your own where there are any, else the project's."""
    return own_or_shipped(f"{scale.name}/selection.json")


def load_selection(scale: Scale) -> Selection:
    """Read the recorded choices; without any, a real scale takes the paper's.

    Raises:
        FileNotFoundError: nothing was chosen yet at this scale.
        SelectionError: the file has learning rates only, or cannot be read as choices.
    """
    path = selection_file(scale)
    if not path.exists() and scale.published_choices:
        return PUBLISHED
    if not path.exists():
        where = "" if scale.name == "nano" else f" SCALE={scale.name}"
        raise FileNotFoundError(f"{path}: no selection yet; make it with `make selection{where}`")
    selection = selection_of(recorded_choices(scale))
    if scale.published_choices:
        return Selection(
            lr={**PUBLISHED.lr, **selection.lr},
            qlora_lr={**PUBLISHED.qlora_lr, **selection.qlora_lr},
            alpha={**PUBLISHED.alpha, **selection.alpha},
            freelb=selection.freelb or PUBLISHED.freelb,
        )
    if selection.freelb is None:
        raise SelectionError(
            f"{path}: has learning rates and no alphas; choose those with `make selection`"
        )
    return selection


def check_chosen(scale: Scale) -> None:
    """Refuse to train at a scale with several learning rates before one of them was chosen.

    Raises:
        SelectionError: none was chosen.
    """
    if scale.published_choices and len(scale.lr_grid) > 1 and not selection_file(scale).exists():
        raise SelectionError(
            f"{selection_file(scale)}: no learning rates were chosen yet; choose them with "
            f"`make selection SCALE={scale.name}`"
        )


ChoiceName = tuple[str, str]
"""The kind of a choice, and what it is for."""
Choices = Mapping[ChoiceName, Choice]
Trials = Mapping[ChoiceName, Mapping[float, Run]]
"""For each choice the run of every value that is tried."""
RATES = ("lr", "qlora_lr")
FREELB = ("freelb", "")


@dataclass(frozen=True)
class _Measure:
    """What a choice is made by.

    Args:
        title: `Choice.by`.
        record: of a trial's run, the record that is read.
        value: the number of a trial.
        sign: 1 where the largest is best, -1 where the smallest is.
    """

    title: str
    record: Callable[[Run], Record]
    value: Callable[[Record], float]
    sign: int


BY_HELD_OUT_LOSS = _Measure(
    HELD_OUT_LOSS,
    lambda run: Record(run, "losses"),
    lambda record: float(np.mean(record.read()["validation"])),
    -1,
)
_BY_WIN_RATE = _Measure(
    WIN_RATE,
    lambda run: Record(run, "verdicts", "validation", JUDGE),
    lambda record: win_rate(record.read()).value,
    1,
)


def rate_trials(scale: Scale) -> Trials:
    """The runs by which learning rates are chosen, none of which has noise."""
    found: dict[ChoiceName, Mapping[float, Run]] = {
        ("lr", d.role): {rate: _trial(scale, MODEL, d, lr=rate) for rate in scale.lr_grid}
        for d in SETS
    }
    for d in QLORA_SETS:
        found["qlora_lr", d.role] = {
            rate: _trial(scale, MODEL, d, adapter="qlora", epochs=1, lr=rate)
            for rate in scale.qlora_lr_grid
        }
    return found


def noise_trials(scale: Scale, lr: Mapping[str, Choice]) -> Trials:
    """The runs by which alphas and FreeLB's strength are chosen.

    Args:
        scale: what stands in for the paper's models and sets.
        lr: the chosen learning rates, by instruction set.
    """
    found: dict[ChoiceName, Mapping[float, Run]] = {
        ("alpha", pair_name(model, d)): {
            alpha: _trial(scale, model, d, alpha, selected_lr=lr[d.role].value)
            for alpha in ALPHA_GRID
        }
        for model, d in alpha_pairs(scale)
    }
    model, d = FREELB_PAIR
    found[FREELB] = {
        strength: _trial(scale, model, d, selected_lr=lr[d.role].value, freelb=freelb(strength))
        for strength in FREELB_STRENGTHS
    }
    return found


def _trial(
    scale: Scale, model: str, dataset: InstructionSet, alpha: float = 0.0, **settings: Any
) -> Run:
    return Run(scale, model, dataset, Noise(alpha), scale.recipe(model, dataset, **settings), SEED)


def select_rates(scale: Scale, jobs: int | None) -> Selection:
    """Choose the learning rates, from trainings without noise alone, and record them.

    What was chosen from the same trials before is kept, and what was chosen after them, too.

    Args:
        scale: what stands in for the paper's models and sets.
        jobs: trainings at a time; by default one a core.

    Returns:
        The learning rates, without the choices that need noise.

    Raises:
        SelectionError: the recorded choices cannot be read.
    """
    recorded = recorded_choices(scale)
    trials = rate_trials(scale)
    rates = choose(trials, BY_HELD_OUT_LOSS, recorded, jobs)
    later = noise_trials(scale, selection_of(rates).lr)
    still = {name: c for name, c in recorded.items() if _is_of(c, later.get(name), _BY_WIN_RATE)}
    record_choices(scale, rates | still, trials)
    return selection_of(rates)


def select(scale: Scale, jobs: int | None) -> Selection:
    """Choose the learning rates, then the rest, and record every choice with its trials.

    A choice that is recorded is kept as long as it was made from the same trials, and these are not
    run again. The record is written to `runs/results/<scale>/selection.json`; delete it to return
    to the project's choices.

    Args:
        scale: what stands in for the paper's models and sets.
        jobs: trainings at a time; by default one a core.

    Raises:
        SelectionError: the recorded choices cannot be read.
    """
    lr = select_rates(scale, jobs).lr
    recorded = recorded_choices(scale)
    trials = noise_trials(scale, lr)
    rates = {name: choice for name, choice in recorded.items() if name[0] in RATES}
    chosen = rates | choose(trials, _BY_WIN_RATE, recorded, jobs)
    record_choices(scale, chosen, {**rate_trials(scale), **trials})
    return selection_of(chosen)


def choose(
    trials: Trials, by: _Measure, recorded: Choices, jobs: int | None
) -> dict[ChoiceName, Choice]:
    """Each choice that was made from the same trials before, or else the best of its values.

    Of equally good values the smallest is chosen.

    Args:
        trials: the runs of every value.
        by: what the values are compared by.
        recorded: earlier choices.
        jobs: trainings at a time; by default one a core.
    """
    missing = {
        name: {value: by.record(run) for value, run in tried.items()}
        for name, tried in trials.items()
        if name not in recorded or not _is_of(recorded[name], tried, by)
    }
    produce([record for tried in missing.values() for record in tried.values()], jobs)
    found = {}
    for name, tried in missing.items():
        measured = tuple(
            Trial(value, by.value(record), _name(record)) for value, record in tried.items()
        )
        best = max(measured, key=lambda trial: (by.sign * trial.measured, -trial.value))
        found[name] = Choice(best.value, measured, by.title)
    return {name: found.get(name) or recorded[name] for name in trials}


def _is_of(choice: Choice, tried: Mapping[float, Run] | None, by: _Measure) -> bool:
    """Whether a recorded choice was made from these trials."""
    if tried is None or choice.by != by.title:
        return False
    wanted = {value: _name(by.record(run)) for value, run in tried.items()}
    return {trial.value: trial.record for trial in choice.trials} == wanted


def _name(record: Record) -> str:
    return record.path.relative_to(RUNS / record.run.scale.name).as_posix()


def selection_of(choices: Choices) -> Selection:
    """Choices by what they are for."""

    def part(kind: str) -> dict[str, Choice]:
        return {name: choice for (each, name), choice in choices.items() if each == kind}

    return Selection(part("lr"), part("qlora_lr"), part("alpha"), choices.get(FREELB))


def record_choices(scale: Scale, choices: Choices, trials: Trials) -> None:
    """Write choices to the user's own folder, where they are not the recorded ones already."""
    text = json.dumps(asdict(selection_of(choices)), indent=1) + "\n"
    recorded = selection_file(scale)
    if recorded.exists() and recorded.read_text() == text:
        return
    path = RENDERED / scale.name / "selection.json"
    write_atomic(path, text)
    runs = [run for tried in trials.values() for run in tried.values()]
    write_provenance(path.with_name("selection.provenance.json"), "make selection", [SEED], runs)


def recorded_choices(scale: Scale) -> dict[ChoiceName, Choice]:
    """Every recorded choice.

    Raises:
        FileError: the file cannot be read, or is not JSON.
        SelectionError: it is an earlier version's, or damaged.
    """
    path = selection_file(scale)
    if not path.exists():
        return {}
    found = parse_json(read_text(path), path)
    try:
        parts = {kind: found[kind] for kind in (*RATES, "alpha")}
        named = {(kind, name): c for kind, part in parts.items() for name, c in part.items()}
        if found["freelb"] is not None:
            named[FREELB] = found["freelb"]
        return {name: _choice(each) for name, each in named.items()}
    except (LookupError, TypeError, ValueError, AttributeError):
        raise SelectionError(
            f"{path}: are no choices in the present format, but an earlier version's, which chose "
            "learning rates by win rate, or damaged ones; remove it, and make `make selection`"
        ) from None


def _choice(found: Mapping[str, Any]) -> Choice:
    trials = tuple(
        Trial(float(each["value"]), float(each["measured"]), str(each["record"]))
        for each in found["trials"]
    )
    return Choice(float(found["value"]), trials, str(found["by"]))
