"""How much a judge prefers longer answers, fitted to its verdicts on many models.

    verdicts = Verdicts(won, lengths, reference_lengths)         # a row a model
    fitted = fit(verdicts, BOUNDED, difficulty_sd=1.5)
    fitted.coefficient, fitted.scale
    held_out(verdicts, BOUNDED, difficulty_sd=1.5).log_loss      # each model left out once

The probability that the answer of model m to instruction i is preferred to the reference answer is

    sigmoid(quality_m + difficulty_i + coefficient * term(length, reference length))

so that a model's quality and what makes an instruction easy for every model are not taken for
length. It is the form of AlpacaEval 2's length control (Dubois et al. 2024) with one coefficient of
length for all models. Qualities have a normal prior with standard deviation 10, difficulties one
with `difficulty_sd`; zero leaves difficulties out. Draws count as half a win.

The coefficient is not the effect of characters as such: what comes with length within one model and
one instruction, such as further facts, is part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import t

Matrix = NDArray[np.float64]
PRIOR_SD = 10.0
NEWTON_STEPS = 50
LEFT_OUT = 1e12
"""The precision of a prior that keeps a number at zero."""
SCALES = (100.0, 5000.0)
"""Between which characters the scale of a form is sought."""


@dataclass(frozen=True)
class Verdicts:
    """A judge's verdicts on M models and N instructions, all against the same reference answers.

    Args:
        won: (M, N), 1 where the model's answer was preferred, 0 where the reference's was, 0.5 for
            a draw, NaN where there is no verdict.
        lengths: (M, N), of the models' answers in characters.
        reference_lengths: (N,), of the reference answers in characters.
    """

    won: Matrix
    lengths: Matrix
    reference_lengths: Matrix

    @property
    def differences(self) -> Matrix:
        """(M, N), by how many characters the models' answers are longer."""
        return self.lengths - self.reference_lengths

    def of_models(self, kept: NDArray[np.bool_]) -> Verdicts:
        """The verdicts on some of the models."""
        return replace(self, won=self.won[kept], lengths=self.lengths[kept])


@dataclass(frozen=True)
class Form:
    """How a preference may depend on two lengths; every term is 0 where they are equal.

    Args:
        title: for readers.
        term: gives (M, N) numbers for verdicts and a scale in characters.
        has_scale: whether the term depends on the scale, which is then fitted.
    """

    title: str
    term: Callable[[Verdicts, float], Matrix]
    has_scale: bool = False


def _log_ratio(verdicts: Verdicts) -> Matrix:
    return np.asarray(np.log((1 + verdicts.lengths) / (1 + verdicts.reference_lengths)))


def _over_own_spread(verdicts: Verdicts, _: float) -> Matrix:
    spread = np.nanstd(verdicts.differences, axis=1, keepdims=True)
    return np.asarray(np.tanh(verdicts.differences / np.where(spread > 0, spread, 1)))


def _square_root(verdicts: Verdicts, _: float) -> Matrix:
    return np.asarray(np.sign(verdicts.differences) * np.sqrt(np.abs(verdicts.differences)))


BOUNDED = Form(
    "tanh of difference / scale", lambda v, scale: np.tanh(v.differences / scale), has_scale=True
)
RELATIVE = Form("tanh of log ratio", lambda v, _: np.tanh(_log_ratio(v)))
FORMS = (
    BOUNDED,
    Form("tanh of difference / the model's own SD", _over_own_spread),
    Form("relative difference, tanh of log ratio / 2", lambda v, _: np.tanh(_log_ratio(v) / 2)),
    RELATIVE,
    Form("log ratio", lambda v, _: _log_ratio(v)),
    Form("signed square root of difference", _square_root),
    Form("difference in 1,000 characters", lambda v, _: v.differences / 1000),
    Form("no length", lambda v, _: np.zeros_like(v.lengths)),
)
"""The forms that are compared; the last one is what each must be better than."""


@dataclass(frozen=True)
class Fit:
    """A fitted preference.

    Args:
        quality: (M,), of the models.
        difficulty: (N,), of the instructions; zero where they were left out.
        coefficient: of the length.
        scale: in characters; NaN where the form has none.
        deviance: -2 times the log likelihood of the verdicts.
        parameters: how many numbers were fitted.
    """

    quality: Matrix
    difficulty: Matrix
    coefficient: float
    scale: float
    deviance: float
    parameters: int

    @property
    def aic(self) -> float:
        """Akaike's criterion; it has no meaning where difficulties are drawn to zero by a prior."""
        return self.deviance + 2 * self.parameters


@dataclass(frozen=True)
class HeldOut:
    """What a form is worth on models that it was not fitted to.

    Args:
        log_loss: nats per verdict. Of the held-out model only its quality is set by its own
            verdicts, so that no form gains anything by it over another.
        coefficients: (M,), without each model.
        scales: (M,), without each model.
    """

    log_loss: float
    coefficients: Matrix
    scales: Matrix

    def interval(self, values: Matrix, value: float) -> tuple[float, float]:
        """The jackknife's 95% interval over models around a value from all of them."""
        count = len(values)
        error = math.sqrt((count - 1) / count * float(((values - values.mean()) ** 2).sum()))
        reach = float(t.ppf(0.975, count - 1)) * error
        return value - reach, value + reach


def _log_loss(won: Matrix, logits: Matrix) -> float:
    """The summed loss of the verdicts that are there."""
    return float(np.nansum(won * np.logaddexp(0, -logits) + (1 - won) * np.logaddexp(0, logits)))


def _newton(verdicts: Verdicts, term: Matrix, difficulty_sd: float) -> Fit:
    models, instructions = verdicts.won.shape
    here = ~np.isnan(verdicts.won) & ~np.isnan(term)
    won, x = np.where(here, verdicts.won, 0), np.where(here, term, 0)
    precision = np.full(models + instructions + 1, PRIOR_SD**-2)
    precision[models:-1] = difficulty_sd**-2 if difficulty_sd > 0 else LEFT_OUT
    found = np.zeros_like(precision)

    def logits() -> Matrix:
        return np.asarray(found[:models, None] + found[models:-1] + found[-1] * x)

    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-logits()))
        residual, weight = np.where(here, won - p, 0), np.where(here, p * (1 - p), 0)
        gradient = np.r_[residual.sum(1), residual.sum(0), (residual * x).sum()]
        hessian = np.diag(np.r_[weight.sum(1), weight.sum(0), (weight * x * x).sum()] + precision)
        hessian[:models, models:-1] = weight
        hessian[models:-1, :models] = weight.T
        hessian[:-1, -1] = hessian[-1, :-1] = np.r_[(weight * x).sum(1), (weight * x).sum(0)]
        step = np.linalg.solve(hessian, gradient - precision * found)
        found += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return Fit(
        quality=found[:models],
        difficulty=found[models:-1],
        coefficient=float(found[-1]),
        scale=math.nan,
        deviance=2 * _log_loss(np.where(here, verdicts.won, np.nan), logits()),
        parameters=models + instructions * (difficulty_sd > 0) + int(x.any()),
    )


def fit(verdicts: Verdicts, form: Form, difficulty_sd: float) -> Fit:
    """Fit qualities, difficulties, the coefficient of length, and the scale where the form has one.

    Args:
        verdicts: at least two models'.
        form: of the dependence on length.
        difficulty_sd: the standard deviation of difficulties; 0 leaves them out.
    """

    def at(scale: float) -> Fit:
        return _newton(verdicts, form.term(verdicts, scale), difficulty_sd)

    if not form.has_scale:
        return at(math.nan)
    best = minimize_scalar(
        lambda log_scale: at(math.exp(log_scale)).deviance,
        bounds=np.log(SCALES),
        method="bounded",
        options={"xatol": 0.005},
    )
    scale = math.exp(float(best.x))
    found = at(scale)
    return replace(found, scale=scale, parameters=found.parameters + 1)


def held_out(verdicts: Verdicts, form: Form, difficulty_sd: float) -> HeldOut:
    """Leave each model out once, and predict its verdicts from the fit to the others."""
    count = len(verdicts.won)
    loss, fits = 0.0, []
    for left_out in range(count):
        others = np.arange(count) != left_out
        found = fit(verdicts.of_models(others), form, difficulty_sd)
        own = verdicts.of_models(~others)
        offset = found.difficulty + found.coefficient * form.term(own, found.scale)
        loss += _log_loss(own.won, offset + _quality(own.won, offset))
        fits.append(found)
    return HeldOut(
        log_loss=loss / int((~np.isnan(verdicts.won)).sum()),
        coefficients=np.array([found.coefficient for found in fits]),
        scales=np.array([found.scale for found in fits]),
    )


def _quality(won: Matrix, offset: Matrix) -> float:
    """The quality of one model, given the rest of its verdicts' logits."""
    here = ~np.isnan(won)
    quality = 0.0
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(quality + offset[here])))
        step = float((won[here] - p).sum() - quality / PRIOR_SD**2) / float(
            (p * (1 - p)).sum() + PRIOR_SD**-2
        )
        quality += max(-2.0, min(2.0, step))
        if abs(step) < 1e-8:
            break
    return quality
