"""Noise against a rival of the same held-out loss: the fair comparison of two regularizers.

    found = at_equal_loss([noise, usual, *settings], [their held-out losses])
    hierarchical(found)                                  # of each seed and item; None: never equal

A regularizer that lowers the held-out loss may win for that reason alone. So a rival's settings are
a path away from the usual training, and it is read off at the point where its held-out loss is that
of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from experiments.cells.cell import Cell, values_of
from experiments.runs.record import Numbers


def at_equal_loss(cells: Sequence[Cell], losses: Sequence[Cell]) -> Numbers | None:
    """The first cell minus a rival of the same held-out loss, by seed and item.

    On the rival's path the first two neighbouring settings are taken between whose mean losses that
    of the first cell lies, and their values are averaged with the weights that give this loss. What
    is computed from the result is conditional on the weights.

    Args:
        cells: the noise, then the rival's settings from the usual training away.
        losses: held-out losses of the same runs in the same order.

    Returns:
        Shape (seeds, items); None where the path never has that loss.
    """
    noisy, *rivals = map(values_of, cells)
    wanted, *met = (float(np.mean(values_of(cell))) for cell in losses)
    for place, (here, there) in enumerate(pairwise(met)):
        if min(here, there) <= wanted <= max(here, there):
            weight = (wanted - here) / (there - here) if there != here else 0.0
            mixed: Numbers = noisy - (1 - weight) * rivals[place] - weight * rivals[place + 1]
            return mixed
    return None
