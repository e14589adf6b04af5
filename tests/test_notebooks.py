"""The notebooks run from committed results alone, and are committed with their outputs."""

from pathlib import Path

import nbformat
import pytest

from analysis.committed import MissingResultError, data, runs, table
from notebooks.execute import execute, notebooks

EVERY = notebooks()


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_runs_and_was_committed_with_its_outputs(path: Path) -> None:
    fresh = execute(path)
    committed = nbformat.read(path, as_version=4)
    for new, old in zip(fresh.cells, committed.cells, strict=True):
        if new.cell_type == "code":
            assert old.execution_count == new.execution_count
            assert bool(old.outputs) == bool(new.outputs)


def test_there_are_six_and_they_hold_no_logic() -> None:
    assert len(EVERY) == 6
    for path in EVERY:
        cells = nbformat.read(path, as_version=4).cells
        defined = sum(c.source.count("\ndef ") for c in cells if c.cell_type == "code")
        assert defined <= 1, f"{path.name}: logic belongs in analysis/"


def test_committed_results_load() -> None:
    assert table("table1").shape[1] == 5
    assert {claim["verdict"] for claim in data("claims")} <= {
        "holds here",
        "does not hold here",
        "not resolved",
    }
    every = runs()
    assert set(every["seed"]) == {0, 1, 2, 3, 4}
    assert every["test: gpt-4"].between(0, 100).sum() >= 40


def test_a_result_that_is_not_there_is_told_with_what_makes_it() -> None:
    with pytest.raises(MissingResultError, match="make table99"):
        data("table99")
