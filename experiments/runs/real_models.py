"""The study of real models: what the scale `small` trains, fixed before any of it was trained.

    rates = chosen_rates(SMALL)                          # by held-out loss, without noise
    arms(SMALL, "llama-2-7b", ALPACA, rates["llama-2-7b"], seeds=3)

Each model has its own learning rate, chosen on Alpaca and used for every set. One alpha is another
treatment for each model, so beside the paper's three there is the alpha at which a model's KL at
the start equals the other model's at alpha 5 (results/dose/dose.md), and Gaussian noise of the
variance of a dose that both can bear.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from experiments.roles.instruction_sets import ALPACA, InstructionSet
from experiments.runs.record import Record
from experiments.runs.rivals import equal_variance
from experiments.runs.run import Run
from experiments.scales.scale import Scale
from neftune.distributions import Noise

BASE, CHAT = "llama-2-7b", "llama-2-chat-7b"
"""The roles that gemma-3-270m and SmolLM2-135M-Instruct play."""
RATES = (5e-5, 1e-4, 2e-4)
"""Learning rates that are tried, around the paper's."""
EQUAL_DOSE = {BASE: 1.3, CHAT: 18.0}
"""The alpha at which a model has the KL that the other one has at alpha 5."""
GAUSSIAN = {BASE: 5.0, CHAT: 15.0}
"""The alpha whose variance the Gaussian noise has: KL .12 and .065, the nearest of the grid."""
SEED = 0


def rate_trials(scale: Scale, model: str) -> dict[float, Run]:
    """The runs by which a model's learning rate is chosen; the chosen one is a run of the study."""
    return {
        rate: Run(scale, model, ALPACA, Noise(0), scale.recipe(model, ALPACA, lr=rate), SEED)
        for rate in RATES
    }


def chosen_rate(trials: Mapping[float, Run]) -> float:
    """The learning rate with the lowest loss on held-out rows after the last epoch."""
    losses = {
        rate: float(np.mean(Record(run, "losses").read()["validation"]))
        for rate, run in trials.items()
    }
    return min(losses, key=lambda rate: (losses[rate], rate))


def arms(
    scale: Scale, model: str, dataset: InstructionSet, rate: float, seeds: int
) -> dict[str, tuple[Run, ...]]:
    """The runs of a model on a set, by the titles of their rows.

    Args:
        scale: `SMALL`.
        model: the role of the base model.
        dataset: the instruction set; on others than Alpaca there are two arms.
        rate: the model's learning rate.
        seeds: how many.
    """
    noises = {"no noise": Noise(0), "alpha 10": Noise(10)}
    if dataset == ALPACA:
        noises = {
            "no noise": Noise(0),
            **{f"alpha {alpha:g}": Noise(alpha) for alpha in (5.0, 10.0, 15.0)},
            f"alpha {EQUAL_DOSE[model]:g}": Noise(EQUAL_DOSE[model]),
            f"Gaussian, variance of {GAUSSIAN[model]:g}": equal_variance(GAUSSIAN[model]),
        }
    recipe = scale.recipe(model, dataset, lr=rate)
    return {
        title: tuple(Run(scale, model, dataset, noise, recipe, seed) for seed in range(seeds))
        for title, noise in noises.items()
    }
