"""How learning rates and alphas were chosen: on validation instructions, equally for both arms.

    selection = load_selection(NANO)
    selection.alpha["llama-2-7b/alpaca"].value           # and .trials, every value that was tried

    make selection                                       # makes the choices that are missing

As in the paper, alpha is the best of 5, 10 and 15 by the ChatGPT judge; unlike in the paper, the
judge sees validation instructions and not those of the tables. The baseline has as many trials: for
each instruction set the learning rate is the best of three for LLaMA-2 7B, and every other row and
model uses it. So two rows of a table differ in the noise alone. QLoRA's learning rate and FreeLB's
strength have three trials each as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.intervals import win_rate
from experiments.paths import RENDERED, RESULTS
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
from neftune.training.recipe import FreeLB

SEED = 0
MODEL = "llama-2-7b"
SETS = tuple(INSTRUCTION_SETS.values())
QLORA_SETS = (ALPACA, EVOL_INSTRUCT)
FREELB_STRENGTHS = (1.0, 3.0, 10.0)
FREELB_PAIR = ("llama-1-7b", EVOL_INSTRUCT)


@dataclass(frozen=True)
class Trial:
    """One tried value and the win rate it had on validation instructions."""

    value: float
    win_rate: float


@dataclass(frozen=True)
class Choice:
    """The value that was chosen, and from what."""

    value: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Selection:
    """Every choice.

    Args:
        lr: by instruction set.
        alpha: by "model/instruction set".
        qlora_lr: by instruction set.
        freelb: the strength of the adversary (`freelb`).
    """

    lr: Mapping[str, Choice]
    alpha: Mapping[str, Choice]
    qlora_lr: Mapping[str, Choice]
    freelb: Choice


def alpha_name(model: str, dataset: InstructionSet) -> str:
    """The name of a pair in `Selection.alpha`."""
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
            alpha_name(model, EVOL_INSTRUCT): Choice(alpha, ())
            for model, alpha in TABLE_9_ALPHA.items()
        },
    },
    qlora_lr={dataset.role: Choice(2e-4, ()) for dataset in QLORA_SETS},
    freelb=Choice(1.0, ()),
)
"""The paper's own choices, which the real scales use; QLoRA's is its authors' default.

Where Tables 7 and 8 give two alphas for the same pair (LLaMA-2 7B on ShareGPT: 10 and 15), that of
Table 7 is used. The paper does not give what it chose for FreeLB; 1 is of the order of its authors'
values.
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
    own, shipped = (folder / scale.name / "selection.json" for folder in (RENDERED, RESULTS))
    return own if own.exists() else shipped


def load_selection(scale: Scale) -> Selection:
    """Read the recorded choices; without any, a real scale takes the paper's.

    Raises:
        FileNotFoundError: nothing was chosen yet at this scale.
    """
    path = selection_file(scale)
    if not path.exists() and scale.published_choices:
        return PUBLISHED
    if not path.exists():
        raise FileNotFoundError(f"{path}: no selection yet; make it with `make selection`")
    record = json.loads(path.read_text())

    def choice(found: Mapping[str, object]) -> Choice:
        trials = found["trials"]
        assert isinstance(trials, list)
        return Choice(float(str(found["value"])), tuple(Trial(**trial) for trial in trials))

    return Selection(
        **{
            name: {key: choice(found) for key, found in record[name].items()}
            for name in ("lr", "alpha", "qlora_lr")
        },
        freelb=choice(record["freelb"]),
    )


def select(scale: Scale, jobs: int | None) -> Selection:
    """Tune learning rates, then the rest, and record every choice with its trials.

    A choice that is recorded is kept, and its trials are not run again. The record is written to
    `runs/results/<scale>/selection.json`; delete it to return to the project's choices.
    """
    kept = _by_name(load_selection(scale)) if selection_file(scale).exists() else {}

    def trial(model: str, dataset: InstructionSet, noise: Noise, **settings: Any) -> Run:
        return Run(scale, model, dataset, noise, scale.recipe(model, dataset, **settings), SEED)

    lr_runs = {
        (("lr", d.role), lr): trial(MODEL, d, Noise(0), lr=lr) for d in SETS for lr in scale.lr_grid
    }
    chosen = _choose(lr_runs, kept, jobs)
    lr = {d: chosen["lr", d.role].value for d in SETS}
    model, dataset = FREELB_PAIR
    runs = {
        **{
            (("alpha", alpha_name(m, d)), alpha): trial(m, d, Noise(alpha), selected_lr=lr[d])
            for m, d in alpha_pairs(scale)
            for alpha in ALPHA_GRID
        },
        **{
            (("qlora_lr", d.role), rate): trial(
                MODEL, d, Noise(0), adapter="qlora", epochs=1, lr=rate
            )
            for d in QLORA_SETS
            for rate in scale.qlora_lr_grid
        },
        **{
            (("freelb", ""), strength): trial(
                model, dataset, Noise(0), selected_lr=lr[dataset], freelb=freelb(strength)
            )
            for strength in FREELB_STRENGTHS
        },
    }
    chosen |= _choose(runs, kept, jobs)

    def part(kind: str) -> dict[str, Choice]:
        return {name: choice for (each, name), choice in chosen.items() if each == kind}

    selection = Selection(part("lr"), part("alpha"), part("qlora_lr"), chosen["freelb", ""])
    path = RENDERED / scale.name / "selection.json"
    write_atomic(path, json.dumps(asdict(selection), indent=1) + "\n")
    every = [*lr_runs.values(), *runs.values()]
    write_provenance(path.with_name("selection.provenance.json"), "make selection", [SEED], every)
    return selection


ChoiceName = tuple[str, str]
"""The kind of a choice, and what it is for."""


def _by_name(selection: Selection) -> dict[ChoiceName, Choice]:
    """Every recorded choice under the name that `select` gives it."""
    kinds = {"lr": selection.lr, "alpha": selection.alpha, "qlora_lr": selection.qlora_lr}
    named = {(kind, name): c for kind, every in kinds.items() for name, c in every.items()}
    return named | {("freelb", ""): selection.freelb}


def _choose(
    runs: Mapping[tuple[ChoiceName, float], Run],
    kept: Mapping[ChoiceName, Choice],
    jobs: int | None,
) -> dict[ChoiceName, Choice]:
    """For each name the choice that is recorded, or the value whose run has the best win rate.

    On a tie the smallest value is chosen.
    """
    tried = {
        (name, value): Record(run, "verdicts", "validation", "chatgpt")
        for (name, value), run in runs.items()
        if name not in kept
    }
    produce(list(tried.values()), jobs)
    trials: dict[ChoiceName, list[Trial]] = {}
    for (name, value), record in tried.items():
        trials.setdefault(name, []).append(Trial(value, win_rate(record.read()).value))
    best = {
        name: Choice(max(each, key=lambda t: (t.win_rate, -t.value)).value, tuple(each))
        for name, each in trials.items()
    }
    return {name: best.get(name) or kept[name] for name, _ in runs}
