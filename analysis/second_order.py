"""The second-order prediction of what noise does to the loss, and whether it agrees.

    predicted_rise(5.0, lengths, d, traces)              # ½ σ² tr(H), nats, one an example
    agreement(predicted, rise)                           # "holds", "not resolved", "does not hold"

The derivation is in docs/theory.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import Estimate

CLOSE = 0.2
"""The prediction counts as right if it is off by at most this share of the measured rise."""

Agreement = Literal["holds", "not resolved", "does not hold"]


def predicted_rise(
    alpha: float, lengths: NDArray[np.float64], d: int, traces: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The expected rise of each example's summed loss to second order, ½ σ² tr(H).

    Args:
        alpha: of uniform noise.
        lengths: (S,), L of each example.
        d: embedding dimension.
        traces: (S,), the trace of the Hessian of each example's summed loss in its embeddings.

    Returns:
        (S,), in nats.

    Source:
        docs/theory.md; σ² = alpha² / (3 L d) is the variance of an entry of the noise.
    """
    return traces * alpha**2 / (6 * lengths * d)


def agreement(predicted: Estimate, rise: Estimate) -> Agreement:
    """Whether a predicted rise is right.

    Args:
        predicted: with its interval, which has the spread of the probes in it.
        rise: the measured one.

    Returns:
        `holds` where the prediction lies in the interval of the measured rise or is off by at most
        20%; else `not resolved` where the two intervals overlap.
    """
    within = rise.low <= predicted.value <= rise.high
    if within or abs(predicted.value - rise.value) <= CLOSE * abs(rise.value):
        return "holds"
    overlap = predicted.low <= rise.high and rise.low <= predicted.high
    return "not resolved" if overlap else "does not hold"


def reach(found: Mapping[float, Agreement]) -> tuple[float, float | None]:
    """How far the prediction is known to be right, and where it is first known to be wrong.

    Args:
        found: the agreement by alpha.

    Returns:
        The largest alpha up to which it holds at every alpha, 0 where it does not even at the
        smallest; and the smallest alpha at which it does not hold, None where there is none.
    """
    largest = 0.0
    for alpha in sorted(found):
        if found[alpha] != "holds":
            break
        largest = alpha
    return largest, min((a for a, each in found.items() if each == "does not hold"), default=None)
