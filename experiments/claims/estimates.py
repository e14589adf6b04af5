"""From the parts of a measure to one estimate: of all parts, or of one alone.

difference(parts)                                    # paired by seed and item

A part is a set, a task or a model; its cells are the arms that are compared. Parts in which the
same items occur (an instruction that is asked after tuning on four sets) are averaged item by item
before any resampling, so that an item counts once. Other parts have equal weights, whatever their
number of items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.intervals import Estimate, hierarchical, mean_estimate
from analysis.length_control import length_controlled_gain
from experiments.cells.cell import Cell, values_of
from experiments.cells.equal_loss import at_equal_loss
from experiments.cells.metrics import preferences_and_lengths, reference_lengths
from experiments.runs.record import Numbers


@dataclass(frozen=True)
class Part:
    """One part of a measure.

    Args:
        title: for readers: a set, a task, a model.
        cells: the arms; the second is what the first is compared with.
        items: the name of the items on which it is measured; parts with the same name have the
            same items in the same order.
    """

    title: str
    cells: tuple[Cell, ...]
    items: str = ""


Parts = Sequence[Part]


def together(parts: Parts, values: Sequence[Numbers]) -> Numbers:
    """The values of all parts as one table of shape (seeds, items), of which the mean is meant.

    Args:
        parts: whose.
        values: of each part, shape (seeds, items); NaN where one is missing.
    """
    by_items: dict[str, list[Numbers]] = {}
    for part, table in zip(parts, values, strict=True):
        by_items.setdefault(part.items, []).append(table)
    groups = [_mean(tables) for tables in by_items.values()]
    weights = [len(tables) / len(parts) for tables in by_items.values()]
    count = sum(group.shape[1] for group in groups)
    return np.concatenate(
        [g * (w * count / g.shape[1]) for g, w in zip(groups, weights, strict=True)], axis=1
    )


def _mean(tables: Sequence[Numbers]) -> Numbers:
    """The mean of tables element by element, of the values that are not missing."""
    stacked = np.array(tables)
    present = ~np.isnan(stacked)
    counted = present.sum(axis=0)
    total = np.where(present, stacked, 0.0).sum(axis=0)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan)


def _arms(parts: Parts, place: int) -> list[Numbers]:
    return [values_of(part.cells[place]) for part in parts]


def _differences(parts: Parts, first: int = 0) -> list[Numbers]:
    pairs = zip(_arms(parts, first), _arms(parts, first + 1), strict=True)
    return [one - other for one, other in pairs]


def difference(parts: Parts) -> Estimate:
    """The first arm minus the second, paired by seed and item."""
    return hierarchical(together(parts, _differences(parts)))


def percent(parts: Parts) -> Estimate:
    """How much the first arm is above the second, in per cent of the second's mean."""
    first, second = (together(parts, _arms(parts, place)) for place in (0, 1))
    ratio = np.nanmean(first) / np.nanmean(second)
    return hierarchical(100 * (ratio - 1 + (first - ratio * second) / np.nanmean(second)))


def difference_of_gains(parts: Parts) -> Estimate:
    """Of four arms, (first - second) - (third - fourth)."""
    gains = zip(_differences(parts), _differences(parts, 2), strict=True)
    return hierarchical(together(parts, [one - other for one, other in gains]))


def difference_at_equal_loss(parts: Parts) -> Estimate:
    """The first arm minus a rival of the same held-out loss (`cells/equal_loss.py`).

    The cells of a part are the arm with noise, the rival's settings from the usual training away,
    and then the held-out losses of the same arms in the same order. Parts whose path never has the
    loss of the noise are left out.

    Returns:
        The estimate; NaN if no part is left.
    """
    found = []
    for part in parts:
        half = len(part.cells) // 2
        table = at_equal_loss(part.cells[:half], part.cells[half:])
        if table is not None:
            found.append((part, table))
    if not found:
        return Estimate(np.nan, np.nan, np.nan)
    kept, tables = zip(*found, strict=True)
    return hierarchical(together(kept, tables))


def gain_at_equal_length(parts: Parts) -> Estimate:
    """The length-controlled gain, averaged over parts; an instruction is drawn once for all."""

    def arm(place: int) -> tuple[Numbers, Numbers]:
        cells = [part.cells[place] for part in parts]
        found = [preferences_and_lengths(c.records(c.groups[0], "verdicts")) for c in cells]
        won, long = (np.stack(each) for each in zip(*found, strict=True))
        return won, long.astype(float)

    cell = parts[0].cells[0]
    reference = reference_lengths(cell.records(cell.groups[0], "verdicts")[0])
    return length_controlled_gain(arm(1), arm(0), reference)


def largest(parts: Parts) -> Estimate:
    """The largest mean of the parts, with the range over parts; of one part, its own interval."""
    if len(parts) == 1:
        return mean_estimate(values_of(parts[0].cells[0])[0])
    means = [float(np.mean(values)) for values in _arms(parts, 0)]
    return Estimate(max(means), min(means), max(means))
