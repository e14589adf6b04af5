"""Length-controlled win rates: the win rate to expect if both answers were equally long.

    estimate = length_controlled_win_rate(preferences, lengths, reference_lengths)

The model is that of AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475) without its term for the
difficulty of an instruction, which needs the verdicts of a hundred other models:

    P(model preferred) = sigmoid(theta + phi tanh((len_model - len_reference) / s))

Here s is the standard deviation of the length difference in characters. A draw counts as half a win
and half a loss. Both coefficients have a normal prior with standard deviation 10, so that the fit
exists even if one side always wins. The length-controlled win rate is 100 sigmoid(theta).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.intervals import Estimate, percentile_estimate, resamples, wins

PRIOR_SD = 10.0
NEWTON_STEPS = 25


def fit(won: NDArray[np.float64], difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit theta and phi by Newton's method, for many samples at once.

    Args:
        won: shape (..., N), shares of a win between 0 and 1.
        difference: shape (..., N), length differences in characters.

    Returns:
        Shape (..., 2), theta and phi.
    """
    spread = difference.std(axis=-1, keepdims=True)
    x = np.tanh(difference / np.where(spread > 0, spread, 1))
    coefficients = np.zeros((*won.shape[:-1], 2))
    prior = np.eye(2) / PRIOR_SD**2
    for _ in range(NEWTON_STEPS):
        theta, phi = coefficients[..., :1], coefficients[..., 1:]
        p = 1 / (1 + np.exp(-(theta + phi * x)))
        residual, weight = won - p, p * (1 - p)
        gradient = np.stack([residual.sum(-1), (residual * x).sum(-1)], axis=-1)
        gradient -= coefficients / PRIOR_SD**2
        cross = (weight * x).sum(-1)
        hessian = np.stack(
            [
                np.stack([weight.sum(-1), cross], axis=-1),
                np.stack([cross, (weight * x * x).sum(-1)], axis=-1),
            ],
            axis=-2,
        )
        step = np.linalg.solve(hessian + prior, gradient[..., None])[..., 0]
        coefficients = coefficients + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return coefficients


def _rates(won: NDArray[np.float64], difference: NDArray[np.float64]) -> NDArray[np.float64]:
    theta = fit(won, difference)[..., 0]
    return np.asarray(100 / (1 + np.exp(-theta)))


def _clean(
    preferences: ArrayLike, lengths: ArrayLike, reference_lengths: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    won = wins(preferences)
    own = np.asarray(lengths, dtype=np.float64)
    own = own.mean(axis=0) if own.ndim == 2 else own
    return won, own - np.asarray(reference_lengths, dtype=np.float64)


def length_controlled_win_rate(
    preferences: ArrayLike, lengths: ArrayLike, reference_lengths: ArrayLike
) -> Estimate:
    """Compute the length-controlled win rate with its bootstrap interval over instructions.

    Args:
        preferences: shape (instructions,) or (seeds, instructions); see `analysis.intervals`.
        lengths: of the model's answers in characters, same shape; seeds are averaged.
        reference_lengths: of the reference answers in characters, shape (instructions,).

    Returns:
        The win rate in per cent.
    """
    won, difference = _clean(preferences, lengths, reference_lengths)
    kept = ~np.isnan(won)
    won, difference = won[kept], difference[kept]
    draws = resamples(len(won))
    return percentile_estimate(
        float(_rates(won, difference)), _rates(won[draws], difference[draws])
    )


def length_controlled_gain(
    baseline: tuple[ArrayLike, ArrayLike],
    treated: tuple[ArrayLike, ArrayLike],
    reference_lengths: ArrayLike,
) -> Estimate:
    """Compute the difference of two length-controlled win rates, paired by instruction.

    Args:
        baseline: preferences and lengths of one model, as in `length_controlled_win_rate`.
        treated: preferences and lengths of the other.
        reference_lengths: of the reference answers in characters, shape (instructions,).

    Returns:
        The win rate of `treated` minus that of `baseline`, in percentage points.
    """
    first = _clean(*baseline, reference_lengths)
    second = _clean(*treated, reference_lengths)
    kept = ~(np.isnan(first[0]) | np.isnan(second[0]))
    won_1, far_1, won_2, far_2 = (values[kept] for values in (*first, *second))
    draws = resamples(len(won_1))
    return percentile_estimate(
        float(_rates(won_2, far_2) - _rates(won_1, far_1)),
        _rates(won_2[draws], far_2[draws]) - _rates(won_1[draws], far_1[draws]),
    )
