"""A run: one fine-tuning, as frozen data. The hash of its content names its folder.

    run = Run(NANO, "llama-2-7b", ALPACA, Noise(5), NANO.recipe("llama-2-7b", ALPACA), seed=0)
    run.folder                                           # runs/nano/3f2a…

Tables that need the same run share it. The hash covers the settings, the base model, the training
rows, the set whose loss is logged beside them and the attention implementation: when one of them
changes, it is another run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.names import look_up
from experiments.paths import RUNS
from experiments.roles.instruction_sets import InstructionSet
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.distributions import Noise
from neftune.training.files import write_atomic
from neftune.training.recipe import FreeLB, Recipe


class RunError(RuntimeError):
    """A run's folder does not hold the run that its name says."""


@dataclass(frozen=True)
class Run:
    """One fine-tuning.

    Args:
        scale: what stands in for models and data.
        model: the role of the base model.
        dataset: the instruction set.
        noise: what is added to the embeddings while training.
        recipe: hyperparameters.
        seed: of data order and noise.
        interpolation: the share of the way from the base model's weights to the tuned ones that the
            run's weights lie at. Below 1 nothing is trained: they are made from those of the same
            run at 1.
        stopped: the epoch after which the training is stopped early; None after its last one. The
            weights are those that the whole training, with its schedule, had then, and nothing is
            trained.

    Raises:
        UnknownNameError: the scale has no such model.
        ValueError: the interpolation is not above 0 and at most 1, it is stopped after no epoch
            before the last, or both are asked for.
    """

    scale: Scale
    model: str
    dataset: InstructionSet
    noise: Noise
    recipe: Recipe
    seed: int
    interpolation: float = 1.0
    stopped: int | None = None

    def __post_init__(self) -> None:
        self.scale.stand_in(self.model)
        if not 0 < self.interpolation <= 1:
            raise ValueError(
                f"interpolation must be above 0 and at most 1, not {self.interpolation}"
            )
        if self.stopped is not None:
            if not 0 < self.stopped < self.recipe.epochs:
                raise ValueError(
                    f"stopped must be an epoch before the last of {self.recipe.epochs}, not "
                    f"{self.stopped}"
                )
            if self.interpolation != 1:
                raise ValueError("a run is either stopped early or interpolated")

    @property
    def training(self) -> Run:
        """The run whose training this one's weights come from; itself where they are its own."""
        if self.interpolation == 1 and self.stopped is None:
            return self
        return replace(self, interpolation=1.0, stopped=None)

    def settings(self) -> dict[str, Any]:
        """The run as JSON: the content of its `spec.json`."""
        return {
            "scale": self.scale.name,
            "model": self.model,
            "dataset": asdict(self.dataset),
            "noise": asdict(self.noise),
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "interpolation": self.interpolation,
            **({} if self.stopped is None else {"stopped": self.stopped}),
        }

    @cached_property
    def key(self) -> str:
        """The content hash: 16 hexadecimal digits."""
        content = {
            "settings": self.settings(),
            "base": self.scale.base_identity(self.model),
            "rows": self.scale.rows_identity(self.dataset),
            "other rows": self.scale.rows_identity(self.scale.other(self.dataset)),
            "attention": self.scale.attention,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where the run's records are kept."""
        return RUNS / self.scale.name / self.key

    def write_spec(self) -> Path:
        """Write `spec.json` into the folder, from which a worker process reads the run."""
        path = self.folder / "spec.json"
        if not path.exists():
            write_atomic(path, json.dumps(self.settings(), indent=1, sort_keys=True) + "\n")
        return path


def read_run(folder: Path) -> Run:
    """The run whose `spec.json` lies in a folder.

    Raises:
        RunError: there is no readable `spec.json`, or it is that of another run.
    """
    path = folder / "spec.json"
    try:
        run = run_from(json.loads(path.read_text()))
        key = run.key
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: cannot be read as a run's settings ({error})") from None
    if key != folder.name:
        raise RunError(
            f"{path}: is the run {key}, not {folder.name}: a base model, an instruction set or "
            f"ATTENTION changed, or the file was edited; remove {folder} to make the run again"
        )
    return run


def run_from(settings: dict[str, Any]) -> Run:
    """The run with the given settings, from `Run.settings`."""
    recipe = dict(settings["recipe"])
    recipe["frozen"] = tuple(recipe["frozen"])
    if recipe["freelb"] is not None:
        recipe["freelb"] = FreeLB(**recipe["freelb"])
    return Run(
        scale=look_up("scale", settings["scale"], SCALES),
        model=settings["model"],
        dataset=InstructionSet(**settings["dataset"]),
        noise=Noise(**settings["noise"]),
        recipe=Recipe(**recipe),
        seed=settings["seed"],
        interpolation=settings["interpolation"],
        stopped=settings.get("stopped"),
    )
