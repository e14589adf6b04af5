"""docs/evidence.md says in words what the shipped list says in numbers."""

import json
from statistics import median
from typing import Any

import pytest

from tests.paths import ROOT

PAGE = " ".join((ROOT / "docs" / "evidence.md").read_text().split())
FILE = ROOT / "results" / "findings" / "evidence.json"
ENTRIES: list[dict[str, Any]] = json.loads(FILE.read_text())["comparisons"]
NUMBERS = ("no", "one", "two", "three", "four", "five")


def entries(**fields: Any) -> list[dict[str, Any]]:
    """The entries whose fields have these values."""
    found = [e for e in ENTRIES if all(e[name] == value for name, value in fields.items())]
    assert found, fields
    return found


def gain(entry: dict[str, Any]) -> float:
    return float(entry["gain"])


def whole(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


SHI = entries(source="Shi et al.", kind="win rate")


def test_win_rates() -> None:
    assert all(each["improves"] for each in entries(source="NEFTune paper", kind="win rate"))
    better = sum(each["improves"] for each in SHI)
    assert f"in every comparison, and in {better} of {len(SHI)} of Shi et al.'s." in PAGE
    assert {(each["model"], each["alpha"]) for each in SHI} == {("LLaMA-2 7B", 5)}
    assert f"The largest gain is {whole(max(map(gain, SHI)))} points" in PAGE
    falls = [each for each in SHI if gain(each) < 0]
    assert {each["training_set"] for each in falls} == {"LIMA"}
    low, high = (whole(end) for end in sorted(-gain(each) for each in falls))
    assert f"on LIMA the win rate falls by {low} to {high} points" in PAGE


def test_other_judges_and_benchmarks() -> None:
    newer = [e for e in entries(source="Shi et al.") if e["kind"] in ("AlpacaEval 2", "MT-Bench")]
    assert {each["improves"] for each in newer} == {True, False}
    counted = entries(kind="benchmarks", group="independent", verified=True, matched=True)
    middle = median(map(gain, counted))
    assert f"The median over {len(counted)} comparisons is {middle:.1f} points." in PAGE


def test_few_and_many_rows() -> None:
    few = [gain(each) for rows in (266, 533) for each in entries(source="Georgian", rows=rows)]
    said = f"{whole(min(few))} to {whole(max(few))} points with 266 and 533 rows"
    assert said in PAGE
    every = sorted(map(gain, entries(source="Georgian", rows=10664)))
    assert f"with all 10,664 rows they are {' and '.join(map(whole, every))}." in PAGE


def test_what_changed_and_what_is_not_verified() -> None:
    (arc,) = entries(source="ms-swift", metric="ARC")
    assert f"the present one gives {arc['without']:.1f} and {arc['with']:.1f}" in PAGE
    unverified = entries(verified=False)
    assert {each["source"] for each in unverified} == {"Zhao et al."}
    named = NUMBERS[len(unverified)].capitalize()
    assert f"{named} entries, of Zhao et al., are not" in PAGE
    assert not [e for e in entries(group="independent") if e["gain_low"] is not None]
    unmatched = {each["source"] for each in entries(matched=False) if each["group"] != "here"}
    assert unmatched == {"KoNEFTune", "leaderboard"}


@pytest.mark.parametrize("group", ["authors", "independent", "here"])
def test_every_group_has_entries(group: str) -> None:
    assert entries(group=group)
