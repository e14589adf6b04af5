"""Gains and their intervals are computed from the published values."""

from typing import Any

import pytest

from experiments.evidence.comparison import Comparison, Source
from experiments.evidence.entries import load
from experiments.evidence.paper import SOURCE
from tests.experiments.evidence.test_entries import ENTRY


def comparison(**fields: Any) -> Comparison:
    """One with some fields."""
    return Comparison.model_validate({**ENTRY, "source": SOURCE, **fields})


def test_a_gain_is_with_minus_without() -> None:
    assert comparison().gain == pytest.approx(0.2)
    for each in load():
        if each.without is None or each.with_ is None:
            assert (each.gain, each.change_percent is not None) == (None, True)
        elif each.unit != "pairs":
            assert each.gain == each.with_ - each.without


def test_pairs_have_the_wins_more_of_a_hundred() -> None:
    assert comparison(unit="pairs", without=30, items=140, **{"with": 88}).gain == pytest.approx(
        100 * 58 / 140
    )


def test_an_interval_is_the_published_one_or_that_of_two_standard_errors() -> None:
    assert comparison().gain_interval is None
    assert comparison(interval=[-1.0, 1.0]).gain_interval == (-1.0, 1.0)
    low, high = comparison(standard_errors=[3.0, 4.0]).gain_interval or (0.0, 0.0)
    assert low == pytest.approx(0.2 - 1.96 * 5)
    assert high == pytest.approx(0.2 + 1.96 * 5)


@pytest.mark.parametrize(
    ("higher", "with_", "improves"),
    ((True, 40.0, True), (True, 30.0, False), (False, 30.0, True), (True, 35.9, None)),
)
def test_which_model_is_the_better_one(higher: bool, with_: float, improves: bool | None) -> None:
    assert comparison(higher_is_better=higher, **{"with": with_}).improves is improves


def test_a_relative_change_has_a_direction_and_no_gain() -> None:
    found = comparison(without=None, change_percent=25, **{"with": None})
    assert (found.gain, found.gain_interval, found.improves) == (None, None, True)


def test_nothing_can_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        comparison().alpha = 10.0
    assert isinstance(comparison().source, Source)
