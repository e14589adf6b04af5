"""Length-controlled win rates: the win rate to expect if both answers were equally long.

    estimate = length_controlled_win_rate(preferences, lengths, reference_lengths)
    gain = length_controlled_gain(baseline, treated, reference_lengths)     # pairs of both arrays
    length_controlled_win_rate(…, calibration=ALPACA_EVAL)                  # GPT-4's verdicts
    over_forms(lambda form: length_controlled_gain(…, form=form))           # how much it depends

The model is AlpacaEval 2.0's (Dubois et al. 2024, arXiv 2404.04475). For run m and instruction x,

    P(preferred) = sigmoid(theta_m + phi_m tanh((len_model - len_reference) / s_m) + psi_m g_x)

with s the standard deviation of the length difference in characters and g_x how easy instruction x
is. A draw counts as half a win and half a loss. The length-controlled win rate is the mean over
instructions of 100 sigmoid(theta + psi g_x): no difference in length, and the same instructions.

AlpacaEval does not fit phi and psi freely. It adds the verdicts on a baseline that was told to be
verbose or concise, with a tenth of the weight, and so pulls phi towards what such gaming brings.
That is needed where hardly any answer is as short as the reference. A `Calibration` holds what it
does that with: g, and the values towards which phi and psi are pulled, with AlpacaEval's strength.

- `FREE` is for one's own runs, and the default: no g, and nothing is pulled. It serves any judge,
  and a value does not depend on how many runs there are.
- `calibrate` estimates g and phi from many models: one regression of all of them, with a theta for
  each, one phi, psi held at 1, as Dubois et al. estimate g, and one g for each instruction. g has a
  normal prior whose variance is estimated with it (by expectation maximisation). Seeds of one model
  do not do: their answers to an instruction are alike, so that g takes what is due to length.
- `ALPACA_EVAL` is for GPT-4's public verdicts: the pull of AlpacaEval's gamed baseline, and no g.
  AlpacaEval's g is of verdicts against GPT-4 Turbo and not part of its package; who has the file
  can pass a `Calibration` with it. `analysis.official_check` compares with the official values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.intervals import Estimate, influence_estimate

Form = Literal["tanh", "signed root", "linear", "log ratio"]
FORMS: tuple[Form, ...] = ("tanh", "signed root", "linear", "log ratio")
"""What the length difference may enter as; AlpacaEval's is the first."""

LENGTH_SD = 13**-0.5
"""Prior standard deviation of phi. AlpacaEval's 1,610 verdicts on gamed baselines have weight 0.1
each; 161 verdicts that are won with probability near 0.3 or 0.7, at |tanh| near 0.6, have about
this information on phi."""

DIFFICULTY_SD = 0.1
RATE_SD = 10.0
"""Of theta, wide, so that the fit exists even if one side always wins."""

GAMED_PHI = 1.6
"""AlpacaEval's own fits of gpt4_1106_preview_verbose and _concise: 1.58 and 1.64 (its repository,
metrics/weights/weighted_alpaca_eval_gpt4_turbo/length_controlled_v1)."""

LEAST_VARIANCE = 1e-3
STEPS = 50
TOLERANCE = 1e-9

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What the coefficients of a fit are pulled towards.

    Args:
        difficulty: g, shape (instructions,), high where an instruction is easy to win; one number
            where the model has no such term.
        phi: towards which phi is pulled. psi is pulled towards 1.
        phi_sd: standard deviation of phi's prior; the smaller, the stronger the pull.
    """

    difficulty: Table
    phi: float
    phi_sd: float = LENGTH_SD


FREE = Calibration(np.zeros(1), 0.0, RATE_SD)
"""For one's own runs."""

ALPACA_EVAL = Calibration(np.zeros(1), GAMED_PHI)
"""For GPT-4's public verdicts on AlpacaEval's instructions."""


def calibrate(
    preferences: ArrayLike,
    lengths: ArrayLike,
    reference_lengths: ArrayLike,
    form: Form = "tanh",
) -> Calibration:
    """Estimate g and phi from the verdicts on many models.

    Args:
        preferences: shape (models, instructions); NaN where a verdict is missing.
        lengths: of the answers in characters, same shape.
        reference_lengths: of the reference answers in characters, shape (instructions,).
        form: what the length difference enters as.
    """
    won = np.atleast_2d(np.asarray(preferences, dtype=np.float64)) - 1
    present = ~np.isnan(won)
    x = np.stack([length_term(row, reference_lengths, form) for row in np.atleast_2d(lengths)])
    theta, phi, g, variance = np.zeros((len(won), 1)), 0.0, np.zeros(won.shape[1]), 1.0
    for _ in range(10 * STEPS):
        before = np.concatenate([theta.ravel(), [phi], g])
        error, weight = _residual(won, present, theta + phi * x + g)
        information = weight.sum(axis=0) + 1 / variance
        g = g + (error.sum(axis=0) - g / variance) / information
        variance = max(float(np.mean(g**2 + 1 / information)), LEAST_VARIANCE)
        error, weight = _residual(won, present, theta + phi * x + g)
        theta = theta + np.clip(
            (error.sum(axis=1, keepdims=True) - theta / RATE_SD**2)
            / (weight.sum(axis=1, keepdims=True) + 1 / RATE_SD**2),
            -2,
            2,
        )
        error, weight = _residual(won, present, theta + phi * x + g)
        slope = ((error * x).sum() - phi / RATE_SD**2) / ((weight * x * x).sum() + 1 / RATE_SD**2)
        phi = phi + float(np.clip(slope, -2, 2))
        if np.abs(np.concatenate([theta.ravel(), [phi], g]) - before).max() < 1e-5:
            break
    return Calibration(g - g.mean(), phi)


def _residual(won: Table, present: NDArray[np.bool_], score: Table) -> tuple[Table, Table]:
    p = 1 / (1 + np.exp(-score))
    return np.where(present, won - p, 0.0), np.where(present, p * (1 - p), 0.0)


def length_term(lengths: ArrayLike, reference_lengths: ArrayLike, form: Form = "tanh") -> Table:
    """What the length difference of one run enters the model as.

    Every form has the root mean square of AlpacaEval's, so that phi means the same in all of them.

    Args:
        lengths: of the answers in characters.
        reference_lengths: of the reference answers, same shape.
        form: `tanh` of the difference in standard deviations; its `signed root`; the difference
            itself (`linear`); the logarithm of the two lengths' ratio.
    """
    own, other = (np.asarray(each, dtype=np.float64) for each in (lengths, reference_lengths))
    difference = own - other
    spread = difference.std(ddof=1) if difference.size > 1 else 0.0
    scaled = difference / (spread if spread > 0 else 1.0)
    tanh = np.tanh(scaled)
    if form == "tanh":
        return tanh
    if form == "signed root":
        term = np.sign(scaled) * np.sqrt(np.abs(scaled))
    elif form == "linear":
        term = scaled
    else:
        term = np.log((own + 1) / (other + 1))
    size = np.sqrt(np.mean(term**2))
    return np.asarray(term * (np.sqrt(np.mean(tanh**2)) / size if size > 0 else 1.0))


def fit(won: Table, columns: Table, target: Table, spread: Table, weight: Table) -> Table:
    """Fit a logistic regression with normal priors by Newton's method.

    Args:
        won: shape (observations,), shares of a win from 0 to 1.
        columns: shape (observations, coefficients).
        target: prior means of the coefficients.
        spread: prior standard deviations of the coefficients.
        weight: of each observation.

    Returns:
        The coefficients.
    """
    coefficients = target.astype(np.float64).copy()
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-columns @ coefficients))
        gradient = columns.T @ (weight * (won - p)) - (coefficients - target) / spread**2
        step = np.linalg.solve(_curvature(columns, weight * p * (1 - p), spread), gradient)
        coefficients = coefficients + np.clip(step, -2, 2)
        if np.abs(step).max() < TOLERANCE:
            break
    return coefficients


def _curvature(columns: Table, weight: Table, spread: Table) -> Table:
    return np.asarray((columns * weight[:, None]).T @ columns + np.diag(1 / spread**2))


@dataclass(frozen=True)
class _Controlled:
    """A length-controlled win rate in per cent and the influence of each seed's verdicts on it."""

    rate: float
    influence: Table


def _controlled(
    preferences: Table, lengths: Table, reference: Table, how: Calibration, form: Form
) -> _Controlled:
    """Fit the runs of one arm, one a seed, together; each has the weight of 1 / seeds."""
    won = preferences - 1
    seeds, items = won.shape
    present = ~np.isnan(won)
    x = np.stack([length_term(row, reference, form) for row in lengths])
    columns = np.stack([np.ones_like(x), x, np.broadcast_to(how.difficulty, x.shape)], axis=-1)
    flat, kept = columns.reshape(-1, 3), present.ravel()
    target = np.array([0.0, how.phi, 1.0])
    spread = np.array([RATE_SD, how.phi_sd, DIFFICULTY_SD])
    weight = kept / seeds
    filled = np.where(present, won, 0.0).ravel()
    found = fit(filled, flat, target, spread, weight)
    p = 1 / (1 + np.exp(-flat @ found))
    equal = np.array([1.0, 0.0, 1.0]) * columns[0]
    rates = 1 / (1 + np.exp(-equal @ found))
    slope = ((rates * (1 - rates))[:, None] * equal).mean(axis=0)
    push = np.linalg.solve(_curvature(flat, weight * p * (1 - p), spread), slope)
    by_fit = (weight * (filled - p) * (flat @ push)).reshape(seeds, items)
    by_item = np.where(present, (rates - rates.mean()) / (seeds * items), 0.0)
    return _Controlled(float(100 * rates.mean()), 100 * (by_fit + by_item))


def _sets(preferences: ArrayLike, lengths: ArrayLike) -> tuple[Table, Table]:
    """Preferences and lengths of one arm, shape (sets, seeds, instructions)."""
    shaped = [np.asarray(each, dtype=np.float64) for each in (preferences, lengths)]
    liked, long = (each.reshape((1,) * (3 - each.ndim) + each.shape) for each in shaped)
    return liked, long


def _mean_over_sets(
    arm: tuple[Table, Table], reference: Table, how: Calibration, form: Form
) -> _Controlled:
    parts = [_controlled(p, n, reference, how, form) for p, n in zip(*arm, strict=True)]
    return _Controlled(
        float(np.mean([part.rate for part in parts])),
        np.mean([part.influence for part in parts], axis=0),
    )


def length_controlled_win_rate(
    preferences: ArrayLike,
    lengths: ArrayLike,
    reference_lengths: ArrayLike,
    calibration: Calibration = FREE,
    form: Form = "tanh",
) -> Estimate:
    """Compute the length-controlled win rate, with an interval over seeds and instructions.

    Args:
        preferences: shape (instructions,), (seeds, instructions), or (sets, seeds, instructions)
            for the mean over sets that were judged on the same instructions; see
            `analysis.intervals`. An instruction is drawn once for all its sets.
        lengths: of the model's answers in characters, same shape.
        reference_lengths: of the reference answers in characters, shape (instructions,).
        calibration: what the coefficients are pulled towards.
        form: what the length difference enters as.

    Returns:
        The win rate in per cent.
    """
    arm = _sets(preferences, lengths)
    reference = np.asarray(reference_lengths, dtype=np.float64)
    found = _mean_over_sets(arm, reference, calibration, form)
    return influence_estimate(found.rate, found.influence)


def length_controlled_gain(
    baseline: tuple[ArrayLike, ArrayLike],
    treated: tuple[ArrayLike, ArrayLike],
    reference_lengths: ArrayLike,
    calibration: Calibration = FREE,
    form: Form = "tanh",
) -> Estimate:
    """Compute the difference of two length-controlled win rates, paired by seed and instruction.

    Args:
        baseline: preferences and lengths of one model, as in `length_controlled_win_rate`.
        treated: preferences and lengths of the other.
        reference_lengths: of the reference answers in characters, shape (instructions,).
        calibration: what the coefficients are pulled towards.
        form: what the length difference enters as.

    Returns:
        The win rate of `treated` minus that of `baseline`, in percentage points.
    """
    first, second = _sets(*baseline), _sets(*treated)
    reference = np.asarray(reference_lengths, dtype=np.float64)
    before = _mean_over_sets(first, reference, calibration, form)
    after = _mean_over_sets(second, reference, calibration, form)
    return influence_estimate(after.rate - before.rate, after.influence - before.influence)


def over_forms(estimate: Callable[[Form], Estimate]) -> dict[str, Estimate]:
    """Make an estimate with every form of the length difference.

    Args:
        estimate: from a form, such as `lambda form: length_controlled_gain(…, form=form)`.

    Returns:
        By form; AlpacaEval's is the first.
    """
    return {form: estimate(form) for form in FORMS}
