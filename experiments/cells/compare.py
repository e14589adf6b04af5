"""Your own result beside the one that the project ships, and the paper's.

    rows = compared(own, shipped)                        # two artifacts' data, as JSON
    print(markdown_table(rows))

A shipped cell has one value for each of its seeds. A value of your own, the mean of some seeds,
agrees if it lies in the 95% prediction interval for the mean of so many new seeds: t times the
seeds' standard deviation times sqrt(1/m + 1/n), with m your seeds and n the shipped ones. Runs of
the same seed on another type of machine differ less than runs of other seeds (docs/laboratory.md),
so the interval covers machines as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.cells.cell import Data
from experiments.cells.markdown import estimate_text

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "cannot be said"


def prediction_interval(shipped: Sequence[float], seeds: int) -> tuple[float, float] | None:
    """Where the mean of new seeds lies with 95% probability.

    Args:
        shipped: one value for each shipped seed.
        seeds: how many new ones.

    Returns:
        Its ends; None where fewer than two seeds were shipped.
    """
    from scipy.stats import t

    count = len(shipped)
    if count < 2:
        return None
    spread = float(np.std(shipped, ddof=1)) * math.sqrt(1 / seeds + 1 / count)
    half = float(t.ppf(0.975, count - 1)) * spread
    middle = float(np.mean(shipped))
    return middle - half, middle + half


def compared(own: Data, shipped: Data) -> list[list[str]]:
    """The numbers of two results of the same artifact side by side, as rows of text.

    Args:
        own: the data of your result.
        shipped: the data of the project's.

    Returns:
        Titles, then a row for each cell and each difference of cells that both have.

    Raises:
        ValueError: one of them has no cells (a figure of curves), or they have none in common.
    """
    if "cells" not in own or "cells" not in shipped:
        raise ValueError(
            "this result has no cells to compare number by number; look at the two pages beside "
            "each other"
        )
    by_place = {_place(cell): cell for cell in with_differences(shipped)}
    pairs = [
        (cell, by_place[_place(cell)]) for cell in with_differences(own) if _place(cell) in by_place
    ]
    if not pairs:
        raise ValueError("the two results have no cell in common")
    rows = [["", "paper", "shipped", "expected of your seeds", "yours", ""]]
    for mine, theirs in pairs:
        there = None not in (mine["value"], theirs["value"])
        if there and mine.get("seeds") and theirs.get("seeds"):
            rows.append(_row(mine, theirs))
    return rows


def headline(data: Data) -> Data:
    """A result without the cells of other metrics than its first."""
    first = data["cells"][0]["metric"]
    return {**data, "cells": [cell for cell in data["cells"] if cell["metric"] == first]}


def with_differences(data: Data) -> list[Any]:
    """The cells of a result, each metric's followed by the differences from the row `against`."""
    against = data.get("against")
    bases = {
        (cell["metric"], cell["column"]): cell for cell in data["cells"] if cell["row"] == against
    }
    found: dict[str, list[Any]] = {}
    differences: dict[str, list[Any]] = {}
    for cell in data["cells"]:
        found.setdefault(cell["metric"], []).append(cell)
        base = bases.get((cell["metric"], cell["column"]))
        if "difference" in cell and base is not None and len(base["seeds"]) == len(cell["seeds"]):
            difference = _difference(cell, base)
            differences.setdefault(cell["metric"], []).append(difference)
    return [each for name in found for each in (*found[name], *differences.get(name, []))]


def _difference(cell: Any, base: Any) -> Any:
    """The difference of two cells, as a cell."""
    published = None
    if cell["published"] is not None and base["published"] is not None:
        published = cell["published"] - base["published"]
    by_seed = [
        None if mine is None or others is None else mine - others
        for mine, others in zip(cell["seeds"], base["seeds"], strict=True)
    ]
    row = f"{cell['row']} minus {base['row']}"
    own = {"row": row, "published": published, "seeds": by_seed, "sign": "+"}
    return {**cell, **cell["difference"], **own}


def _place(cell: Any) -> tuple[str, str, str]:
    return cell["metric"], cell["column"], cell["row"]


def _row(mine: Any, theirs: Any) -> list[str]:
    metric, column, row = _place(mine)
    form = f"{{:{mine.get('sign', '')}.{mine['digits']}f}}"
    values = [value for value in theirs["seeds"] if value is not None]
    interval = prediction_interval(values, len(mine["seeds"]))
    # Results are rounded to ten digits, so equal values may lie on the edge.
    slack = 1e-9 * max(1.0, abs(mine["value"]))
    # One shipped seed says nothing of another one, but the same training has the same numbers.
    verdict = AGREES if abs(mine["value"] - theirs["value"]) <= slack else UNKNOWN
    expected = "–"
    if interval is not None:
        low, high = interval
        expected = f"{form.format(low)} to {form.format(high)}"
        verdict = AGREES if low - slack <= mine["value"] <= high + slack else DIFFERS
    return [
        f"{metric}: {row}, {column}",
        "" if mine["published"] is None else form.format(mine["published"]),
        estimate_text(theirs, mine["digits"], sign="sign" in mine),
        expected,
        form.format(mine["value"]),
        verdict,
    ]
