"""How learning rates and alphas were chosen: on validation instructions, equally for both arms.

    selection = load_selection(NANO)
    selection["llama-2-7b/alpaca"]                       # lr and alpha, with every trial

    make selection                                       # makes the choices that are missing

As in the paper, alpha is the best of 5, 10 and 15 by the judge in ChatGPT's role; but the judge
sees validation instructions, not those of the tables. The baseline gets three trials too: for each
instruction set the learning rate is the best of three for LLaMA-2 7B, and every other row and model
takes the one that suits this baseline. So two rows of a table differ in the noise alone, and each
had three trials. QLoRA's learning rate and FreeLB's strength had three trials as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from analysis.intervals import win_rate
from experiments.jobs import verdicts_file
from experiments.paper import ALPHA_GRID, TABLE_1_ALPHA, TABLE_2_ALPHA, TABLE_8_ALPHA
from experiments.provenance import write_provenance
from experiments.records import preferences
from experiments.run import Run
from experiments.scale import Scale
from experiments.workflow import produce
from neftune.files import write_whole
from neftune.spec import FreeLB, Noise

RESULTS = Path("results")
SEED = 0
MODEL = "llama-2-7b"
DATASETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")
SEVEN_B = ("llama-2-7b", "llama-1-7b", "opt-6.7b")
ALPHA_PAIRS = (
    *((model, dataset) for model in SEVEN_B for dataset in DATASETS),
    *((model, "evol-instruct") for model in ("llama-2-chat-7b", "llama-2-13b", "llama-2-70b")),
)

QLORA_DATASETS = ("alpaca", "evol-instruct")
QLORA_LR_GRID = (1e-3, 3e-3, 1e-2)
FREELB_STRENGTHS = (1.0, 3.0, 10.0)
FREELB_PAIR = ("llama-1-7b", "evol-instruct")


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


PUBLISHED = Selection(
    lr={dataset: Choice(5e-5, ()) for dataset in DATASETS},
    alpha={
        **{
            f"{model}/{dataset}": Choice(alpha, ())
            for model, alphas in TABLE_8_ALPHA.items()
            for dataset, alpha in alphas.items()
        },
        **{f"{MODEL}/{dataset}": Choice(alpha, ()) for dataset, alpha in TABLE_1_ALPHA.items()},
        **{f"{model}/evol-instruct": Choice(alpha, ()) for model, alpha in TABLE_2_ALPHA.items()},
    },
    qlora_lr={dataset: Choice(2e-4, ()) for dataset in QLORA_DATASETS},
    freelb=Choice(1.0, ()),
)
"""The paper's own choices, which the real scales take; QLoRA's is its authors' default.

Where Tables 1 and 8 give two alphas for the same pair (LLaMA-2 7B on ShareGPT: 10 and 15), Table
1's is taken. The paper does not say what it chose for FreeLB; 1 is of the order of its authors'.
"""


def alpha_pairs(scale: Scale) -> list[tuple[str, str]]:
    """The models and sets that an alpha is chosen for, as far as the scale has them."""
    return [(model, dataset) for model, dataset in ALPHA_PAIRS if model in scale.models]


def freelb(strength: float) -> FreeLB:
    """The adversary of a strength: the size of its start, of its steps, and half of its radius."""
    return FreeLB(steps=2, magnitude=strength, step_size=strength, max_norm=2 * strength)


def selection_file(scale: Scale) -> Path:
    """Where the choice is recorded."""
    return RESULTS / scale.name / "selection.json"


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

    A choice that is recorded stands, and its trials are not run again: delete the record to choose
    afresh.
    """
    path = selection_file(scale)
    stands = _by_name(load_selection(scale)) if path.exists() else {}
    plain = scale.recipe
    lr_runs = {
        (f"lr {d}", lr): Run(scale.name, MODEL, d, Noise(0), replace(plain, lr=lr), SEED)
        for d in DATASETS
        for lr in scale.lr_grid
    }
    chosen = _choose(lr_runs, stands, jobs)
    recipes = {d: replace(plain, lr=chosen[f"lr {d}"].value) for d in DATASETS}
    alpha_runs = {
        (f"alpha {model}/{d}", alpha): Run(scale.name, model, d, Noise(alpha), recipes[d], SEED)
        for model, d in alpha_pairs(scale)
        for alpha in ALPHA_GRID
    }
    qlora = replace(plain, adapter="qlora", epochs=1, **scale.qlora)
    qlora_runs = {
        (f"qlora_lr {d}", rate): Run(scale.name, MODEL, d, Noise(0), replace(qlora, lr=rate), SEED)
        for d in QLORA_DATASETS
        for rate in QLORA_LR_GRID
    }
    model, dataset = FREELB_PAIR
    freelb_runs = {
        ("freelb", s): Run(
            scale.name, model, dataset, Noise(0), replace(recipes[dataset], freelb=freelb(s)), SEED
        )
        for s in FREELB_STRENGTHS
    }
    chosen |= _choose({**alpha_runs, **qlora_runs, **freelb_runs}, stands, jobs)

    def part(name: str) -> dict[str, Choice]:
        return {k.removeprefix(name): c for k, c in chosen.items() if k.startswith(name)}

    selection = Selection(part("lr "), part("alpha "), part("qlora_lr "), chosen["freelb"])
    write_whole(path, json.dumps(asdict(selection), indent=1) + "\n")
    every = [*lr_runs.values(), *alpha_runs.values(), *qlora_runs.values(), *freelb_runs.values()]
    write_provenance(path.with_name("selection.provenance.json"), "make selection", [SEED], every)
    return selection


def _by_name(selection: Selection) -> dict[str, Choice]:
    """Every recorded choice under the name that `select` gives it."""
    kinds = {"lr": selection.lr, "alpha": selection.alpha, "qlora_lr": selection.qlora_lr}
    named = {f"{kind} {name}": c for kind, every in kinds.items() for name, c in every.items()}
    return {**named, "freelb": selection.freelb}


def _choose(
    runs: Mapping[tuple[str, float], Run], stands: Mapping[str, Choice], jobs: int | None
) -> dict[str, Choice]:
    """For each name the choice that stands, or the value whose run has the highest win rate.

    On a tie the smallest value is chosen.
    """
    tried = {(name, value): run for (name, value), run in runs.items() if name not in stands}
    produce(
        [verdicts_file(run.folder, "validation", "chatgpt") for run in tried.values()],
        tried.values(),
        jobs,
    )
    trials: dict[str, list[Trial]] = {}
    for (name, value), run in tried.items():
        rate = win_rate(preferences(run, "chatgpt", "validation")).value
        trials.setdefault(name, []).append(Trial(value, rate))
    best = {
        name: Choice(max(each, key=lambda t: (t.win_rate, -t.value)).value, tuple(each))
        for name, each in trials.items()
    }
    return {name: best.get(name) or stands[name] for name, _ in runs}
