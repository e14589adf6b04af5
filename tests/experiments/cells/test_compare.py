"""Comparing one's own result with the shipped one: what agrees, and what differs."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.cells.compare import AGREES, DIFFERS, UNKNOWN, compared, prediction_interval
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


def test_the_papers_number_stands_beside_both() -> None:
    row = compared(data(51.0, [51.0]), data(50.0, SHIPPED))[1]
    assert row[:3] == ["win rate, %: baseline, Alpaca", "29.79", "50.00"]
    assert row[4] == "51.00"


def test_results_without_a_common_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="no cell in common"):
        compared(data(1, [1.0], row="a"), data(1, [1.0], row="b"))
    with pytest.raises(ValueError, match="no cells to compare"):
        compared({"points": {}}, data(1, [1.0]))


def test_the_command_compares_the_newest_of_ones_own(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "table1"]) == 1
    assert "you have not made it yet; make it with `make table1`" in capsys.readouterr().err
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
    count = len([c for c in json.loads(text)["cells"] if c.get("seeds")])
    assert f"{count} of {count} numbers agree" in capsys.readouterr().out
