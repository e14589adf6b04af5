"""Intervals cover as often as they say, verdicts are false as seldom as is said."""

import pytest

from analysis.coverage import KINDS, SEED_SDS, SEEDS, Kind, coverage
from analysis.intervals import Estimate
from analysis.multiplicity import false_by_chance
from analysis.statistics_page import PAGE, with_table

QUICK = [kind for kind in KINDS if kind.share == 1]


@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.name)
def test_each_kind_covers_at_least_nine_times_in_ten(kind: Kind) -> None:
    # 300 repeats: 95% is 90% or less less than once in a thousand times.
    for seeds in SEEDS:
        covered = coverage(kind.experiment, seeds, SEED_SDS[kind.spreads[-1]], 300)
        assert covered > (88 if "long tail" in kind.name else 90)


def test_coverage_counts_the_intervals_that_hold_the_truth() -> None:
    ends = iter([(0.0, 1.0), (2.0, 3.0)] * 5)
    found = coverage(lambda rng, seeds, sd: (Estimate(0, *next(ends)), 0.5), 3, 0.0, 10)
    assert found == 50


def test_the_page_has_every_kind_and_none_below_93_but_the_long_tail() -> None:
    table = PAGE.read_text().split("<!-- coverage: begin -->")[1].split("<!-- coverage: end")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert {name for name, *_ in rows} == {kind.name for kind in KINDS}
    for name, _, three, five in rows:
        if "long tail" not in name:
            assert min(float(three.rstrip("%")), float(five.rstrip("%"))) >= 93


def test_a_table_takes_the_place_of_the_one_before() -> None:
    page = "a\n<!-- x: begin -->\n<!-- x: end -->\nb\n"
    once = with_table(page, "x", [["n"], ["1"]])
    assert with_table(once, "x", [["n"], ["2"]]) == once.replace("| 1 |", "| 2 |")


def test_of_forty_verdicts_one_is_false_by_chance() -> None:
    chance = false_by_chance(40)
    assert chance.expected == pytest.approx(1)
    assert chance.at_most == 3
    assert 40 * (1 - chance.corrected) / 2 == pytest.approx(0.05)
    assert false_by_chance(40, bounds=2).expected == pytest.approx(2)
    assert false_by_chance(0).at_most == 0
