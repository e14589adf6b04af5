"""How many of many verdicts would be false by chance.

    chance = false_by_chance(27)
    print(chance)               # "Of 27 verdicts, 0.7 would be false by chance …"

A verdict rests on one bound of a 95% interval, and that bound is on the wrong side of the truth at
most one time in forty. A statement that an interval excludes 0, in either direction, is false at
most one time in twenty where the truth is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.intervals import CONFIDENCE


@dataclass(frozen=True)
class FalseByChance:
    """What to expect of verdicts that are all at the edge of being false.

    Args:
        verdicts: how many there are.
        expected: how many would be false on average.
        at_most: how many would be false at most, 19 times in 20, if they were independent.
        corrected: the confidence that each interval would need, so that all verdicts together
            are right 19 times in 20 (Bonferroni's correction).
    """

    verdicts: int
    expected: float
    at_most: int
    corrected: float

    def __str__(self) -> str:
        return (
            f"Of {self.verdicts} verdicts, {self.expected:.1f} would be false by chance on average "
            f"and 19 times in 20 at most {self.at_most}, if every truth lay at the edge of being "
            f"judged falsely; to have none, intervals of {100 * self.corrected:.2f}% would be "
            "needed."
        )


def false_by_chance(verdicts: int, bounds: int = 1) -> FalseByChance:
    """Compute how many verdicts would be false by chance.

    Args:
        verdicts: how many there are.
        bounds: how many bounds of an interval can make one false: 1 for a verdict of the rule,
            2 for "the interval excludes 0".
    """
    from scipy.stats import binom

    rate = bounds * (1 - CONFIDENCE) / 2
    return FalseByChance(
        verdicts,
        verdicts * rate,
        int(binom.ppf(CONFIDENCE, verdicts, rate)) if verdicts else 0,
        1 - (2 / bounds) * (1 - CONFIDENCE) / max(verdicts, 1),
    )
