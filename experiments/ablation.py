"""An ablation over alpha, or over anything else a fine-tuning is made of.

    make ablation ALPHA="0 1 2 5 10 15 30"
    make ablation ALPHA="0 5 15" DATASET=evol-instruct MODEL=opt-6.7b SEEDS=5
    make ablation ALPHA="0 5" NOISE=gaussian SCALE_RULE=padded SET="epochs=5 lr=0.001"

Writes a table and a picture to `results/<scale>/ablations/<name>/`. Runs that exist are used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from matplotlib.figure import Figure

from analysis.plots import curves
from experiments.artifact import Artifact, Data
from experiments.measures import (
    CHARACTERS,
    LENGTH_CONTROLLED,
    OTHER_LOSS,
    TRAIN_LOSS,
    VALIDATION_LOSS,
    WIN_RATE,
)
from experiments.study import Study
from experiments.tabulate import Cell, records_of, table_data, table_rows
from neftune.spec import Distribution, Noise, Recipe, ScaleRule

MEASURES = (WIN_RATE, LENGTH_CONTROLLED, CHARACTERS, TRAIN_LOSS, VALIDATION_LOSS, OTHER_LOSS)


class SettingError(ValueError):
    """A hyperparameter has no such name, or no such value; the message lists the right ones."""


@dataclass(frozen=True)
class Ablation:
    """What is varied, and what is held.

    Args:
        alphas: the values of alpha; the first one is compared with.
        model: the role of the base model.
        dataset: the role of the instruction set.
        distribution: of the noise.
        scale_rule: of the noise.
        settings: hyperparameters by name, in place of the chosen ones.
        judge: the judge's role.

    Raises:
        ValueError: an impossible alpha, or an unknown distribution or rule.
    """

    alphas: tuple[float, ...]
    model: str = "llama-2-7b"
    dataset: str = "alpaca"
    distribution: Distribution = "uniform"
    scale_rule: ScaleRule = "sequence"
    settings: tuple[tuple[str, Any], ...] = ()
    judge: str = "gpt-4"

    def __post_init__(self) -> None:
        self.noises()

    def noises(self) -> list[Noise]:
        """The noise of every alpha."""
        return [Noise(alpha, self.distribution, self.scale_rule) for alpha in self.alphas]

    @property
    def name(self) -> str:
        """The folder of its results: what it holds, as far as it is not the default."""
        default = Ablation(())
        held = [
            str(getattr(self, field))
            for field in ("model", "dataset", "distribution", "scale_rule", "judge")
            if field in ("model", "dataset") or getattr(self, field) != getattr(default, field)
        ]
        return "-".join([*held, *(f"{name}={value}" for name, value in self.settings)])


def settings_from(texts: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """Hyperparameters from `name=value`, each of the type that the recipe's field has.

    Raises:
        SettingError: an unknown name, or a value that is no number.
    """
    kinds: dict[str, Callable[[str], int | float]] = {
        f.name: int if isinstance(f.default, int) else float
        for f in fields(Recipe)
        if isinstance(f.default, int | float)
    }
    found = []
    for text in texts:
        name, _, value = text.partition("=")
        if name not in kinds:
            raise SettingError(
                f"unknown hyperparameter {name!r}; known: {', '.join(sorted(kinds))} "
                "(write it as name=value)"
            )
        try:
            found.append((name, kinds[name](value)))
        except ValueError:
            raise SettingError(f"{name} must be a number, not {value!r}") from None
    return tuple(found)


def cells(ablation: Ablation, study: Study) -> list[Cell]:
    """Every measure at every alpha."""
    settings = dict(ablation.settings)
    if "batch" in settings and "micro_batch" not in settings:
        settings["micro_batch"] = min(settings["batch"], study.scale.recipe.micro_batch)
    rows = {
        f"alpha {noise.alpha:g}": study.noisy(
            ablation.dataset, noise, model=ablation.model, **settings
        )
        for noise in ablation.noises()
    }
    return [
        Cell(row, measure.title, measure, (runs,), judge=ablation.judge)
        for measure in MEASURES
        for row, runs in rows.items()
    ]


def rows(data: Data) -> list[list[str]]:
    """A row an alpha, a column a measure; then the differences from the first alpha."""
    return [[cell.removesuffix(": ") for cell in row] for row in _wide(table_rows(data))]


def _wide(long: list[list[str]]) -> list[list[str]]:
    """One row for each alpha, where `table_rows` has one for each alpha and measure."""
    merged: dict[str, list[str]] = {}
    for label, *texts in long[1:]:
        name = label.rsplit(": ", 1)[0]
        row = merged.setdefault(name, [""] * len(texts))
        merged[name] = [new or old for new, old in zip(texts, row, strict=True)]
    return [long[0], *([name, *texts] for name, texts in merged.items())]


def draw(data: Data, title: str) -> Figure:
    """One panel a measure, against alpha."""
    panels: dict[str, dict[str, list[dict[str, float]]]] = {}
    for cell in data["cells"]:
        point = {key: cell[key] for key in ("value", "low", "high")}
        alpha = float(cell["row"].removeprefix("alpha "))
        panels.setdefault(cell["measure"], {}).setdefault("", []).append({"x": alpha, **point})
    for lines in panels.values():
        lines[""].sort(key=lambda point: point["x"])
    return curves(panels, title, "alpha", "")


def artifact(ablation: Ablation, seeds: int) -> Artifact:
    """The ablation as an artifact like the paper's."""
    held = f"{ablation.distribution} noise, scale rule `{ablation.scale_rule}`"
    settings = "".join(f", {name} {value:g}" for name, value in ablation.settings)
    return Artifact(
        f"ablations/{ablation.name}/alpha",
        f"Ablation over alpha: {ablation.model} on {ablation.dataset}",
        f"{held.capitalize()}{settings}; judge in {ablation.judge}'s role. Differences are from "
        f"alpha {ablation.alphas[0]:g}, paired by seed and instruction.",
        seeds,
        needs=lambda study: records_of(cells(ablation, study)),
        data=lambda study: table_data(cells(ablation, study), f"alpha {ablation.alphas[0]:g}"),
        rows=rows,
        draw=draw,
    )
