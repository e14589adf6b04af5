"""The study of real models: what the scale `small` trains, fixed before any of it was trained.

    make selection SCALE=small                           # each model's learning rate

    study = Study(SMALL, seeds=3, selection=load_selection(SMALL))
    arms(study, "llama-2-7b")                            # on Alpaca, the paper's alphas
    treatments(study, "llama-2-7b")                      # and other noises, one seed

Each model has its own learning rate, chosen on Alpaca and used for every set. One alpha is another
treatment for each model, so beside the paper's three there is the alpha at which a model's KL at
the start equals the other model's at alpha 5 (results/dose/dose.md), and Gaussian noise of the
variance of a dose that both can bear.
"""

from __future__ import annotations

from dataclasses import replace

from experiments.published import ALPHA_GRID
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, SHAREGPT
from experiments.runs.rivals import equal_variance
from experiments.runs.run import Run
from experiments.runs.selection import (
    BY_HELD_OUT_LOSS,
    Choice,
    Selection,
    Trials,
    choose,
    pair_name,
    record_choices,
    recorded_choices,
    selection_of,
)
from experiments.runs.study import Runs, Study
from experiments.scales.scale import Scale
from neftune.distributions import Noise

BASE, CHAT = "llama-2-7b", "llama-2-chat-7b"
"""The roles that gemma-3-270m and SmolLM2-135M-Instruct play."""
REAL_MODELS = (BASE, CHAT)
OTHER_SETS = (EVOL_INSTRUCT, SHAREGPT)
AS_ON_ALPACA = "the same as on Alpaca"
EQUAL_DOSE = {BASE: 1.3, CHAT: 18.0}
"""The alpha at which a model has the KL that the other one has at alpha 5."""
GAUSSIAN = {BASE: 5.0, CHAT: 15.0}
"""The alpha whose variance the Gaussian noise has: KL .12 and .065, the nearest of the grid."""
NO_NOISE = "no noise"
NOT_TUNED = "not tuned"
INTERPOLATED = 0.7
"""The share of the way from the base model's weights, one of those of the laboratory's rival."""
SEED = 0


def rate_trials(scale: Scale) -> Trials:
    """The runs by which learning rates are chosen; the chosen ones are runs of the study."""
    return {
        ("lr", pair_name(model, ALPACA)): {
            rate: Run(scale, model, ALPACA, Noise(0), scale.recipe(model, ALPACA, lr=rate), SEED)
            for rate in scale.lr_grid
        }
        for model in REAL_MODELS
    }


def select_real(scale: Scale, jobs: int | None) -> Selection:
    """Choose each model's learning rate, by its loss on held-out rows of Alpaca, and record it.

    Args:
        scale: `SMALL`.
        jobs: trainings at a time; by default one a core.
    """
    trials = rate_trials(scale)
    chosen = choose(trials, BY_HELD_OUT_LOSS, recorded_choices(scale), jobs)
    for model in REAL_MODELS:
        rate = chosen["lr", pair_name(model, ALPACA)].value
        for dataset in OTHER_SETS:
            chosen["lr", pair_name(model, dataset)] = Choice(rate, (), AS_ON_ALPACA)
    record_choices(scale, chosen, trials)
    return selection_of(chosen)


def paper_noises() -> dict[str, Noise]:
    """No noise and the paper's alphas, by the titles of their rows."""
    return {
        NO_NOISE: Noise(0),
        **{f"alpha {alpha:g}": Noise(alpha) for alpha in ALPHA_GRID},
    }


def other_noises(model: str) -> dict[str, Noise]:
    """The noises that tell apart what a change is due to, by the titles of their rows."""
    equal, gaussian = EQUAL_DOSE[model], GAUSSIAN[model]
    return {
        f"alpha {equal:g}": Noise(equal),
        f"Gaussian, variance of {gaussian:g}": equal_variance(gaussian),
    }


def not_tuned(study: Study, model: str) -> Runs:
    """A model as it is, in Alpaca's prompt format; nothing of it depends on the seed."""
    return study.baseline(ALPACA, model=model, epochs=0)[:1] * study.seeds


def arms(study: Study, model: str) -> dict[str, Runs]:
    """The runs of a model on Alpaca with the paper's alphas, by the titles of their rows.

    The last rows cost no training: the one without noise, stopped early or interpolated with the
    base model.
    """
    base = study.baseline(ALPACA, model=model)
    return {
        **{title: study.noisy(ALPACA, n, model=model) for title, n in paper_noises().items()},
        **{
            f"no noise, stopped after epoch {epoch}": tuple(
                replace(run, stopped=epoch) for run in base
            )
            for epoch in (1, 2)
        },
        f"no noise, {INTERPOLATED:.0%} of the way": tuple(
            replace(run, interpolation=INTERPOLATED) for run in base
        ),
    }


def treatments(study: Study, model: str) -> dict[str, Runs]:
    """The runs of a model on Alpaca with every noise, by the titles of their rows."""
    every = paper_noises() | other_noises(model)
    return {title: study.noisy(ALPACA, n, model=model) for title, n in every.items()}
