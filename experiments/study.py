"""The runs of the paper at one scale: which rows its tables ask for, under which seeds.

study = Study(NANO, seeds=3, selection=load_selection(NANO))
study.baseline("alpaca")                             # the run without noise, under three seeds
study.neft("alpaca", model="llama-1-7b")             # with the alpha chosen for this pair
study.arms("alpaca")                                 # both, by their rows' titles
study.noisy("alpaca", Noise(5, "gaussian"))          # with any noise
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from experiments.measures import Runs
from experiments.run import Run
from experiments.scale import Scale
from experiments.selection import MODEL, Choice, Selection, freelb
from neftune.spec import Noise, Recipe


@dataclass(frozen=True)
class Study:
    """A scale, how many seeds, and the hyperparameters chosen before.

    Args:
        scale: what stands for the paper's models, sets and judges.
        seeds: 0 up to this number.
        selection: learning rates and alphas.
    """

    scale: Scale
    seeds: int
    selection: Selection

    def with_alpha(self, alpha: float) -> Study:
        """The same study with one alpha everywhere, in place of the chosen ones."""
        fixed = {name: Choice(alpha, ()) for name in self.selection.alpha}
        return replace(self, selection=replace(self.selection, alpha=fixed))

    def recipe(self, dataset: str, **changes: Any) -> Recipe:
        """The recipe of an instruction set, with its learning rate."""
        chosen = {"lr": self.selection.lr[dataset.removesuffix("-1024")].value}
        if changes.get("adapter") == "qlora":
            chosen = {"lr": self.selection.qlora_lr[dataset].value, **self.scale.qlora}
        return replace(self.scale.recipe, **(chosen | changes))

    def noisy(self, dataset: str, noise: Noise, *, model: str = MODEL, **changes: Any) -> Runs:
        """One fine-tuning with a given noise, under every seed."""
        own = self.scale.own_recipes.get((model, str(changes.get("adapter", "none"))), {})
        recipe = self.recipe(dataset, **{**own, **changes})
        return tuple(
            Run(self.scale.name, model, dataset, noise, recipe, seed) for seed in range(self.seeds)
        )

    def baseline(self, dataset: str, *, model: str = MODEL, **changes: Any) -> Runs:
        """One fine-tuning without noise."""
        return self.noisy(dataset, Noise(0), model=model, **changes)

    def alpha(self, dataset: str, model: str = MODEL) -> float:
        """The alpha chosen for a model and an instruction set."""
        return self.selection.alpha[f"{model}/{dataset.removesuffix('-1024')}"].value

    def neft(self, dataset: str, *, model: str = MODEL, **changes: Any) -> Runs:
        """One fine-tuning with the chosen alpha."""
        return self.noisy(dataset, Noise(self.alpha(dataset, model)), model=model, **changes)

    def arms(self, dataset: str, *, model: str = MODEL) -> dict[str, Runs]:
        """The two arms of most figures, by their rows' titles."""
        return {
            "baseline": self.baseline(dataset, model=model),
            "+NEFT": self.neft(dataset, model=model),
        }

    def freelb(self, dataset: str, *, model: str) -> Runs:
        """Adversarial training of the chosen strength, in place of noise."""
        adversary = freelb(self.selection.freelb.value)
        return self.noisy(dataset, Noise(0), model=model, freelb=adversary)
