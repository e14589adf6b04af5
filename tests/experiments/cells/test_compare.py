"""Comparing one's own result with the shipped one: what agrees, and what differs."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.cells.compare import (
    AGREES,
    DIFFERS,
    UNKNOWN,
    compared,
    headline,
    prediction_interval,
)
from tests.paths import ROOT

SHIPPED = [50.0, 51.0, 49.0, 50.5, 49.5]


def data(value: float, seeds: list[float], row: str = "baseline") -> dict[str, object]:
    cell = {
        "metric": "win rate, %",
        "column": "Alpaca",
        "row": row,
        "digits": 2,
        "published": 29.79,
    }
    return {"cells": [{**cell, "value": value, "low": value, "high": value, "seeds": seeds}]}


def test_the_interval_holds_a_new_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        shipped, new = rng.normal(10, 2, 5), rng.normal(10, 2, 3).mean()
        ends = prediction_interval(shipped.tolist(), 3)
        assert ends is not None
        held += ends[0] <= new <= ends[1]
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_value_agrees_within_what_seeds_explain_and_differs_outside() -> None:
    shipped = data(50.0, SHIPPED)
    assert compared(data(51.0, [51.0]), shipped)[1][-1] == AGREES
    assert compared(data(54.0, [54.0]), shipped)[1][-1] == DIFFERS
    # The mean of more seeds must lie closer.
    assert compared(data(52.0, [52.0]), shipped)[1][-1] == AGREES
    assert compared(data(52.0, [52.0] * 5), shipped)[1][-1] == DIFFERS
    assert compared(data(52.0, [52.0]), data(50.0, [50.0]))[1][-1] == UNKNOWN
    assert compared(data(50.0, [50.0]), data(50.0, [50.0]))[1][-1] == AGREES


def test_the_papers_number_stands_beside_both() -> None:
    row = compared(data(51.0, [51.0]), data(50.0, SHIPPED))[1]
    assert row[:3] == ["win rate, %: baseline, Alpaca", "29.79", "50.00"]
    assert row[4] == "51.00"


def test_differences_are_compared_as_well_paired_by_seed() -> None:
    """The seeds differ by more than the arms do, so only the paired difference shows a change."""

    def two_arms(seeds: list[float], gain: float) -> dict[str, object]:
        base = {"metric": "m", "column": "c", "digits": 2, "published": 10.0, "row": "baseline"}
        noisy = [value + gain + 0.01 * place for place, value in enumerate(seeds)]
        cells = [
            {**base, "value": np.mean(v), "low": 0, "high": 0, "seeds": v} for v in (seeds, noisy)
        ]
        estimate = {"value": float(np.mean(noisy) - np.mean(seeds)), "low": 0, "high": 0}
        cells[1] |= {"row": "+NEFT", "published": 44.9, "difference": estimate}
        return {"against": "baseline", "cells": cells}

    shipped = two_arms([10.0, 30.0, 20.0], gain=1.0)
    rows = compared(two_arms([15.0], gain=3.0), shipped)
    assert [row[0] for row in rows[1:]] == [
        "m: baseline, c",
        "m: +NEFT, c",
        "m: +NEFT minus baseline, c",
    ]
    assert [row[-1] for row in rows[1:]] == [AGREES, AGREES, DIFFERS]
    assert rows[3][1] == "+34.90"
    assert rows[3][4] == "+3.00"


def test_the_headline_is_the_first_metric_alone() -> None:
    both = [{"metric": name, "row": "r", "column": "c"} for name in ("win rate, %", "characters")]
    assert headline({"cells": both}) == {"cells": both[:1]}


def test_a_number_that_one_of_them_lacks_is_not_compared() -> None:
    lacking = data(50.0, SHIPPED)
    lacking["cells"][0]["value"] = None  # type: ignore[index]
    assert len(compared(data(50.0, SHIPPED), lacking)) == 1
    assert len(compared(lacking, data(50.0, SHIPPED))) == 1


def test_results_without_a_common_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="no cell in common"):
        compared(data(1, [1.0], row="a"), data(1, [1.0], row="b"))
    with pytest.raises(ValueError, match="no cells to compare"):
        compared({"points": {}}, data(1, [1.0]))


def test_the_command_compares_the_newest_of_ones_own(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "table1"]) == 1
    assert "you have not made it yet; make it with `make table1 SEEDS=1`" in capsys.readouterr().err
    own, shipped = (workplace / root / "nano" for root in ("runs/results", "results"))
    for folder in (own, shipped):
        folder.mkdir(parents=True)
    text = (ROOT / "results" / "nano" / "table1.json").read_text()
    (own / "table1.seeds5.json").write_text(text)
    (own / "table1.seeds5.provenance.json").write_text("{}")
    (own / "table10.json").write_text("{}")
    (shipped / "table1.json").write_text(text)
    (own / "table1.json").write_text(text)
    # With as many seeds as the project's own, the files have no number in their name.
    assert main(["compare", "table1", "--seeds", "5"]) == 0
    (own / "table1.json").unlink()
    assert main(["compare", "table1", "--seeds", "4"]) == 1
    capsys.readouterr()
    assert main(["compare", "table1"]) == 0
    cells = json.loads(text)["cells"]
    count = sum(bool(cell.get(part)) for cell in cells for part in ("seeds", "difference"))
    assert f"{count} of {count} numbers agree" in capsys.readouterr().out
