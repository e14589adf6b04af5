"""A claim of the paper, its estimate, and the rule of its verdict.

The rule. An estimate is a mean over seeds and items with a 95% interval over both
(`analysis.intervals.hierarchical`). A claim that something rises or falls names the smallest change
that would matter. It *holds here* if the interval lies on that side of 0, *does not hold here* if
the interval excludes that smallest change, and is *not resolved* otherwise. A claim that something
stays as it is names a margin. It *holds here* if the interval lies within the margin, *does not
hold here* if it lies outside, and is *not resolved* otherwise.

The margins were committed with or after the first results of Table 1, so the verdicts are
exploratory. They are not corrected for the number of claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from analysis.intervals import Estimate

Direction = Literal["rises", "falls", "stays"]
Verdict = Literal["holds here", "does not hold here", "not resolved"]


@dataclass(frozen=True)
class Claim:
    """One claim and what was measured.

    Args:
        text: what is claimed.
        published: the paper's number.
        quantity: what is measured here, with its unit.
        estimate: of that quantity.
        direction: `rises` (above 0), `falls` (below 0) or `stays` (within the margin of 0).
        margin: the smallest change that matters, in the quantity's unit.
    """

    text: str
    published: str
    quantity: str
    estimate: Estimate
    direction: Direction
    margin: float

    @property
    def verdict(self) -> Verdict:
        """By the rule at the top of this module."""
        low, high = self.estimate.low, self.estimate.high
        if self.direction == "stays":
            if -self.margin <= low and high <= self.margin:
                return "holds here"
            outside = low > self.margin or high < -self.margin
            return "does not hold here" if outside else "not resolved"
        if self.direction == "falls":
            low, high = -high, -low
        if low > 0:
            return "holds here"
        return "does not hold here" if high < self.margin else "not resolved"


def claim_rows(claims: Sequence[Claim]) -> list[list[str]]:
    """The claims as rows of text."""
    rows = [
        [
            *("claim", "published", "measured here", "value [95% interval]"),
            *("smallest change that matters", "verdict"),
        ]
    ]
    for claim in claims:
        digits = 3 if claim.margin < 0.1 and claim.margin else 2
        form = f"{{:+.{digits}f}}"
        value, low, high = (
            form.format(x) for x in (claim.estimate.value, claim.estimate.low, claim.estimate.high)
        )
        rows.append(
            [
                claim.text,
                claim.published,
                claim.quantity,
                f"{value} [{low}, {high}]",
                f"±{claim.margin:g}" if claim.direction == "stays" else f"{claim.margin:g}",
                f"**{claim.verdict}**",
            ]
        )
    return rows


def claims_data(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """The claims as JSON."""
    return [asdict(claim) | {"verdict": claim.verdict} for claim in claims]
