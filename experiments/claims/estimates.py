"""From the parts of a measure to one estimate: of all parts, or of one alone.

difference(parts)                                    # paired by seed and item

A part is a set, a task or a model; its cells are the arms that are compared. Parts in which the
same items occur (an instruction that is asked after tuning on four sets) are averaged item by item
before any resampling, so that an item counts once. Other parts have equal weights, whatever their
number of items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from analysis.equal_loss import Met, at_equal_loss
from analysis.intervals import Estimate, hierarchical, hull, mean_estimate
from analysis.length_control import length_controlled_gain, over_forms
from experiments.cells.cell import Cell, values_of
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
    """The first arm minus a rival of the same loss (`analysis/equal_loss.py`).

    The cells of a part are the arm with noise, the rival's settings from the usual training away,
    and then the losses of the same arms in the same order. Parts whose path never has the loss of
    the noise are left out. The interval contains the error of where the losses are equal, and how
    far a parabola through three settings is from the line through two.

    Returns:
        The estimate; NaN if no part is left.
    """
    found: list[tuple[Part, tuple[Met, ...]]] = []
    for part in parts:
        noisy, *path = map(values_of, halves(part)[0])
        lost, *losses = losses_of(part)
        if met := at_equal_loss(noisy, path, lost, losses):
            found.append((part, met))
    if not found:
        return Estimate(np.nan, np.nan, np.nan)
    pieces = [
        each for part, _ in found for each in (part, replace(part, items=f"rows of {part.title}"))
    ]
    ways = []
    for way in range(max(len(met) for _, met in found)):
        mets = [met[min(way, len(met) - 1)] for _, met in found]
        # Of 2 n tables each has the weight 1 / 2 n, and each pair is to have 1 / n.
        tables = [2 * table for met in mets for table in (met.difference, met.by_weight)]
        ways.append(hierarchical(together(pieces, tables)))
    return hull(ways)


def halves(part: Part) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """The compared cells of a part, and the cells of the losses of the same arms."""
    half = len(part.cells) // 2
    return part.cells[:half], part.cells[half:]


def losses_of(part: Part) -> list[Numbers]:
    """The losses of the arms of such a part, the noise's first."""
    return [values_of(cell) for cell in halves(part)[1]]


def gain_at_equal_length(parts: Parts) -> Estimate:
    """The length-controlled gain, averaged over parts; an instruction is drawn once for all.

    Returns:
        The value in AlpacaEval's form, with an interval from the lowest to the highest end over all
        forms in which the difference in length may enter: what one form alone says is no evidence.
    """

    def arm(place: int) -> tuple[Numbers, Numbers]:
        cells = [part.cells[place] for part in parts]
        found = [preferences_and_lengths(c.records(c.groups[0], "verdicts")) for c in cells]
        won, long = (np.stack(each) for each in zip(*found, strict=True))
        return won, long.astype(float)

    cell = parts[0].cells[0]
    reference = reference_lengths(cell.records(cell.groups[0], "verdicts")[0])
    before, after = arm(1), arm(0)
    found = over_forms(lambda form: length_controlled_gain(before, after, reference, form=form))
    return hull(list(found.values()))


def largest(parts: Parts) -> Estimate:
    """The mean of the part in which it is largest, between the largest of all ends.

    What is claimed of every model holds if it does for each, and does not if it does not for one.
    """
    found = [mean_estimate(values[0]) for values in _arms(parts, 0)]
    return Estimate(*(max(ends) for ends in zip(*map(astuple, found), strict=True)))
