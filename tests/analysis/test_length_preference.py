"""The fit of a judge's length preference finds what verdicts were drawn from."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.length_preference import BOUNDED, FORMS, Form, Verdicts, fit, held_out

BY_TITLE = {form.title: form for form in FORMS}
NO_LENGTH, LOG_RATIO = BY_TITLE["no length"], BY_TITLE["log ratio"]


def drawn(coefficient: float, scale: float = 600.0, models: int = 16, seed: int = 0) -> Verdicts:
    """Verdicts by a bounded preference, where better models also write more."""
    rng = np.random.default_rng(seed)
    reference = rng.gamma(2, 150, 300)
    quality = rng.normal(0, 1, models)
    shape = (models, len(reference))
    lengths = np.maximum(1, reference + 200 * quality[:, None] + rng.normal(0, 500, shape))
    logits = quality[:, None] + rng.normal(0, 1, len(reference))
    logits = logits + coefficient * np.tanh((lengths - reference) / scale)
    won: NDArray[np.float64] = (rng.random(shape) < 1 / (1 + np.exp(-logits))).astype(float)
    won[rng.random(shape) < 0.01] = np.nan
    won[rng.random(shape) < 0.01] = 0.5
    return Verdicts(won, lengths, reference)


@pytest.mark.parametrize("coefficient", (0.0, 2.0))
def test_the_coefficient_is_found(coefficient: float) -> None:
    verdicts = drawn(coefficient)
    at_scale = Form("bounded", lambda v, _: np.tanh(v.differences / 600))
    found, left_out = fit(verdicts, at_scale, 1), held_out(verdicts, at_scale, 1)
    low, high = left_out.interval(left_out.coefficients, found.coefficient)
    assert low < coefficient < high
    assert high - low < 0.6


def test_the_scale_is_found() -> None:
    found = fit(drawn(2.0, models=80), BOUNDED, 1)
    assert found.scale == pytest.approx(600, rel=0.25)
    assert found.coefficient == pytest.approx(2, abs=0.3)


def test_quality_and_difficulty_are_not_taken_for_length() -> None:
    verdicts = drawn(0.0)
    found = fit(verdicts, LOG_RATIO, 1)
    assert found.coefficient == pytest.approx(0, abs=0.15)
    raw = np.corrcoef(np.nan_to_num(verdicts.won, nan=0.5).mean(1), verdicts.lengths.mean(1))
    assert raw[0, 1] > 0.5


def test_the_form_that_verdicts_were_drawn_from_predicts_best_what_was_held_out() -> None:
    verdicts = drawn(2.0, scale=300, models=10)
    losses = {f.title: held_out(verdicts, f, 1).log_loss for f in (BOUNDED, LOG_RATIO, NO_LENGTH)}
    assert min(losses, key=losses.__getitem__) == BOUNDED.title
    assert max(losses, key=losses.__getitem__) == NO_LENGTH.title


def test_more_numbers_fit_better_and_are_counted() -> None:
    verdicts = drawn(1.0, models=6)
    without, plain, bounded = (fit(verdicts, f, 0) for f in (NO_LENGTH, LOG_RATIO, BOUNDED))
    assert (without.parameters, plain.parameters, bounded.parameters) == (6, 7, 8)
    assert without.deviance > plain.deviance
    assert np.allclose(without.difficulty, 0, atol=1e-6)
    assert fit(verdicts, NO_LENGTH, 1).deviance < without.deviance


@pytest.mark.parametrize("form", FORMS, ids=BY_TITLE)
def test_equal_lengths_count_for_neither(form: Form) -> None:
    lengths = np.array([[10.0, 20.0, 700.0]])
    verdicts = Verdicts(np.ones((1, 3)), lengths, lengths[0])
    assert np.all(form.term(verdicts, 500.0) == 0)
