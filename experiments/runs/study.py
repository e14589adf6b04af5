"""The runs that tables ask for at one scale: by instruction set, model, noise and seed.

study = Study(NANO, seeds=3, selection=load_selection(NANO))
study.baseline(ALPACA)                               # the run without noise, under three seeds
study.neft(ALPACA, model="llama-1-7b")               # with the alpha chosen for this pair
study.arms(ALPACA)                                   # both, by the titles of their rows
study.noisy(ALPACA, Noise(5, "gaussian"))            # with any noise
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from experiments.names import look_up
from experiments.roles.instruction_sets import InstructionSet
from experiments.runs.run import Run
from experiments.runs.selection import MODEL, Choice, Selection, freelb, pair_name
from experiments.scales.scale import Adapter, Scale
from neftune.distributions import Noise
from neftune.training.recipe import Recipe

Runs = tuple[Run, ...]
"""The same fine-tuning under several seeds, in their order."""

BASELINE, NEFT = "baseline", "+NEFT"
"""The titles of the two arms."""


@dataclass(frozen=True)
class Study:
    """A scale, how many seeds, and the hyperparameters that were chosen before.

    Args:
        scale: what stands in for the paper's models, sets and judges.
        seeds: how many; they are 0, 1, ….
        selection: learning rates and alphas.
    """

    scale: Scale
    seeds: int
    selection: Selection

    def with_alpha(self, alpha: float) -> Study:
        """The same study with one alpha everywhere, in place of the chosen ones."""
        fixed = {name: Choice(alpha, ()) for name in self.selection.alpha}
        return replace(self, selection=replace(self.selection, alpha=fixed))

    def with_seeds(self, most: int) -> Study:
        """The same study with at most so many seeds."""
        return replace(self, seeds=min(most, self.seeds))

    def recipe(
        self, dataset: InstructionSet, model: str, adapter: Adapter = "none", **changes: Any
    ) -> Recipe:
        """The hyperparameters of a fine-tuning, with the learning rate chosen for its set.

        Where each model has its own, it is that of the model and the set.
        """
        rates = self.selection.qlora_lr if adapter == "qlora" else self.selection.lr
        pair = pair_name(model, dataset)
        name = pair if pair in rates else dataset.role
        rate = look_up("selected learning rate", name, rates).value
        return self.scale.recipe(model, dataset, adapter=adapter, selected_lr=rate, **changes)

    def noisy(
        self, dataset: InstructionSet, noise: Noise, *, model: str = MODEL, **changes: Any
    ) -> Runs:
        """One fine-tuning with a given noise, under every seed.

        Args:
            dataset: the instruction set.
            noise: what is added to the embeddings.
            model: the role of the base model.
            changes: `adapter`, or fields of `Recipe`.
        """
        recipe = self.recipe(dataset, model, **changes)
        return tuple(
            Run(self.scale, model, dataset, noise, recipe, seed) for seed in range(self.seeds)
        )

    def baseline(self, dataset: InstructionSet, *, model: str = MODEL, **changes: Any) -> Runs:
        """One fine-tuning without noise."""
        return self.noisy(dataset, Noise(0), model=model, **changes)

    def interpolated(self, dataset: InstructionSet, share: float) -> Runs:
        """The weights of LLaMA-2 7B at a share of the way to those tuned without noise."""
        return tuple(replace(run, interpolation=share) for run in self.baseline(dataset))

    def alpha(self, dataset: InstructionSet, model: str = MODEL) -> float:
        """The alpha chosen for a model and an instruction set."""
        name = pair_name(model, dataset)
        return look_up("selected alpha", name, self.selection.alpha).value

    def neft(self, dataset: InstructionSet, *, model: str = MODEL, **changes: Any) -> Runs:
        """One fine-tuning with the chosen alpha."""
        return self.noisy(dataset, Noise(self.alpha(dataset, model)), model=model, **changes)

    def arms(
        self, dataset: InstructionSet, *, model: str = MODEL, **changes: Any
    ) -> dict[str, Runs]:
        """The two arms of most tables, by the titles of their rows."""
        return {
            BASELINE: self.baseline(dataset, model=model, **changes),
            NEFT: self.neft(dataset, model=model, **changes),
        }

    def freelb(self, dataset: InstructionSet, *, model: str) -> Runs:
        """Adversarial training of the chosen strength, in place of noise."""
        strength = self.selection.freelb
        if strength is None:
            raise ValueError("no strength of FreeLB was chosen; choose it with `make selection`")
        adversary = freelb(strength.value)
        return self.noisy(dataset, Noise(0), model=model, freelb=adversary)
