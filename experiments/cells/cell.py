"""A cell of a table: what is measured for which runs, beside what was published.

    cells = [Cell("baseline", "Alpaca", WIN_RATE, (study.baseline(ALPACA),), judge="gpt-4"), …]
    records_of(cells)                                    # the records that must exist
    data = table_data(cells, against="baseline")         # values, intervals, differences, as JSON
    table_rows(data)                                     # the same as rows of text

A cell's value is the mean over seeds and items, with a 95% interval over both. It
is compared with the row `against` of the same column and metric, paired by seed and item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from analysis.intervals import Estimate, hierarchical
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import Metric
from experiments.runs.record import Numbers, Record
from experiments.runs.study import Runs

Data = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        row: its row's title.
        column: its column's title.
        metric: what is measured.
        groups: of which runs, one a seed; several groups are averaged item by item.
        published: the paper's number.
        constant: a number that needs no run, in place of groups, or a function that gives it; the
            function is called when the cell is computed.
        condition: how the models were asked.
        judge: the role of the judge that compared.
        others: runs that those of the first group are set against, one a seed: opponents of a
            head-to-head comparison, or those whose length a condition matches.
        x: the value that the row stands for, where rows are points on an axis.
        published_column: the column's title for published numbers, where it differs: a model's
            name without the size of its stand-in.
    """

    row: str
    column: str
    metric: Metric
    groups: tuple[Runs, ...] = field(default=())
    published: float | None = None
    constant: float | Callable[[], float] | None = None
    condition: str = "test"
    judge: str = "gpt-4"
    others: Runs = ()
    x: float | None = None
    published_column: str = ""

    def records(self, runs: Runs, kind: str) -> list[Record]:
        """The records of one kind of some of the cell's runs."""
        others = self.others or (None,) * len(runs)
        return [
            Record(run, kind, self.condition, self.judge, other)
            for run, other in zip(runs, others, strict=True)
        ]


def also(cells: Sequence[Cell], *metrics: Metric) -> list[Cell]:
    """The cells, then the same with other metrics, for which nothing was published."""
    return [
        *cells,
        *(replace(cell, metric=other, published=None) for other in metrics for cell in cells),
    ]


def records_of(cells: Sequence[Cell]) -> list[Record]:
    """The records that cells are computed from, each once."""
    found = [
        record
        for cell in cells
        for runs in cell.groups
        for kind in cell.metric.reads
        for record in cell.records(runs, kind)
    ]
    return list(dict.fromkeys(found))


def values_of(cell: Cell) -> Numbers:
    """The cell's numbers, shape (seeds, items)."""
    if cell.constant is not None:
        return np.array([[cell.constant() if callable(cell.constant) else cell.constant]])
    groups = [
        np.array([cell.metric.values(r) for r in cell.records(runs, cell.metric.reads[0])])
        for runs in cell.groups
    ]
    return np.mean(groups, axis=0)


def table_data(cells: Sequence[Cell], against: str | None) -> Data:
    """What the cells say: one entry each."""
    by_place = {(c.metric.title, c.column, c.row): c for c in cells}
    entries = []
    for cell in cells:
        base = by_place.get((cell.metric.title, cell.column, against or ""))
        entry: dict[str, Any] = {
            "metric": cell.metric.title,
            "row": cell.row,
            "column": cell.column,
            "x": cell.x,
            **asdict(_estimate(cell)),
            "digits": cell.metric.digits,
            "published": cell.published,
            "published_column": cell.published_column,
            "runs": [run.key for runs in cell.groups for run in runs],
        }
        if cell.groups:
            entry["seeds"] = _of_each_seed(cell)
        if base is not None and base is not cell and base.groups and cell.groups:
            difference = _compared(cell, base)
            if difference:
                entry["difference"] = asdict(difference)
        entries.append(entry)
    return {"against": against, "cells": entries}


def _of_each_seed(cell: Cell) -> list[float | None]:
    """The cell's value for each seed alone."""
    if cell.metric.estimate:
        return [cell.metric.estimate([record], None).value for record in _first_records(cell)]
    return [_mean(row) for row in values_of(cell)]


def _mean(values: Numbers) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _estimate(cell: Cell) -> Estimate:
    if cell.metric.estimate:
        return cell.metric.estimate(_first_records(cell), None)
    return hierarchical(values_of(cell))


def _first_records(cell: Cell) -> list[Record]:
    return cell.records(cell.groups[0], cell.metric.reads[0])


def _compared(cell: Cell, base: Cell) -> Estimate | None:
    """The cell minus another; None where seeds or items do not match."""
    if cell.metric.estimate:
        return cell.metric.estimate(_first_records(cell), _first_records(base))
    own, other = values_of(cell), values_of(base)
    return hierarchical(own - other) if own.shape == other.shape else None


def table_rows(data: Data) -> list[list[str]]:
    """The table as text: of each metric the measured, compared and published rows."""
    cells = data["cells"]
    columns = list(dict.fromkeys(cell["column"] for cell in cells))
    metrics = list(dict.fromkeys(cell["metric"] for cell in cells))
    rows = [["", *columns]]

    def across(label: str, chosen: Sequence[Any], text: Callable[[Any], str]) -> None:
        found = {cell["column"]: text(cell) for cell in chosen}
        if any(found.values()):
            rows.append([label, *(found.get(column, "") for column in columns)])

    for metric in metrics:
        of_metric = [cell for cell in cells if cell["metric"] == metric]
        by_row: dict[str, list[Any]] = {}
        for cell in of_metric:
            by_row.setdefault(cell["row"], []).append(cell)
        for name, row in by_row.items():
            across(f"{metric}: {name}", row, _measured)
        for name, row in by_row.items():
            across(f"{metric}: {name} minus {data['against']}", row, _difference)
        for name, row in by_row.items():
            across(f"paper, {metric}: {name}", row, _published)
    return rows


def rows_by_metric(data: Data) -> list[list[str]]:
    """The table as text with a column a metric: a row for each row, then the differences."""
    cells = data["cells"]
    metrics = list(dict.fromkeys(cell["metric"] for cell in cells))
    names = list(dict.fromkeys(cell["row"] for cell in cells))
    by_place = {(cell["row"], cell["metric"]): cell for cell in cells}
    rows = [["", *metrics]]
    rows += [[name, *(_measured(by_place[name, metric]) for metric in metrics)] for name in names]
    for name in names:
        differences = [_difference(by_place[name, metric]) for metric in metrics]
        if any(differences):
            rows.append([f"{name} minus {data['against']}", *differences])
    return rows


def _measured(cell: Any) -> str:
    return estimate_text(cell, cell["digits"])


def _difference(cell: Any) -> str:
    if "difference" not in cell:
        return ""
    return estimate_text(cell["difference"], cell["digits"], sign=True)


def _published(cell: Any) -> str:
    if cell["published"] is None:
        return ""
    return f"{cell['published']:.2f}" if cell["digits"] else f"{cell['published']:.0f}"
