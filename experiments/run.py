"""A run: one fine-tuning, as frozen data. The hash of its content names its folder.

    run = Run("nano", "llama-2-7b", "alpaca", Noise(alpha=5), NANO.recipe, seed=0)
    run.folder                                           # runs/nano/3f2a…

Two tables that need the same run share it. The hash covers the spec, the weights of the base model
and the training rows: when one of them changes, it is another run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.scale import SCALES, Scale
from neftune.files import write_whole
from neftune.spec import FreeLB, Noise, Recipe

RUNS = Path("runs")
LATER_FIELDS = ("schedule", "adapter_dropout")
"""Of the recipe, added when there were runs: left out of keys at their defaults, which they had."""


class UnknownNameError(ValueError):
    """A scale, model, data set or judge that does not exist; the message lists those that do."""


def known(what: str, name: str, names: Mapping[str, Any]) -> Any:
    """Look a name up, with an error that lists the right ones."""
    if name not in names:
        raise UnknownNameError(f"unknown {what} {name!r}; known: {', '.join(sorted(names))}")
    return names[name]


@dataclass(frozen=True)
class Run:
    """One fine-tuning.

    Args:
        scale: the name of the scale.
        model: the role of the base model.
        dataset: the role of the instruction set.
        noise: what is added to the embeddings while training.
        recipe: hyperparameters.
        seed: of data order and noise.

    Raises:
        UnknownNameError: the scale has no such model or data set.
    """

    scale: str
    model: str
    dataset: str
    noise: Noise
    recipe: Recipe
    seed: int

    def __post_init__(self) -> None:
        known("model", self.model, self.at.models)
        known("data set", self.dataset, self.at.prompts)

    @property
    def at(self) -> Scale:
        """The scale itself."""
        scale: Scale = known("scale", self.scale, SCALES)
        return scale

    @cached_property
    def key(self) -> str:
        """The content hash: 16 hexadecimal digits."""
        spec = asdict(self)
        for field in LATER_FIELDS:
            if spec["recipe"][field] == getattr(Recipe, field):
                del spec["recipe"][field]
        content = {
            "spec": spec,
            "base": self.at.base_identity(self.model),
            "rows": self.at.rows_identity(self.dataset),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where the run's records lie."""
        return RUNS / self.scale / self.key

    def with_noise(self, alpha: float) -> Run:
        """The same run with another alpha."""
        return replace(self, noise=replace(self.noise, alpha=alpha))

    def write_spec(self) -> Path:
        """Put `spec.json` into the folder, so that a job can be told by its folder alone."""
        path = self.folder / "spec.json"
        if not path.exists():
            write_whole(path, json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")
        return path


def read_spec(folder: Path) -> Run:
    """The run whose `spec.json` lies in a folder."""
    spec = json.loads((folder / "spec.json").read_text())
    noise, recipe = Noise(**spec.pop("noise")), spec.pop("recipe")
    recipe["frozen"] = tuple(recipe["frozen"])
    if recipe["freelb"] is not None:
        recipe["freelb"] = FreeLB(**recipe["freelb"])
    return Run(noise=noise, recipe=Recipe(**recipe), **spec)
