"""A rival is read off where its loss is the treatment's, on a line and on a parabola."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.equal_loss import at_equal_loss, side
from analysis.intervals import Estimate, hull


def constant(value: float, items: int = 4) -> np.ndarray:
    """The same value for two seeds and all items."""
    return np.full((2, items), value)


def differences(treated: float, path: list[float], lost: float, losses: list[float]) -> list[float]:
    met = at_equal_loss(
        constant(treated),
        list(map(constant, path)),
        constant(lost, 3),
        [constant(loss, 3) for loss in losses],
    )
    return [float(each.table.mean()) for each in met]


def test_between_two_settings_their_values_are_averaged() -> None:
    assert differences(10, [8, 4], 0.6, [0.5, 0.9]) == pytest.approx([10 - 7])


@given(
    at=st.floats(0.01, 1.99),
    rise=st.floats(0.01, 1),
    bend=st.floats(0, 1),
    curve=st.floats(-5, 5),
    slope=st.floats(-5, 5),
)
def test_a_parabola_through_three_settings_is_met_exactly(
    at: float, rise: float, bend: float, curve: float, slope: float
) -> None:
    def loss(place: float) -> float:
        return 0.5 + rise * place + bend * place**2

    def value(place: float) -> float:
        return 50 + slope * place + curve * place**2

    places = (0, 1, 2)
    _, found = differences(
        60, [value(p) for p in places], loss(at), [loss(place) for place in places]
    )
    assert found == pytest.approx(60 - value(at), abs=1e-6)


def test_where_both_are_straight_the_line_and_the_parabola_say_the_same() -> None:
    line, parabola = differences(10, [8, 6, 4, 2], 0.75, [0.5, 0.6, 0.7, 0.8])
    assert line == pytest.approx(10 - 3)
    assert parabola == pytest.approx(line)


@pytest.mark.parametrize("at", (0, 1, 2))
def test_a_loss_that_a_setting_has_gives_that_setting(at: int) -> None:
    path, losses = [8.0, 5.0, 1.0], [0.5, 0.7, 0.8]
    assert differences(10, path, losses[at], losses) == pytest.approx([10 - path[at]] * 2)


def test_errors_of_the_losses_change_the_difference_as_they_move_the_place() -> None:
    """The part of the losses is the derivative of the difference by each loss."""
    rng = np.random.default_rng(0)
    treated, path = rng.normal(60, 1, (2, 5)), [rng.normal(m, 1, (2, 5)) for m in (58, 50, 41)]
    lost = rng.normal(0.6, 0.01, (2, 4))
    losses = [rng.normal(mean, 0.01, (2, 4)) for mean in (0.5, 0.65, 0.9)]
    for way, met in enumerate(at_equal_loss(treated, path, lost, losses)):
        assert met.by_weight.mean() == pytest.approx(0, abs=1e-12)
        for arm, row in ((None, 1), (0, 2), (1, 3)):
            step = 1e-5
            moved_lost, moved = lost.copy(), [each.copy() for each in losses]
            target = moved_lost if arm is None else moved[arm]
            target[0, row] += step
            after = at_equal_loss(treated, path, moved_lost, moved)[way]
            change = (after.difference.mean() - met.difference.mean()) / step
            # What the part of the losses changes by, from the same place on the path.
            slope = met.by_weight / (lost - _rival_loss(lost, losses, way))
            weight = 1.0 if arm is None else -_weights(lost, losses, way)[arm]
            assert change == pytest.approx(float(slope[0, 0]) * weight / lost.size, rel=1e-3)


def _weights(lost: np.ndarray, losses: list[np.ndarray], way: int) -> list[float]:
    """The weights of the settings, found by comparing settings of values 1 and 0."""
    found = []
    for setting in range(len(losses)):
        path = [constant(float(setting == other)) for other in range(len(losses))]
        met = at_equal_loss(constant(0), path, lost, losses)[way]
        found.append(-float(met.difference.mean()))
    return found


def _rival_loss(lost: np.ndarray, losses: list[np.ndarray], way: int) -> np.ndarray:
    weights = _weights(lost, losses, way)
    return np.asarray(sum(w * loss for w, loss in zip(weights, losses, strict=True)))


def test_a_loss_that_no_setting_has_is_said_to_be_lower_or_higher() -> None:
    losses = [constant(0.5), constant(0.7)]
    assert differences(10, [8, 4], 0.4, [0.5, 0.7]) == []
    assert side(constant(0.4), losses) == "lower"
    assert side(constant(0.8), losses) == "higher"


def test_a_training_that_diverged_has_no_side() -> None:
    assert differences(10, [8, 4], np.nan, [0.5, 0.7]) == []
    assert side(constant(np.nan), [constant(0.5)]) == "not known"
    assert side(constant(0.5), [constant(0.4), constant(np.nan)]) == "not known"


def test_a_hull_has_the_first_value_and_every_interval() -> None:
    found = hull([Estimate(1, 0.5, 1.5), Estimate(2, 0.7, 3.0)])
    assert found == Estimate(1, 0.5, 3.0)
