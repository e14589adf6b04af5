"""A treatment against a rival where both have the same loss, with the error of where that is.

    met = at_equal_loss(noisy, [usual, *rivals], lost, [usual_loss, *rival_losses])
    hull([hierarchical(each.table) for each in met])     # met is empty where no setting has it

A regularizer that lowers a loss may win for that reason alone. So a rival's settings are a path
away from the usual training, and the rival is read off at the point where its loss is that of the
treatment. All arrays have shape (seeds, items) or, for losses, (seeds, rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
) -> tuple[Met, ...]:
    """The treatment minus a rival of the same mean loss.

    On the path the first two neighbouring settings are taken between whose mean losses that of the
    treatment lies, and their values are averaged with the weights that give this loss: on a
    straight line between the two. Settings are coarse, and neither the loss nor the values need lie
    on a line, so where the path has a third setting beside them, the same is done on the parabola
    through the three. The weights are computed from losses that have errors themselves;
    `Met.by_weight` carries these into an interval. Where settings hardly differ in loss, the
    interval becomes wide.

    Args:
        treated: values of the treatment.
        path: values of the rival's settings, from the usual training away.
        lost: losses of the treatment.
        losses: those of the settings.

    Returns:
        The comparison on the line, and on the parabola if there is one, which belong together
        (`analysis.intervals.hull`); none where the path never has that loss, or a loss is not a
        number.
    """
    wanted, means = float(np.mean(lost)), [float(np.mean(each)) for each in losses]
    for place in range(len(path) - 1):
        near, far = means[place], means[place + 1]
        if near != far and min(near, far) <= wanted <= max(near, far):
            third = place + 2 if place + 2 < len(path) else place - 1
            groups = [[place, place + 1]]
            if third >= 0:
                groups.append(sorted([place, place + 1, third]))
            return tuple(
                _read_off(treated, path, lost, losses, nodes, (place, wanted)) for nodes in groups
            )
    return ()


def _read_off(
    treated: Table,
    path: Sequence[Table],
    lost: Table,
    losses: Sequence[Table],
    nodes: Sequence[int],
    sought: tuple[int, float],
) -> Met:
    """The comparison on the polynomial through some settings, as functions of their place.

    Args:
        treated: as of `at_equal_loss`, and so the next three.
        path: values.
        lost: losses of the treatment.
        losses: those of the settings.
        nodes: the places of the settings on the path.
        sought: the place after which the loss is met, and that loss.
    """
    place, wanted = sought
    basis = [
        np.poly1d([other for other in nodes if other != node], r=True)
        / np.prod([float(node - other) for other in nodes if other != node])
        for node in nodes
    ]
    means = [float(np.mean(losses[node])) for node in nodes]
    loss = sum((mean * each for mean, each in zip(means, basis, strict=True)), np.poly1d([0.0]))
    roots = (loss - wanted).roots
    # The loss passes the wanted value once between the two places, or has it at one of them.
    at = min(roots, key=lambda root: abs(root.imag) + max(place - root.real, root.real - place - 1))
    weights = [float(each(at.real)) for each in basis]
    slopes = [float(each.deriv()(at.real)) for each in basis]
    rises = sum(slope * mean for slope, mean in zip(slopes, means, strict=True))
    gains = sum(s * float(np.nanmean(path[n])) for s, n in zip(slopes, nodes, strict=True))
    rival = sum((w * path[n] for w, n in zip(weights, nodes, strict=True)), np.zeros_like(treated))
    apart = lost - sum(
        (w * losses[n] for w, n in zip(weights, nodes, strict=True)), np.zeros_like(lost)
    )
    return Met(treated - rival, -gains / rises * apart)


def side(lost: Table, losses: Sequence[Table]) -> str:
    """Where the treatment's loss lies if no setting of the rival has it: lower or higher than all.

    A loss that is not a number, of a training that diverged, is `not known`.

    Args:
        lost: as of `at_equal_loss`.
        losses: as of `at_equal_loss`.
    """
    wanted, means = float(np.mean(lost)), [float(np.mean(each)) for each in losses]
    if np.isnan([wanted, *means]).any():
        return "not known"
    return "lower" if wanted < min(means) else "higher"
