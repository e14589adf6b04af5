"""Make an artifact from cells: what is measured for which runs, beside what was published.

    TABLE = tabulate("table11", "Which parts train", ABOUT, seeds=3, cells=cells, against="NEFT")

A cell is the mean over seeds and items, with a 95% interval from a bootstrap over both. Rows are
compared with the row `against` of the same column and measure, paired by seed and item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from analysis.intervals import Estimate, hierarchical
from analysis.plots import compare_with_paper, histograms
from experiments.artifact import Artifact, Data, Record, said
from experiments.measures import Measure, Runs
from experiments.records import Numbers
from experiments.study import Study


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Args:
        row: its row's title.
        column: its column's title.
        measure: what is measured.
        groups: of which runs, one a seed; several groups are averaged item by item.
        published: the paper's number.
        constant: a number that no run is needed for, in place of groups.
        condition: how the models were asked.
        judge: who compared.
    """

    row: str
    column: str
    measure: Measure
    groups: tuple[Runs, ...] = field(default=())
    published: float | None = None
    constant: float | None = None
    condition: str = "test"
    judge: str = "gpt-4"


def also(cells: Sequence[Cell], *measures: Measure) -> list[Cell]:
    """The cells, then the same with other measures, for which nothing was published."""
    return [
        *cells,
        *(replace(cell, measure=other, published=None) for other in measures for cell in cells),
    ]


def values_of(cell: Cell) -> Numbers:
    """The cell's numbers, shape (seeds, items)."""
    if cell.constant is not None:
        return np.array([[cell.constant]])
    groups = [
        np.array([cell.measure.values(run, cell.condition, cell.judge) for run in runs])
        for runs in cell.groups
    ]
    return np.mean(groups, axis=0)


def records_of(cells: Sequence[Cell]) -> list[Record]:
    """The records that cells are made from."""
    return [
        (run, cell.measure.record(run, cell.condition, cell.judge))
        for cell in cells
        for runs in cell.groups
        for run in runs
    ]


def table_data(cells: Sequence[Cell], against: str | None) -> Data:
    """What the cells say: one entry each."""
    by_place = {(c.measure.title, c.column, c.row): c for c in cells}
    entries = []
    for cell in cells:
        base = by_place.get((cell.measure.title, cell.column, against or ""))
        entry: dict[str, Any] = {
            "measure": cell.measure.title,
            "row": cell.row,
            "column": cell.column,
            **asdict(_estimate(cell)),
            "digits": cell.measure.digits,
            "published": cell.published,
            "runs": [run.key for runs in cell.groups for run in runs],
        }
        if cell.groups:
            entry["seeds"] = [_mean(row) for row in values_of(cell)]
        if base is not None and base is not cell and base.groups and cell.groups:
            difference = _compared(cell, base)
            if difference:
                entry["difference"] = asdict(difference)
        entries.append(entry)
    return {"against": against, "cells": entries}


def _mean(values: Numbers) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _estimate(cell: Cell) -> Estimate:
    if cell.measure.estimate:
        return cell.measure.estimate(cell.groups[0], None, cell.condition, cell.judge)
    return hierarchical(values_of(cell))


def _compared(cell: Cell, base: Cell) -> Estimate | None:
    """The cell less another; None where seeds or items do not match."""
    if cell.measure.estimate:
        return cell.measure.estimate(cell.groups[0], base.groups[0], cell.condition, cell.judge)
    own, other = values_of(cell), values_of(base)
    return hierarchical(own - other) if own.shape == other.shape else None


def table_rows(data: Data) -> list[list[str]]:
    """The table as text: measured, compared, and published rows of each measure."""
    cells = data["cells"]
    columns = list(dict.fromkeys(cell["column"] for cell in cells))
    measures = list(dict.fromkeys(cell["measure"] for cell in cells))
    rows = [["", *columns]]

    def across(label: str, chosen: Sequence[Any], text: Callable[[Any], str]) -> None:
        found = {cell["column"]: text(cell) for cell in chosen}
        if any(found.values()):
            rows.append([label, *(found.get(column, "") for column in columns)])

    for measure in measures:
        of_measure = [cell for cell in cells if cell["measure"] == measure]
        names = list(dict.fromkeys(cell["row"] for cell in of_measure))
        for name in names:
            row = [cell for cell in of_measure if cell["row"] == name]
            across(f"{name}: {measure}", row, lambda c: said(c, c["digits"]))
        for name in names:
            row = [cell for cell in of_measure if cell["row"] == name]
            label = f"{name}, against {data['against']}: {measure}"
            across(label, row, _difference)
        for name in names:
            row = [cell for cell in of_measure if cell["row"] == name]
            across(f"paper: {name}: {measure}", row, _published)
    return rows


def _difference(cell: Any) -> str:
    return said(cell["difference"], cell["digits"], sign=True) if "difference" in cell else ""


def _published(cell: Any) -> str:
    if cell["published"] is None:
        return ""
    return f"{cell['published']:.2f}" if cell["digits"] else f"{cell['published']:.0f}"


def table_picture(data: Data, title: str) -> Figure:
    """The first measure's rows, as published and as measured."""
    first = data["cells"][0]["measure"]
    cells = [cell for cell in data["cells"] if cell["measure"] == first]
    return compare_with_paper(cells, title, first)


def tabulate(
    name: str,
    title: str,
    about: str,
    *,
    seeds: int,
    cells: Callable[[Study], list[Cell]],
    against: str | None = None,
) -> Artifact:
    """An artifact from cells; the arguments are the artifact's and the cells' own."""
    return Artifact(
        name,
        title,
        about,
        seeds,
        needs=lambda study: records_of(cells(study)),
        data=lambda study: table_data(cells(study), against),
        rows=table_rows,
        draw=table_picture,
    )


def histogram_figure(
    name: str,
    title: str,
    about: str,
    *,
    seeds: int,
    cells: Callable[[Study], list[Cell]],
    panel: Callable[[Cell], str],
    x: str,
) -> Artifact:
    """An artifact from cells, drawn as a histogram of each cell's items, averaged over seeds.

    Args:
        name: as of `Artifact`.
        title: as of `Artifact`.
        about: as of `Artifact`.
        seeds: as of `Artifact`.
        cells: what is measured; the row `baseline` is compared with.
        panel: the title of the panel that a cell is drawn in, with the others of its panel.
        x: what an item's value is.
    """

    def data(study: Study) -> Data:
        asked = cells(study)
        items: dict[str, dict[str, list[float]]] = {}
        for cell in asked:
            mean = np.round(values_of(cell).mean(axis=0), 4)
            items.setdefault(panel(cell), {})[cell.row] = mean.tolist()
        return table_data(asked, "baseline") | {"items": items}

    table = tabulate(name, title, about, seeds=seeds, cells=cells, against="baseline")
    return replace(table, data=data, draw=lambda found, title: histograms(found["items"], title, x))
