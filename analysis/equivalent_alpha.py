"""Which alpha does to one model what another alpha does to another: alphas of equal dose.

    there = {1.0: 0.004, 5.0: 0.097, 15.0: 2.3}          # KL divergence by alpha
    kl = kl_at(15, here)
    alpha_at(kl, there)                                  # Equivalent(4.2, "")

Between the measured alphas, log KL is interpolated linearly in log alpha: for small noise KL grows
with the square of alpha (docs/theory.md), which is a straight line there. Nothing is extrapolated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Curve = Mapping[float, float]
"""A KL divergence in nats per token by alpha; what is not above 0 is left out."""


@dataclass(frozen=True)
class Equivalent:
    """An alpha of equal dose.

    Args:
        alpha: the alpha, or the nearest one that was measured.
        outside: `below` or `above`, where the dose is outside of what was measured.
    """

    alpha: float
    outside: Literal["", "below", "above"] = ""


def _points(curve: Curve) -> list[tuple[float, float]]:
    """The measured points as logarithms, in the order of alpha."""
    found = [(math.log(a), math.log(kl)) for a, kl in sorted(curve.items()) if a > 0 and kl > 0]
    if not found:
        raise ValueError("no alpha was measured at which the noise changes anything")
    return found


def alpha_at(kl: float, curve: Curve) -> Equivalent:
    """Find the smallest alpha at which a curve reaches a KL divergence.

    Args:
        kl: above 0, in nats per token.
        curve: of the model in which the alpha is wanted.

    Raises:
        ValueError: the curve has no point above 0.
    """
    points = _points(curve)
    wanted = math.log(kl)
    if wanted < points[0][1]:
        return Equivalent(math.exp(points[0][0]), "below")
    for (x, y), (further, higher) in pairwise(points):
        if wanted <= higher:
            share = (wanted - y) / (higher - y) if higher > y else 0.0
            return Equivalent(math.exp(x + share * (further - x)))
    if len(points) > 1 or wanted > points[0][1]:
        return Equivalent(math.exp(points[-1][0]), "above")
    return Equivalent(math.exp(points[0][0]))


def kl_at(alpha: float, curve: Curve) -> float | None:
    """The KL divergence of an alpha; None outside of what was measured.

    Args:
        alpha: above 0.
        curve: of the model.

    Raises:
        ValueError: the curve has no point above 0.
    """
    points = _points(curve)
    wanted = math.log(alpha)
    for x, y in points:
        if math.isclose(x, wanted):
            return math.exp(y)
    for (x, y), (further, higher) in pairwise(points):
        if x < wanted < further:
            return math.exp(y + (higher - y) * (wanted - x) / (further - x))
    return None
