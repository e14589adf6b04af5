"""An ablation over alpha, with anything else that a fine-tuning is made of held fixed.

    make ablation ALPHA="0 1 2 5 10 15 30"
    make ablation ALPHA="0 5 15" DATASET=evol-instruct MODEL=opt-6.7b SEEDS=5
    make ablation ALPHA="0 5" NOISE=gaussian LENGTH_RULE=padded SET="epochs=5 lr=0.001"

Writes a table and a picture to `runs/results/<scale>/ablations/`, under a name with all settings,
such as `llama-2-7b-alpaca/alpha-0-5-15.seeds1.md`. Runs that exist are used again.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, rows_by_metric, table_data
from experiments.cells.metrics import (
    CHARACTERS,
    LENGTH_CONTROLLED,
    OTHER_LOSS,
    TRAIN_LOSS,
    VALIDATION_LOSS,
    WIN_RATE,
)
from experiments.cells.pictures import Picture
from experiments.cells.render import make, runs_made
from experiments.commands.options import (
    SettingError,
    add_jobs,
    add_scale,
    add_seeds,
    alpha,
    scale_of,
)
from experiments.names import look_up
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.judges import JUDGES
from experiments.roles.models import MODELS
from experiments.runs.study import Study
from experiments.site.run_report import report_line
from neftune.distributions import Noise
from neftune.training.recipe import Recipe

HELP = "one fine-tuning under many alphas"
METRICS = (WIN_RATE, LENGTH_CONTROLLED, CHARACTERS, TRAIN_LOSS, VALIDATION_LOSS, OTHER_LOSS)
SEEDS = 3
"""By default; with another number the name of the result has it."""
LONGEST_NAME = 80
"""Characters of a folder's or file's name, before its ending."""


@dataclass(frozen=True)
class Ablation:
    """What is varied, and what is held.

    Args:
        alphas: the values of alpha; the others are compared with the first one.
        model: the role of the base model.
        dataset: the role of the instruction set.
        distribution: of the noise.
        length_rule: of the noise.
        settings: hyperparameters by name, in place of the chosen ones.
        judge: the judge's role.

    Raises:
        ValueError: an impossible alpha, or an unknown name.
    """

    alphas: tuple[float, ...]
    model: str = "llama-2-7b"
    dataset: str = "alpaca"
    distribution: str = "uniform"
    length_rule: str = "sequence"
    settings: tuple[tuple[str, Any], ...] = ()
    judge: str = "gpt-4"

    def __post_init__(self) -> None:
        self.noises()
        look_up("model", self.model, MODELS)
        look_up("instruction set", self.dataset, INSTRUCTION_SETS)
        look_up("judge", self.judge, JUDGES)

    def noises(self) -> list[Noise]:
        """The noise of every alpha."""
        return [Noise(alpha, self.distribution, self.length_rule) for alpha in self.alphas]

    @property
    def name(self) -> str:
        """The folder of its results, for what it holds, and the file in it, for the alphas.

        What is held has its place in the name where it is not the default. Alphas are in their
        order, because the others are compared with the first one.
        """
        default = Ablation(())
        held = [
            str(getattr(self, field))
            for field in ("model", "dataset", "distribution", "length_rule", "judge")
            if field in ("model", "dataset") or getattr(self, field) != getattr(default, field)
        ]
        folder = "-".join([*held, *(f"{name}={value}" for name, value in sorted(self.settings))])
        file = "-".join(["alpha", *map(_shortest, self.alphas)])
        return f"{_bounded(folder)}/{_bounded(file)}"

    @property
    def target(self) -> str:
        """What `make` is told to make it."""
        default = Ablation(())
        variables = {
            "MODEL": "model",
            "DATASET": "dataset",
            "NOISE": "distribution",
            "LENGTH_RULE": "length_rule",
            "JUDGE": "judge",
        }
        chosen = {"ALPHA": " ".join(map(_shortest, self.alphas))}
        for variable, field in variables.items():
            if getattr(self, field) != getattr(default, field):
                chosen[variable] = getattr(self, field)
        if self.settings:
            chosen["SET"] = " ".join(f"{name}={value}" for name, value in self.settings)
        return " ".join(["ablation", *(f"{n}={shlex.quote(v)}" for n, v in chosen.items())])


def _shortest(number: float) -> str:
    """The shortest text of a number that no other number has."""
    return repr(float(number)).removesuffix(".0")


def _bounded(name: str) -> str:
    """The name, or where it is too long its beginning and a hash of the whole."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"


def settings_from(texts: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """Hyperparameters from `name=value`, each of the type that the recipe's field has.

    The adapter's are not among them, because an ablation trains without one.

    Raises:
        SettingError: an unknown name, one that is there twice, or a value that is no such number.
        ValueError: a value is out of the recipe's range.
    """
    kinds: dict[str, type[int] | type[float]] = {
        f.name: int if isinstance(f.default, int) else float
        for f in fields(Recipe)
        if isinstance(f.default, int | float) and not f.name.startswith("adapter_")
    }
    found: dict[str, int | float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        kind = look_up("hyperparameter", name, kinds)
        if not equals:
            raise SettingError(f"{name} has no value; write it as {name}=value")
        if name in found:
            raise SettingError(f"{name} is set twice")
        try:
            found[name] = kind(value)
        except ValueError:
            number = "a whole number" if kind is int else "a number"
            raise SettingError(f"{name} must be {number}, not {value!r}") from None
    if found.get("epochs") == 0:
        raise SettingError("epochs must be at least 1: without training there is no ablation")
    return tuple(found.items())


def cells(ablation: Ablation, study: Study) -> list[Cell]:
    """Every metric at every alpha."""
    dataset, settings = INSTRUCTION_SETS[ablation.dataset], dict(ablation.settings)
    runs = {
        noise.alpha: study.noisy(dataset, noise, model=ablation.model, **settings)
        for noise in ablation.noises()
    }
    return [
        Cell(
            f"alpha {_shortest(alpha)}",
            metric.title,
            metric,
            (group,),
            judge=ablation.judge,
            x=alpha,
        )
        for metric in METRICS
        for alpha, group in runs.items()
    ]


def artifact(ablation: Ablation) -> Artifact:
    """The ablation as an artifact like the paper's."""
    first = f"alpha {_shortest(ablation.alphas[0])}"
    model, dataset = MODELS[ablation.model].title, INSTRUCTION_SETS[ablation.dataset].title
    return Artifact(
        f"ablations/{ablation.name}",
        f"Ablation over alpha: {model} on {dataset}",
        f"{ablation.distribution.capitalize()} noise. Differences are from {first}, paired by seed "
        "and instruction.",
        SEEDS,
        cells=lambda study: cells(ablation, study),
        data=lambda asked: table_data(asked, first),
        rows=rows_by_metric,
        draw=Picture(
            metrics=tuple(metric.title for metric in METRICS), row=lambda each: each.row, columns=3
        ).draw,
        target=ablation.target,
    )


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    default = Ablation(())
    parser.add_argument("--alpha", type=alpha, nargs="+", default=[0, 1, 2, 5, 10, 15, 30])
    parser.add_argument("--model", default=default.model, help=", ".join(MODELS))
    parser.add_argument("--dataset", default=default.dataset, help=", ".join(INSTRUCTION_SETS))
    parser.add_argument("--noise", default=default.distribution, help="distribution of the noise")
    parser.add_argument("--length-rule", default=default.length_rule, help="sequence or padded")
    parser.add_argument("--judge", default=default.judge, help=", ".join(JUDGES))
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="lr=0.001 …")
    add_scale(parser)
    add_seeds(parser, default=SEEDS)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make and print."""
    ablation = Ablation(
        tuple(dict.fromkeys(arguments.alpha)),
        arguments.model,
        arguments.dataset,
        arguments.noise,
        arguments.length_rule,
        settings_from(arguments.set),
        arguments.judge,
    )
    scale = scale_of(arguments)
    scale.stand_in(ablation.model)
    scale.judge(ablation.judge)
    made = artifact(ablation)
    (path,) = make([made], scale, arguments.seeds, arguments.jobs)
    print(path.read_text())
    print(f"Written to {path.parent}.")
    print(report_line(runs_made(made, scale, arguments.seeds)))
