"""What `finetune` is asked for: arguments and files, checked before anything heavy is loaded.

inputs = read_inputs(arguments)                      # or an error of one line
inputs.identity()                                    # what a resumed command must agree in
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.names import UnknownNameError
from experiments.roles.sources import Hub
from experiments.scales.fetch import available
from experiments.scales.nano import NANO
from neftune.distributions import Noise
from neftune.training.instructions import (
    InstructionRow,
    check_prompt,
    is_hub_name,
    load_instructions,
)
from neftune.training.model_folder import check_model_folder, weight_files
from neftune.training.recipe import Recipe
from neftune.training.reporting import asked_reporter

PAPER_RATE, LABORATORY_RATE = 5e-5, 1e-3
"""The learning rate where none is given: the paper's (appendix A.1), and that of the laboratory's
models, which are a thousand times smaller."""


@dataclass(frozen=True)
class Inputs:
    """A checked command.

    Args:
        base: the base model: a folder, or a hub name.
        sets: the rows of the set to train on, `own`, and perhaps of an `other`.
        recipe: the hyperparameters.
        noises: one for each training.
        settings: the command's arguments as JSON.
        reporter: where the logs are shown as well.
        out: the folder of the output.
    """

    base: str | Path
    sets: Mapping[str, list[InstructionRow]]
    recipe: Recipe
    noises: tuple[Noise, ...]
    settings: Mapping[str, Any]
    reporter: str | None
    out: Path

    @property
    def alphas(self) -> list[str]:
        """The alphas as text, in the order of the trainings."""
        return [f"{noise.alpha:g}" for noise in self.noises]

    def file(self, name: str) -> str:
        """The file of a set, as it was given."""
        return str(self.settings["dataset_file" if name == "own" else "other_file"])

    def summary(self) -> str:
        """What is to be done, in one line."""
        times = "once" if len(self.noises) == 1 else f"{len(self.noises)} times"
        return (
            f"Fine-tuning {self.settings['model']} {times}, on {self.file('own')} "
            f"({len(self.sets['own']):,} rows, one in ten held out), with noise of alpha "
            f"{', '.join(self.alphas)} on the embeddings."
        )

    def identity(self) -> dict[str, Any]:
        """What must be the same for a model that is already trained to be used.

        The alphas may differ, and so may the folder and the place where logs are shown.
        """
        free = ("alpha", "out", "report_to")
        settings = {name: value for name, value in self.settings.items() if name not in free}
        rows = repr([[row.model_dump() for row in each] for each in self.sets.values()])
        return settings | {
            "rows of the files": hashlib.sha256(rows.encode()).hexdigest(),
            "weights of the model": _weights(self.base),
        }


def _weights(base: str | Path) -> list[list[Any]]:
    """Name, size and time of a model folder's weights; nothing of a model of the hub."""
    if not Path(base).exists():
        return []
    files = [path.stat() for path in weight_files(Path(base))]
    return [[each.st_size, each.st_mtime_ns] for each in files]


def read_inputs(arguments: argparse.Namespace) -> Inputs:
    """Check the arguments, and read and check the files.

    Raises:
        ValueError: an argument or a file cannot be what it is.
    """
    noises = tuple(Noise(alpha) for alpha in arguments.alpha)
    names = [f"{noise.alpha:g}" for noise in noises]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"--alpha {name} is given twice; each alpha is trained once")
    if arguments.lr is None:
        arguments.lr = LABORATORY_RATE if arguments.model in NANO.models else PAPER_RATE
    recipe = Recipe(lr=arguments.lr, epochs=arguments.epochs, batch=32, micro_batch=32)
    if not 0 <= arguments.seed < 2**32:
        raise ValueError(f"--seed must be between 0 and 2**32 - 1, not {arguments.seed}")
    reporter = asked_reporter(arguments.report_to)
    base = base_model(arguments.model)
    sets = {"own": _rows(arguments.dataset_file, arguments, least=2)}
    if arguments.other_file:
        sets["other"] = _rows(arguments.other_file, arguments, least=1)
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(arguments).items()
        if name not in ("command", "run")
    }
    return Inputs(base, sets, recipe, noises, settings, reporter, arguments.out)


def base_model(name: str) -> str | Path:
    """The base model that an argument names; a hub is asked once whether it has it.

    Raises:
        UnknownNameError: it is neither a role of the laboratory, nor a folder, nor a hub name.
        SourceError: the hub cannot be reached, or does not give the model.
        ModelFolderError: it is a folder, but not a model's.
    """
    if name in NANO.models:
        return NANO.base(name)
    if Path(name).exists():
        check_model_folder(Path(name))
    elif name.count("/") != 1 or name.startswith(("/", ".", "~")):
        raise UnknownNameError(
            f"unknown model {name!r}: neither a folder, nor a hub name like owner/name, nor a role "
            f"of the laboratory ({', '.join(NANO.models)})"
        )
    else:
        available(Hub(name, "main"), "a local folder: --model FOLDER")
    return name


def _rows(source: str, arguments: argparse.Namespace, least: int) -> list[InstructionRow]:
    if not Path(source).exists() and is_hub_name(source):
        available(Hub(source, kind="dataset"), "a local file: .json or .jsonl")
    rows = load_instructions(source, arguments.limit)
    check_prompt(rows, arguments.prompt, source)
    if len(rows) < least:
        limit = f" (with --limit {arguments.limit})" if arguments.limit else ""
        raise ValueError(
            f"{source}: {len(rows)} row{limit}, but at least {least} are needed: one to train on "
            "and one held out"
        )
    return rows
