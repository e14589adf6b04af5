"""Alphas of equal dose: interpolation within what was measured, and a word outside of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.equivalent_alpha import alpha_at, kl_at

ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
HERE = {alpha: 0.0004 * alpha**2 for alpha in ALPHAS}
THERE = {alpha: 0.01 * alpha**2 for alpha in ALPHAS}


@given(st.floats(1, 45), st.floats(0.5, 3), st.floats(1e-5, 1))
def test_a_power_of_alpha_is_interpolated_exactly(alpha: float, power: float, level: float) -> None:
    curve = {each: level * each**power for each in ALPHAS}
    kl = kl_at(alpha, curve)
    assert kl == pytest.approx(level * alpha**power, rel=1e-6)
    assert kl is not None
    assert alpha_at(kl * (1 - 1e-9), curve).alpha == pytest.approx(alpha, rel=1e-6)


def test_equal_doses_are_a_fifth_apart_where_kl_is_25_times_as_large() -> None:
    kl = kl_at(15, HERE)
    assert kl is not None
    found = alpha_at(kl, THERE)
    assert found.alpha == pytest.approx(3.0)
    assert not found.outside


def test_outside_of_the_measured_range_nothing_is_extrapolated() -> None:
    below, above = alpha_at(0.005, THERE), alpha_at(100.0, THERE)
    assert [below.outside, above.outside] == ["below", "above"]
    assert [below.alpha, above.alpha] == pytest.approx([1.0, 45.0])
    assert kl_at(0.5, HERE) is None
    assert kl_at(46, HERE) is None
    assert kl_at(45, HERE) == pytest.approx(HERE[45.0])


def test_the_smallest_alpha_is_taken_where_a_curve_falls_again() -> None:
    curve = {1.0: 0.1, 2.0: 1.0, 4.0: 0.5, 8.0: 2.0}
    assert alpha_at(0.5, curve).alpha == pytest.approx(2 ** (0.69897), rel=1e-4)
    assert 4 < alpha_at(1.5, curve).alpha < 8


@pytest.mark.parametrize("curve", ({}, {0.0: 0.0}, {0.0: 0.0, 5.0: 0.0}))
def test_a_model_that_feels_no_alpha_has_no_equal(curve: dict[float, float]) -> None:
    with pytest.raises(ValueError, match="no alpha was measured"):
        alpha_at(0.1, curve)
