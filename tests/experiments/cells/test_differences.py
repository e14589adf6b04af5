"""Differences that a table's data hold, and how titles tell them."""

import math
from typing import Any

import pytest

from experiments.cells.differences import (
    Difference,
    amount,
    change,
    differences,
    one,
    quantity,
    span,
)


def cell(row: str, value: float, published: float | None = None, **more: Any) -> dict[str, Any]:
    fixed = {"metric": "win rate, %", "column": "Alpaca", "x": None}
    return {**fixed, "row": row, "value": value, "published": published, **more}


def interval(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def made(value: float, low: float, high: float, metric: str = "win rate, %") -> Difference:
    return Difference(metric, "+NEFT", "Alpaca", value, low, high, 30.0)


def test_every_row_is_compared_with_the_one_that_the_data_name() -> None:
    data = {
        "against": "baseline",
        "cells": [
            cell("baseline", 30.0, 29.8),
            cell("+NEFT", 31.2, 64.7, difference=interval(1.2, 0.3, 2.0)),
            cell("+NEFT", 9.0, column="ShareGPT", difference=interval(9.0, 9.0, 9.0)),
        ],
    }
    (found,) = differences(data)
    assert (found.row, found.column, found.value, found.low, found.high) == (
        *("+NEFT", "Alpaca", 1.2, 0.3, 2.0),
    )
    assert (found.level, found.published_level) == (30.0, 29.8)
    assert found.published == pytest.approx(34.9)
    assert one([found], row="+NEFT") is found


def test_lengths_are_compared_in_per_cent_of_what_they_are_compared_with() -> None:
    data = {
        "against": "baseline",
        "cells": [
            cell("baseline", 200.0, 400.0, metric="characters"),
            cell("+NEFT", 210.0, 1000.0, metric="characters", difference=interval(10, -4, 24)),
        ],
    }
    (found,) = differences(data)
    assert (found.value, found.low, found.high, found.published) == (5.0, -2.0, 12.0, 150.0)
    assert found.level == 200.0
    assert change(found) == "+5.0% [−2.0,\N{NO-BREAK SPACE}+12.0]"


def test_what_the_paper_alone_compares_has_no_measured_value() -> None:
    data = {
        "against": "NEFT",
        "cells": [cell("NEFT", 31.0, 62.5), cell("untuned", 22.0, 22.2), cell("own", 25.0)],
    }
    (found,) = differences(data)
    assert found.row == "untuned"
    assert math.isnan(found.value)
    assert found.published == pytest.approx(-40.3)


def test_metrics_are_chosen_by_their_titles() -> None:
    both = [
        each
        for metric in ("win rate, %", "characters")
        for each in (
            cell("baseline", 10.0, metric=metric),
            cell("+NEFT", 11.0, metric=metric, difference=interval(1, 0, 2)),
        )
    ]
    data = {"against": "baseline", "cells": both}
    assert [d.metric for d in differences(data)] == ["win rate, %"]
    assert [d.metric for d in differences(data, "characters")] == ["characters"]
    assert len(differences(data, "characters", "win rate, %")) == 2


def test_an_interval_that_ends_at_zero_or_is_a_single_number_resolves_nothing() -> None:
    ends = ((0.5, 1.5), (-1.5, -0.5), (0.0, 1.5), (-0.5, 1.5), (1.0, 1.0), (math.nan, math.nan))
    assert [made(1.0, *pair).resolved for pair in ends] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("win rate, %", "+1.2 points"),
        ("characters", "+1.2%"),
        ("loss without noise on another set", "+1.234 nats"),
        ("ROUGE-L", "+1.234"),
        ("something new, %", "+1.23 points"),
        ("something new", "+1.23"),
    ],
)
def test_an_amount_has_its_quantitys_unit_and_digits(metric: str, text: str) -> None:
    assert amount(made(1.2341, 0, 2, metric)) == text


def test_an_unknown_quantity_is_named_by_its_title() -> None:
    assert (quantity("something new, %").name, quantity("other").name) == ("something new", "other")
    assert quantity("something new, %").margin is None


def test_several_differences_are_told_by_their_ends_and_how_many_are_resolved() -> None:
    one_only, none = made(0.2, -1, 1), made(math.nan, math.nan, math.nan)
    assert span([one_only]) == span([none, one_only]) == change(one_only)
    many = [made(-0.7, -1, -0.1), made(0.2, -1, 1), made(0.9, -1, 3), none]
    zero = "\N{NO-BREAK SPACE}0"
    assert span(many) == f"−0.7 to +0.9 points; 1 of 3 intervals excludes{zero}"
    assert span(many[1:]) == f"+0.2 to +0.9 points; none of 2 intervals excludes{zero}"
    assert span([many[0], *many]) == f"−0.7 to +0.9 points; 2 of 4 intervals exclude{zero}"
    assert span([none]) == "an amount that was not measured"
