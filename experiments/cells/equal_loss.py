"""Noise against a rival of the same loss: the fair comparison of two regularizers.

    losses = [of the noise, of the usual training, *of the rival's settings]
    met = at_equal_loss(wins, losses)                    # None where the path never has that loss
    hierarchical(met.table)                              # with the error of where the losses meet

Noise that lowers a loss may win for that reason alone. So a rival's settings are a path away from
the usual training, and the rival is read off at the point where its loss is that of the noise. The
loss may be the held-out one, or that on the training set: how far a training has fitted its rows.
The second always grows on a path away from the usual training, so a path can be expected to have
the loss of the noise. The held-out loss is lowest near the usual training, whose learning rate was
chosen by it; where that of the noise is lower still, no setting of a rival has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from experiments.cells.cell import Cell, values_of
from experiments.runs.record import Numbers


@dataclass(frozen=True)
class Met:
    """The noise minus a rival where their losses are equal.

    Args:
        difference: by seed and item.
        by_weight: by seed and row of the loss, what an error of the losses changes the mean
            difference by, to first order; its mean is 0.
    """

    difference: Numbers
    by_weight: Numbers

    @property
    def table(self) -> Numbers:
        """Both in one table of shape (seeds, items and rows), whose mean is the mean difference."""
        count = self.difference.shape[1] + self.by_weight.shape[1]
        scaled = [part * (count / part.shape[1]) for part in (self.difference, self.by_weight)]
        return np.concatenate(scaled, axis=1)


def at_equal_loss(cells: Sequence[Cell], losses: Sequence[Cell]) -> Met | None:
    """The first cell minus a rival of the same loss, by seed and item.

    On the rival's path the first two neighbouring settings are taken between whose mean losses that
    of the first cell lies, and their values are averaged with the weights that give this loss. The
    weights are computed from losses that have errors themselves; `Met.by_weight` carries these into
    an interval. Where two settings hardly differ in loss, the interval becomes wide.

    Args:
        cells: the noise, the usual training, and the rival's settings away from it.
        losses: of the same runs in the same order.

    Returns:
        The comparison; None where the path never has that loss.
    """
    noisy, *rivals = map(values_of, cells)
    lost, *met = map(values_of, losses)
    wanted = float(np.mean(lost))
    for place, (here, there) in enumerate(pairwise(met)):
        low, high = float(np.mean(here)), float(np.mean(there))
        if low != high and min(low, high) <= wanted <= max(low, high):
            weight = (wanted - low) / (high - low)
            first, second = rivals[place], rivals[place + 1]
            slope = (np.nanmean(first) - np.nanmean(second)) / (high - low)
            return Met(
                noisy - (1 - weight) * first - weight * second,
                slope * (lost - (1 - weight) * here - weight * there),
            )
    return None


def side(losses: Sequence[Cell]) -> str:
    """Where the loss of the noise lies if no setting of the rival has it: lower or higher than all.

    Args:
        losses: as of `at_equal_loss`.
    """
    wanted, *met = (float(np.mean(values_of(cell))) for cell in losses)
    return "lower" if wanted < min(met) else "higher"
