"""The rule by which a claim is judged."""

import pytest

from analysis.intervals import Estimate
from experiments.claims.rule import Claim, Direction, claim_rows, claims_data


def claim(direction: Direction, margin: float, low: float, high: float) -> Claim:
    return Claim("text", "1", "points", Estimate((low + high) / 2, low, high), direction, margin)


@pytest.mark.parametrize(
    ("direction", "margin", "interval", "verdict"),
    (
        ("rises", 1, (0.1, 2), "holds here"),
        ("rises", 1, (-0.5, 0.5), "does not hold here"),
        ("rises", 1, (-0.5, 1.5), "not resolved"),
        ("falls", 1, (-2, -0.1), "holds here"),
        ("falls", 1, (-0.9, 0.5), "does not hold here"),
        ("falls", 1, (-1.5, 0.5), "not resolved"),
        ("stays", 1, (-0.9, 0.9), "holds here"),
        ("stays", 1, (1.1, 2), "does not hold here"),
        ("stays", 1, (0.5, 2), "not resolved"),
    ),
)
def test_a_verdict_follows_the_rule(
    direction: Direction, margin: float, interval: tuple[float, float], verdict: str
) -> None:
    assert claim(direction, margin, *interval).verdict == verdict


def test_claims_are_written_with_their_verdict() -> None:
    claims = [claim("rises", 1, 0.1, 2), claim("stays", 0.01, 0.5, 2)]
    titles, first, second = claim_rows(claims)
    assert len(titles) == len(first) == len(second)
    assert first[-3:] == ["+1.05 [+0.10, +2.00]", "1", "**holds here**"]
    assert second[-3:] == ["+1.250 [+0.500, +2.000]", "±0.01", "**does not hold here**"]
    verdicts = [entry["verdict"] for entry in claims_data(claims)]
    assert verdicts == ["holds here", "does not hold here"]
