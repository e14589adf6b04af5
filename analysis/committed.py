"""Read committed results in a notebook: numbers, tables and pictures, without any training.

    table("table6")                                      # a pandas DataFrame
    picture("figure4")                                   # the PNG, shown in a notebook
    data("claims")                                       # the content of the JSON file
    runs()                                               # a DataFrame with one row for each run

Results are read from `results/<scale>/`. In place of a table or picture that was not made yet, a
notebook shows which command makes it; numbers that are missing are an error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Image, Markdown

RESULTS = Path(__file__).parent.parent / "results"


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
