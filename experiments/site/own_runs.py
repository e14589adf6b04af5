"""A reader's own runs, for `make site RUNS=…`: the rows of `runs.csv` and `row.csv` files.

    rows = read_rows(Path("runs"))                       # every row.csv and runs.csv below a folder
    rows = read_rows(Path("runs/results/nano/runs.csv"))

Every run's folder has a `row.csv` with the run's own row, beside its report, and `make paper`
writes the rows of all runs as one `runs.csv`. The explorer reads the same files in the browser
(`static/own_runs.js`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from experiments.cells.runs_table import ROW

Row = dict[str, str]

NAMES = (ROW, "runs.csv")
"""What is read of a folder."""
NUMBERS = ("alpha", "lr", "epochs", "seed")
COLUMNS = ("run", "model", "dataset", *NUMBERS)
"""Without these no run can be shown."""
ADVICE = "give a folder in which runs were made, such as runs/nano, or a runs.csv of `make paper`"


class OwnRunsError(ValueError):
    """There are no runs at a path, or a file is not one of runs; the message says what to do."""


def read_rows(source: Path) -> list[Row]:
    """The rows of all runs at a path, each run once.

    Args:
        source: a CSV file, or a folder below which every `row.csv` and `runs.csv` is read.

    Raises:
        OwnRunsError: there is no such path or no such file below it, or one is not of runs.
    """
    if source.is_dir():
        files = sorted(path for name in NAMES for path in source.rglob(name))
        if not files:
            raise OwnRunsError(f"{source}: no {' or '.join(NAMES)} lies below it; {ADVICE}")
    elif source.is_file():
        files = [source]
    else:
        raise OwnRunsError(f"{source}: there is no such file or folder; {ADVICE}")
    found: dict[str, Row] = {}
    for file in files:
        for row in _rows(file):
            # A run of several files has the columns of all of them.
            found.setdefault(row["run"], {}).update({name: v for name, v in row.items() if v})
    return list(found.values())


def _rows(file: Path) -> list[Row]:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            rows = list(reader)
            head = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise OwnRunsError(f"{file}: cannot be read as CSV ({error}); {ADVICE}") from None
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise OwnRunsError(f"{file}: is not a file of runs: it has {_columns(missing)}; {ADVICE}")
    if not rows:
        raise OwnRunsError(f"{file}: has no run below its first line; {ADVICE}")
    for line, row in enumerate(rows, start=2):
        _check(row, f"{file}, line {line}")
    return rows


def _check(row: Row, where: str) -> None:
    if None in row or None in row.values():
        raise OwnRunsError(f"{where}: has not as many fields as the first line; {ADVICE}")
    for name in NUMBERS:
        if not _is_number(row[name]):
            raise OwnRunsError(
                f"{where}: {name} is {row[name]!r}, and should be a number; {ADVICE}"
            )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _columns(missing: Sequence[str]) -> str:
    return f"no {'columns' if len(missing) > 1 else 'column'} {', '.join(missing)}"
