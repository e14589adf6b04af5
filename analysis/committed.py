"""Committed results, for notebooks: numbers, tables and pictures, without training anything.

table("table6")                                      # a pandas DataFrame
picture("figure4")                                   # the PNG, shown in a notebook
data("claims")                                       # the JSON
runs()                                               # a row a run: settings, losses, verdicts
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Image

RESULTS = Path(__file__).parent.parent / "results"


class MissingResultError(FileNotFoundError):
    """There is no such committed result; the message says what makes it."""


def _path(name: str, kind: str, scale: str) -> Path:
    path = RESULTS / scale / f"{name}.{kind}"
    if not path.is_file():
        raise MissingResultError(f"{path}: not there; make it with `make {name}`, or `make paper`")
    return path


def data(name: str, scale: str = "nano") -> Any:
    """The numbers of a result, from its JSON."""
    return json.loads(_path(name, "json", scale).read_text())


def table(name: str, scale: str = "nano") -> pd.DataFrame:
    """A result's table, rows named by its first column."""
    frame = pd.read_csv(_path(name, "csv", scale), dtype=str, keep_default_na=False, index_col=0)
    return frame.rename_axis(None)


def picture(name: str, scale: str = "nano", width: int = 900) -> Image:
    """A result's picture."""
    return Image(filename=str(_path(name, "png", scale)), width=width)


def runs(scale: str = "nano") -> pd.DataFrame:
    """Every run of the paper at a scale: its settings, its last losses, its win rates and lengths.

    Verdicts are counted as AlpacaEval counts them: a draw is half a win.
    """
    rows = []
    for line in _path("records", "jsonl", scale).read_text().splitlines():
        record = json.loads(line)
        spec = record["spec"]
        row = {key: spec[key] for key in ("model", "dataset", "seed")}
        row |= {"alpha": spec["noise"]["alpha"], "distribution": spec["noise"]["distribution"]}
        row |= {key: spec["recipe"][key] for key in ("lr", "epochs", "adapter")}
        row["frozen"] = ", ".join(spec["recipe"]["frozen"])
        for entry in record["log"]:
            row |= {k: v for k, v in entry.items() if k.startswith("eval_")}
        for key, value in record.items():
            if key.endswith(": characters"):
                row[key] = sum(value) / len(value)
            elif ": " in key:
                decided = len(value) - value.count("?")
                row[key] = 100 * (value.count("W") + value.count("D") / 2) / decided
        rows.append(row)
    return pd.DataFrame(rows)
