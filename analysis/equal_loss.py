"""A treatment against a rival where both have the same loss, with the error of where that is.

    met = at_equal_loss(noisy, [usual, *rivals], lost, [usual_loss, *rival_losses])
    hierarchical(met.table)                              # None where the path never has that loss

A regularizer that lowers a loss may win for that reason alone. So a rival's settings are a path
away from the usual training, and the rival is read off at the point where its loss is that of the
treatment. All arrays have shape (seeds, items) or, for losses, (seeds, rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Met:
    """The treatment minus a rival where their losses are equal.

    Args:
        difference: by seed and item.
        by_weight: by seed and row of the loss, what an error of the losses changes the mean
            difference by, to first order; its mean is 0.
    """

    difference: Table
    by_weight: Table

    @property
    def table(self) -> Table:
        """Both in one table of shape (seeds, items and rows), whose mean is the mean difference."""
        count = self.difference.shape[1] + self.by_weight.shape[1]
        scaled = [part * (count / part.shape[1]) for part in (self.difference, self.by_weight)]
        return np.concatenate(scaled, axis=1)


def at_equal_loss(
    treated: Table, path: Sequence[Table], lost: Table, losses: Sequence[Table]
) -> Met | None:
    """The treatment minus a rival of the same mean loss.

    On the path the first two neighbouring settings are taken between whose mean losses that of the
    treatment lies, and their values are averaged with the weights that give this loss. The weights
    are computed from losses that have errors themselves; `Met.by_weight` carries these into an
    interval. Where two settings hardly differ in loss, the interval becomes wide.

    Args:
        treated: values of the treatment.
        path: values of the rival's settings, from the usual training away.
        lost: losses of the treatment.
        losses: those of the settings.

    Returns:
        The comparison; None where the path never has that loss.
    """
    wanted = float(np.mean(lost))
    for place, (here, there) in enumerate(pairwise(losses)):
        near, far = float(np.mean(here)), float(np.mean(there))
        if near != far and min(near, far) <= wanted <= max(near, far):
            weight = (wanted - near) / (far - near)
            first, second = path[place], path[place + 1]
            slope = (np.nanmean(first) - np.nanmean(second)) / (far - near)
            return Met(
                treated - (1 - weight) * first - weight * second,
                slope * (lost - (1 - weight) * here - weight * there),
            )
    return None


def side(lost: Table, losses: Sequence[Table]) -> str:
    """Where the treatment's loss lies if no setting of the rival has it: lower or higher than all.

    Args:
        lost: as of `at_equal_loss`.
        losses: as of `at_equal_loss`.
    """
    return "lower" if np.mean(lost) < min(map(np.mean, losses)) else "higher"
