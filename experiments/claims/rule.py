"""The rule of verdicts: from an estimate with its interval, a direction and a margin to a verdict.

    judged(Estimate(2.3, 1.2, 3.4), "rises", margin=1.0).verdict        # "holds"

An estimate has a 95% interval from low to high. The margin is the smallest change that matters. Of
a claim that something rises (and, with signs turned, that something falls):

- *holds*: low > margin. The change is there and matters.
- *holds, but negligible*: low > 0 and high <= margin. It is there, and too small to matter.
- *does not hold*: low <= 0 and high < margin. A change that matters is ruled out; none is shown.
- *not resolved*: all else. The reason says where a change is there and only its size is open.

Of a claim that something stays: it *holds* where the interval lies within the margin on both sides
of 0 (an equivalence test), *does not hold* where it lies outside, and is *not resolved* otherwise.
That something does not rise is the same on one side alone.

These are the verdicts on claims that can be tested. *Not testable here* is what `finding.py` says
where a premise is not met: too small a dose, a ceiling or floor, nothing to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from analysis.intervals import Estimate

Direction = Literal["rises", "falls", "stays", "does not rise"]
Verdict = Literal[
    "holds", "holds, but negligible", "does not hold", "not resolved", "not testable here"
]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
UNTESTABLE: Verdict = "not testable here"


@dataclass(frozen=True)
class Judgement:
    """A verdict and, where it needs one, its reason as a phrase."""

    verdict: Verdict
    reason: str = ""


def judged(estimate: Estimate, direction: Direction, margin: float) -> Judgement:
    """Judge an estimate by the rule at the top of this module.

    Args:
        estimate: of a change.
        direction: what is claimed of it.
        margin: the smallest change that matters, in the estimate's unit.
    """
    low, high = estimate.low, estimate.high
    if not low <= high:
        return Judgement(UNTESTABLE, "nothing could be measured")
    if direction in ("stays", "does not rise"):
        return _no_change(low, high, margin, both_sides=direction == "stays")
    if direction == "falls":
        low, high = -high, -low
    if low > margin:
        return Judgement("holds")
    if low > 0:
        if high <= margin:
            return Judgement("holds, but negligible", "there, and below what matters")
        return Judgement("not resolved", "there, but whether it matters is open")
    if high < margin:
        opposite = "the change goes the other way" if high < 0 else ""
        return Judgement("does not hold", opposite)
    return Judgement("not resolved")


def _no_change(low: float, high: float, margin: float, *, both_sides: bool) -> Judgement:
    if high <= margin and (low >= -margin or not both_sides):
        return Judgement("holds")
    if low > margin or (both_sides and high < -margin):
        return Judgement("does not hold")
    return Judgement("not resolved")
