"""The rule by which a claim is judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import Estimate
from experiments.claims.rule import DIRECTIONS, UNTESTABLE, VERDICTS, Direction, Verdict, judged

ENDS = st.floats(-10, 10, allow_nan=False)
MARGINS = st.floats(0.01, 5)
RANK = {"does not hold": 0, "not resolved": 1, "holds": 2}


def verdict(direction: Direction, margin: float, low: float, high: float) -> Verdict:
    return judged(Estimate((low + high) / 2, low, high), direction, margin).verdict


@pytest.mark.parametrize(
    ("direction", "interval", "expected"),
    (
        ("rises", (1.1, 2), "holds"),
        ("rises", (0.1, 0.9), "holds, but negligible"),
        ("rises", (0.1, 2), "not resolved"),
        ("rises", (-0.5, 0.5), "does not hold"),
        ("rises", (-3, -2), "does not hold"),
        ("rises", (-0.5, 1.5), "not resolved"),
        ("falls", (-2, -1.1), "holds"),
        ("falls", (-0.9, -0.1), "holds, but negligible"),
        ("falls", (-0.9, 0.5), "does not hold"),
        ("falls", (-1.5, 0.5), "not resolved"),
        ("stays", (-0.9, 0.9), "holds"),
        ("stays", (0.2, 0.9), "holds"),
        ("stays", (1.1, 2), "does not hold"),
        ("stays", (-2, -1.1), "does not hold"),
        ("stays", (0.5, 2), "not resolved"),
        ("does not rise", (-9, -5), "holds"),
        ("does not rise", (0.5, 2), "not resolved"),
        ("does not rise", (1.1, 2), "does not hold"),
    ),
)
def test_a_verdict_follows_the_rule(
    direction: Direction, interval: tuple[float, float], expected: str
) -> None:
    assert verdict(direction, 1, *interval) == expected


def test_a_change_that_is_there_but_may_not_matter_says_so() -> None:
    found = judged(Estimate(1, 0.1, 2), "rises", 1)
    assert (found.verdict, found.reason) == (
        "not resolved",
        "there, but whether it matters is open",
    )
    assert judged(Estimate(-2, -3, -1), "rises", 1).reason == "the change goes the other way"


def test_what_has_no_numbers_is_not_testable() -> None:
    nothing = Estimate(float("nan"), float("nan"), float("nan"))
    assert {judged(nothing, d, 1).verdict for d in DIRECTIONS} == {UNTESTABLE}


@given(ENDS, ENDS, MARGINS, st.sampled_from(DIRECTIONS))
def test_every_interval_has_exactly_one_verdict_and_it_says_what_the_interval_shows(
    one: float, other: float, margin: float, direction: Direction
) -> None:
    low, high = sorted((one, other))
    found = verdict(direction, margin, low, high)
    assert found in VERDICTS
    assert found != UNTESTABLE
    if direction == "falls":
        low, high = -high, -low
    if direction in ("rises", "falls"):
        regions = {
            "holds": low > margin,
            "holds, but negligible": low > 0 and high <= margin,
            "does not hold": low <= 0 and high < margin,
        }
    else:
        inside = high <= margin and (direction == "does not rise" or low >= -margin)
        outside = low > margin or (direction == "stays" and high < -margin)
        regions = {"holds": inside, "does not hold": outside}
    true = [name for name, holds in regions.items() if holds]
    assert true == ([] if found == "not resolved" else [found])


@given(ENDS, ENDS, MARGINS)
def test_a_fall_is_a_rise_with_signs_turned(one: float, other: float, margin: float) -> None:
    low, high = sorted((one, other))
    assert verdict("falls", margin, low, high) == verdict("rises", margin, -high, -low)


@given(ENDS, ENDS, MARGINS, st.floats(0, 10))
def test_a_larger_change_never_speaks_against_a_rise(
    one: float, other: float, margin: float, shift: float
) -> None:
    low, high = sorted((one, other))
    before, after = (verdict("rises", margin, low + s, high + s) for s in (0, shift))
    if before == "holds":
        assert after == "holds"
    if after == "does not hold":
        assert before == "does not hold"
    against, then = (verdict("does not rise", margin, low + s, high + s) for s in (0, shift))
    assert RANK[then] <= RANK[against]


@given(ENDS, ENDS, MARGINS, st.floats(1, 3), st.sampled_from(DIRECTIONS))
def test_a_wider_interval_never_decides_what_a_narrower_one_leaves_open(
    one: float, other: float, margin: float, factor: float, direction: Direction
) -> None:
    low, high = sorted((one, other))
    room = (factor - 1) * (high - low)
    if verdict(direction, margin, low, high) == "not resolved":
        assert verdict(direction, margin, low - room, high + room) == "not resolved"


@given(ENDS, ENDS, MARGINS, st.floats(1, 3))
def test_a_larger_margin_never_makes_a_rise_hold_nor_a_constancy_fail(
    one: float, other: float, margin: float, factor: float
) -> None:
    low, high = sorted((one, other))
    if verdict("rises", margin * factor, low, high) == "holds":
        assert verdict("rises", margin, low, high) == "holds"
    if verdict("stays", margin, low, high) == "holds":
        assert verdict("stays", margin * factor, low, high) == "holds"
