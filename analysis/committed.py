"""Read committed results in a notebook: numbers, tables and pictures, without any training.

    table("table6")                                      # a pandas DataFrame
    picture("figure4")                                   # the PNG, shown in a notebook
    data("claims")                                       # the content of the JSON file
    runs()                                               # a DataFrame with one row for each run
    answers(tuned("llama-2-7b", "alpaca", (0, 5)))       # what two of them answered, side by side

Results are read from `results/<scale>/`. In place of a table or picture that was not made yet, a
notebook shows which command makes it; numbers that are missing are an error.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Image, Markdown

RESULTS = Path(__file__).parent.parent / "results"
USUAL: dict[str, Any] = {
    "piece_tokens": None,
    "distribution": "uniform",
    "length_rule": "sequence",
    "epochs": 3,
    "adapter": "none",
    "frozen": None,
    "freelb": None,
    "interpolation": 1,
    "stopped": None,
    "tokens": "all",
    "dropout": 0,
    "label_smoothing": 0,
    "weight_decay": 0,
    "penalty": 0,
}
"""The settings of a usual fine-tuning, by column of `runs.csv`; None where the column is empty."""


class MissingResultError(FileNotFoundError):
    """There is no such committed result; the message says which command makes it."""


def _path(name: str, kind: str, scale: str) -> Path:
    path = RESULTS / scale / f"{name}.{kind}"
    if not path.is_file():
        raise MissingResultError(
            f"{path} does not exist; make it with `make {name}` or `make paper`"
        )
    return path


def data(name: str, scale: str = "nano") -> Any:
    """The content of a result's JSON file.

    Raises:
        MissingResultError: there is no such file.
    """
    return json.loads(_path(name, "json", scale).read_text())


def table(name: str, scale: str = "nano") -> pd.DataFrame:
    """A result's table as strings, with its first column as the index.

    Returns:
        The table; without rows, and with the command that makes it as the title of its only column,
        where it was not made yet.
    """
    try:
        path = _path(name, "csv", scale)
    except MissingResultError:
        return pd.DataFrame(index=pd.Index([], dtype=str), columns=[_not_made(name)])
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=0)
    return frame.rename_axis(None)


def picture(name: str, scale: str = "nano", width: int = 900) -> Image | Markdown:
    """A result's picture, `width` pixels wide; a line that says so where it was not made yet."""
    try:
        return Image(filename=str(_path(name, "png", scale)), width=width)
    except MissingResultError:
        return Markdown(_not_made(name))


def _not_made(name: str) -> str:
    command = "make ablation" if name.startswith("ablations/") else f"make {name}"
    return f"Not made yet; `{command}` makes it."


def runs(scale: str = "nano") -> pd.DataFrame:
    """One row for each run of a scale, with the columns of its `runs.csv`.

    Raises:
        MissingResultError: there is no such file.
    """
    return pd.read_csv(_path("runs", "csv", scale))


def tuned(
    model: str, dataset: str, alphas: Sequence[float], *, seed: int = 0, scale: str = "nano"
) -> dict[str, str]:
    """The keys of usual fine-tunings, by `alpha 5` and the like.

    Args:
        model: the role of the base model.
        dataset: the role of the instruction set.
        alphas: which, in their order; 0 is without noise.
        seed: of the runs.
        scale: of the results.

    Returns:
        Runs of three epochs at the chosen learning rate, which differ in alpha alone.
    """
    rates = data("selection", scale)["lr"]
    pair = f"{model}/{dataset}"
    wanted = USUAL | {"model": model, "dataset": dataset, "seed": seed}
    wanted["lr"] = rates[pair if pair in rates else dataset]["value"]
    frame = runs(scale)
    for name, value in wanted.items():
        if name in frame:
            frame = frame[frame[name].isna() if value is None else frame[name] == value]
    by_alpha = dict(zip(frame["alpha"], frame["run"], strict=True))
    return {f"alpha {alpha:g}": by_alpha[alpha] for alpha in alphas}


def answers(keys: Mapping[str, str], condition: str = "test", scale: str = "nano") -> pd.DataFrame:
    """What models answered, from the committed records.

    Args:
        keys: runs by the names of the columns, as `tuned` gives them.
        condition: the folder of the answers: `test`, or `train` for prompts of the training rows.
        scale: of the results.

    Returns:
        A row for each instruction. Texts of others, which the project may not ship, are named by
        their number.
    """
    columns = {}
    with tarfile.open(RESULTS / scale / "records.tar.xz") as archive:
        # In the archive's order: to go back in it would unpack it again.
        names = {
            f"{scale}/{key}/{condition}/model_outputs.json": name for name, key in keys.items()
        }
        for member in archive:
            file = archive.extractfile(member) if member.name in names else None
            if file is not None:
                rows = json.load(file)
                asked = [_shown(row["instruction"]) for row in rows]
                columns[names[member.name]] = pd.Series(
                    [_shown(row["output"]) for row in rows], asked
                )
            if len(columns) == len(keys):
                break
    return pd.DataFrame({name: columns[name] for name in keys})


def _shown(text: str | dict[str, Any]) -> str:
    """A text, or the place of one that is not shipped."""
    if isinstance(text, str):
        return text
    whose, number, field = text["withheld"]
    source = "AlpacaEval" if whose == "reference" else whose
    return f"{field} {number} of {source}"
