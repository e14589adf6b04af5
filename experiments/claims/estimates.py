"""From the cells of a claim to one estimate.

difference([noisy, plain])                           # paired by seed and item
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    return hierarchical(100 * (first - second) / second.mean())


def mean_difference(cells: Cells) -> Estimate:
    """The mean over pairs of cells of the first minus the second."""
    pairs = [values_of(a) - values_of(b) for a, b in zip(cells[::2], cells[1::2], strict=True)]
    return hierarchical(np.concatenate(pairs, axis=1))


def difference_of_gains(cells: Cells) -> Estimate:
    """Over groups of four cells, the mean of (first - second) - (third - fourth)."""
    values = [values_of(cell) for cell in cells]
    gains = [
        (values[i] - values[i + 1]) - (values[i + 2] - values[i + 3])
        for i in range(0, len(values), 4)
    ]
    return hierarchical(np.concatenate(gains, axis=1))


def gain_at_equal_length(cells: Cells) -> Estimate:
    """The length-controlled gain, over the instructions of all groups together."""

    def arm(cell: Cell) -> tuple[Numbers, Numbers]:
        parts = [preferences_and_lengths(cell.records(runs, "verdicts")) for runs in cell.groups]
        won, long = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        return won, long.astype(float)

    treated, base = map(arm, cells)
    (first, *_) = cells[0].records(cells[0].groups[0], "verdicts")
    reference = np.tile(reference_lengths(first), len(cells[0].groups))
    return length_controlled_gain(base, treated, reference)


def largest(cells: Cells) -> Estimate:
    """The largest mean of the cells, with the range over cells."""
    shares = [float(np.mean(values_of(cell))) for cell in cells]
    return Estimate(max(shares), min(shares), max(shares))
