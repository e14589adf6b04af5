"""The models whose dose is measured, and the rows that each is measured on.

for subject in every_subject(): …                    # those of `make dose`
own_subject("llama", "alpaca_data.json")             # any folder or hub name
subject.rows()                                       # the rows, checked
subject.model()                                      # the folder or hub name
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from experiments.commands.finetune.inputs import base_model
from experiments.commands.options import SettingError
from experiments.roles.instruction_sets import ALPACA
from experiments.roles.models import MODELS
from experiments.roles.packaged import PACKAGED_MODELS
from experiments.roles.sources import Packaged
from experiments.scales.fetch import variable
from experiments.scales.hub import SourceError
from experiments.scales.nano import NANO
from experiments.scales.packages import packaged_model
from experiments.scales.scale import count_of
from neftune.training.instructions import InstructionRow, checked, load_instructions
from neftune.training.model_folder import count_values

REAL_ROWS = variable("DATA", ALPACA.role)
"""The variable that names the file of real Alpaca rows."""
LABORATORY_DRAWS = 8
PACKAGED_DRAWS = {"gemma-3-270m": 2}
"""Where not 4: on one core, a pass over a vocabulary of 262,144 takes seconds."""


@dataclass(frozen=True)
class Settings:
    """How a model is measured.

    Args:
        prompt: the prompt format of the rows.
        examples: how many rows, drawn from all of them.
        draws: of each alpha's noise for each example, in mirrored pairs. Each pair is a probe of
            the Hessian, too. None for the model's own number.
        max_length: tokens after which an example is cut.
        dtype: the number format of the model.
        seed: of the choice of rows and of the draws.
    """

    prompt: str = "alpaca"
    examples: int = 64
    draws: int | None = None
    max_length: int = 512
    dtype: str = "float32"
    seed: int = 0


@dataclass(frozen=True)
class Subject:
    """A model to be measured.

    Args:
        name: of its record.
        title: for readers.
        role: of a model of the laboratory, its role; empty for a real one.
        source: where it comes from, for readers.
        rows_from: what its rows are, for readers.
        rows: reads and checks them.
        model: the folder or the hub name; fetches what is missing.
        draws: of the noise for each alpha and example, where the user names no other number.
    """

    name: str
    title: str
    role: str
    source: str
    rows_from: str
    rows: Callable[[], list[InstructionRow]]
    model: Callable[[], Path | str]
    draws: int = 4


def every_subject() -> list[Subject]:
    """The models that `make dose` measures: the laboratory's, then the packages'."""
    real = [
        _packaged(model, _real_rows, Path(os.environ.get(REAL_ROWS) or "alpaca_data.json").name)
        for model in PACKAGED_MODELS.values()
    ]
    return [*map(_laboratory, NANO.models), *real]


def own_subject(model: str, dataset_file: str | None) -> Subject:
    """The model that a user names.

    Args:
        model: a folder, a hub name, a role of the laboratory, or a name of `PACKAGED_MODELS`.
        dataset_file: its rows; a role of the laboratory has rows of its own.

    Raises:
        SettingError: the file is missing.
        ValueError: there is no such model.
    """
    if model in NANO.models and not Path(model).exists() and dataset_file is None:
        return _laboratory(model)
    if dataset_file is None:
        raise SettingError(
            "--model needs --dataset-file, the rows to measure it on (.json, .jsonl)"
        )
    rows = partial(load_instructions, dataset_file)
    if model in PACKAGED_MODELS and not Path(model).exists():
        return _packaged(PACKAGED_MODELS[model], rows, Path(dataset_file).name)
    base = base_model(model)
    title = Path(model).resolve().name if Path(model).exists() else model
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(title).name).strip(".-") or "model"
    return Subject(
        name=name,
        title=title,
        role="",
        source="a folder" if Path(model).exists() else f"the hub's {model}",
        rows_from=Path(dataset_file).name,
        rows=rows,
        model=lambda: base,
    )


def _laboratory(role: str) -> Subject:
    # Not NANO.base, which MODEL_… replaces by a folder of the user's.
    folder = NANO.stand_in(role).source
    assert isinstance(folder, Path)
    return Subject(
        name=f"laboratory-{role}",
        title=f"{MODELS[role].title} ({count_of(count_values(folder))} stand-in)",
        role=role,
        source="the laboratory",
        rows_from="the laboratory's Alpaca",
        rows=lambda: checked(NANO.rows(ALPACA, "train"), "the laboratory's Alpaca"),
        model=lambda: folder,
        draws=LABORATORY_DRAWS,
    )


def _packaged(model: Packaged, rows: Callable[[], list[InstructionRow]], rows_from: str) -> Subject:
    packages = ", ".join(f"{each.name} {each.version}" for each in model.packages)
    return Subject(
        name=model.name,
        title=model.title,
        role="",
        source=f"the package index ({packages}), dequantized",
        rows_from=rows_from,
        rows=rows,
        model=lambda: packaged_model(model, "a folder of your own: --model FOLDER"),
        draws=PACKAGED_DRAWS.get(model.name, Subject.draws),
    )


def real_rows_file() -> str | None:
    """The file that DATA_alpaca names, if it names one.

    Raises:
        SourceError: it is not there.
    """
    file = os.environ.get(REAL_ROWS) or None
    if file and not Path(file).is_file():
        raise SourceError(f"{REAL_ROWS}={file}: no such file")
    return file


def _real_rows() -> list[InstructionRow]:
    """The rows of the file that DATA_alpaca names.

    Raises:
        SourceError: it names none, or one that is not there.
    """
    file = real_rows_file()
    if not file:
        raise SourceError(
            f"no real rows to measure it on: give {REAL_ROWS}=FILE (alpaca_data.json)"
        )
    return load_instructions(file)
