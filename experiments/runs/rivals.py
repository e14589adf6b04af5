"""The noise, its rivals and its variants: what else keeps a training from fitting its rows.

    for rival in RIVALS.values():
        rival.title, rival.settings(study, ALPACA)       # "fewer epochs", {"2": runs, "1": runs}

Rivals are other ways of tuning less; variants are Gaussian noise and noise on a part of the tokens.
Each starts from the usual training without noise, and its settings depart from it more and more.
All have three settings, as many as alpha has, so that the best of each was chosen from as many
trials; fewer epochs have two, since there is no third whole number below three.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.published import ALPHA_GRID
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, InstructionSet
from experiments.runs.selection import MODEL
from experiments.runs.study import Runs, Study
from neftune.distributions import DISTRIBUTIONS, Noise

SETS = (ALPACA, EVOL_INSTRUCT)
"""The instruction sets that rivals are compared on."""
SHARES = (0.05, 0.1, 0.2)
"""Of dropout and of label smoothing, around the usual 0.1."""
DECAYS = (1.0, 5.0, 25.0)
"""Weight decay of AdamW, which takes lr times this from each weight in a step. Over a training of
48 steps that is about 1%, 5% and 21% at Alpaca's learning rate, and 0.4%, 2% and 9% at that of
Evol-Instruct."""
INTERPOLATIONS = (0.85, 0.7, 0.5)
HALVINGS = (1, 2, 3)
BASELINE_SETTING = "no noise"

Settings = Mapping[str, Runs]


@dataclass(frozen=True)
class Rival:
    """A way of tuning less.

    Args:
        title: for readers.
        settings: by title, the runs of each setting on an instruction set.
        what: one sentence for readers.
    """

    title: str
    settings: Callable[[Study, InstructionSet], Settings]
    what: str


def _of_noise(make: Callable[[float], Noise]) -> Callable[[Study, InstructionSet], Settings]:
    return lambda study, dataset: {
        f"alpha {alpha:g}": study.noisy(dataset, make(alpha)) for alpha in ALPHA_GRID
    }


def _of_recipe(name: str, *values: float) -> Callable[[Study, InstructionSet], Settings]:
    def settings(study: Study, dataset: InstructionSet) -> Settings:
        changes: list[dict[str, Any]] = [{name: value} for value in values]
        return {
            f"{v:g}": study.baseline(dataset, **c) for v, c in zip(values, changes, strict=True)
        }

    return settings


def _fewer_epochs(study: Study, dataset: InstructionSet) -> Settings:
    full = study.recipe(dataset, MODEL).epochs
    return {f"{n}": study.baseline(dataset, epochs=n) for n in range(full - 1, 0, -1)}


def _lower_rates(study: Study, dataset: InstructionSet) -> Settings:
    rate = study.recipe(dataset, MODEL).lr
    return {f"1/{2**n}": study.baseline(dataset, lr=rate / 2**n) for n in HALVINGS}


def _interpolated(study: Study, dataset: InstructionSet) -> Settings:
    return {f"{share:g}": study.interpolated(dataset, share) for share in INTERPOLATIONS}


def equal_variance(alpha: float) -> Noise:
    """Gaussian noise of the variance that uniform noise of this alpha has."""
    uniform, gaussian = (DISTRIBUTIONS[name].variance for name in ("uniform", "gaussian"))
    return Noise(alpha * math.sqrt(uniform / gaussian), "gaussian")


NOISE = "noise"

RIVALS: Mapping[str, Rival] = {
    NOISE: Rival("noise (NEFTune)", _of_noise(Noise), "the paper's noise"),
    "epochs": Rival("fewer epochs", _fewer_epochs, "epochs, in place of three"),
    "rates": Rival("lower learning rate", _lower_rates, "shares of the chosen learning rate"),
    "interpolation": Rival(
        "interpolation with the base",
        _interpolated,
        "weights at a share of the way from the base model's to the tuned ones; nothing is trained",
    ),
    "dropout": Rival("dropout", _of_recipe("dropout", *SHARES), "residual dropout"),
    "smoothing": Rival(
        "label smoothing", _of_recipe("label_smoothing", *SHARES), "a share of each label is spread"
    ),
    "decay": Rival("weight decay", _of_recipe("weight_decay", *DECAYS), "AdamW's weight decay"),
    "penalty": Rival(
        "second-order penalty",
        _of_recipe("penalty", *ALPHA_GRID),
        "half the noise's variance times the trace of the Hessian, added to the loss; by alpha",
    ),
    "gaussian": Rival(
        "Gaussian, equal variance", _of_noise(equal_variance), "by the alpha of uniform noise"
    ),
    "prompt": Rival(
        "noise on prompts", _of_noise(lambda a: Noise(a, tokens="prompt")), "on their tokens alone"
    ),
    "response": Rival(
        "noise on responses",
        _of_noise(lambda a: Noise(a, tokens="response")),
        "on their tokens alone",
    ),
}
"""The noise itself, then its rivals."""
