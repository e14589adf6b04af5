"""From the cells of a claim to one estimate.

difference([noisy, plain])                           # paired by seed and item
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import Estimate, hierarchical
from analysis.length_control import length_controlled_gain
from experiments.cells.cell import Cell, values_of
from experiments.cells.metrics import preferences_and_lengths, reference_lengths
from experiments.runs.record import Numbers

Cells = Sequence[Cell]


def difference(cells: Cells) -> Estimate:
    """The first cell minus the second, paired by seed and item."""
    first, second = map(values_of, cells)
    return hierarchical(first - second)


def percent_longer(cells: Cells) -> Estimate:
    """How much the first cell is above the second, in per cent of the second's mean."""
    first, second = map(values_of, cells)
    ratio = first.mean() / second.mean()
    return hierarchical(100 * (ratio - 1 + (first - ratio * second) / second.mean()))


def mean_difference(cells: Cells) -> Estimate:
    """The mean over pairs of cells of the first minus the second.

    An item that several pairs have, of the same metric and condition, is drawn once for all.
    """
    firsts = cells[::2]
    pairs = [values_of(a) - values_of(b) for a, b in zip(firsts, cells[1::2], strict=True)]
    return hierarchical(np.concatenate(pairs, axis=1), _items(firsts, pairs))


def _items(cells: Cells, values: Sequence[Numbers]) -> NDArray[np.intp]:
    """A number for each column of the cells' values; equal for an item that several cells have."""
    start: dict[tuple[str, str, int], int] = {}
    for cell, table in zip(cells, values, strict=True):
        key = (cell.metric.title, cell.condition, table.shape[1])
        start.setdefault(key, sum(count for _, _, count in start))
    return np.concatenate(
        [
            start[cell.metric.title, cell.condition, table.shape[1]] + np.arange(table.shape[1])
            for cell, table in zip(cells, values, strict=True)
        ]
    )


def difference_of_gains(cells: Cells) -> Estimate:
    """Over groups of four cells, the mean of (first - second) - (third - fourth)."""
    values = [values_of(cell) for cell in cells]
    gains = [
        (values[i] - values[i + 1]) - (values[i + 2] - values[i + 3])
        for i in range(0, len(values), 4)
    ]
    return hierarchical(np.concatenate(gains, axis=1), _items(cells[::4], gains))


def gain_at_equal_length(cells: Cells) -> Estimate:
    """The length-controlled gain, averaged over groups; each instruction is drawn once for all."""

    def arm(cell: Cell) -> tuple[Numbers, Numbers]:
        parts = [preferences_and_lengths(cell.records(runs, "verdicts")) for runs in cell.groups]
        won, long = (np.stack(each) for each in zip(*parts, strict=True))
        return won, long.astype(float)

    treated, base = map(arm, cells)
    (first, *_) = cells[0].records(cells[0].groups[0], "verdicts")
    return length_controlled_gain(base, treated, reference_lengths(first))


def largest(cells: Cells) -> Estimate:
    """The largest mean of the cells, with the range over cells."""
    shares = [float(np.mean(values_of(cell))) for cell in cells]
    return Estimate(max(shares), min(shares), max(shares))
