"""The row of a run: right and wrong facts are those of its answers, where they can be told."""

import csv
import json
from pathlib import Path

import pytest

from experiments.cells.metrics import RIGHT_FACTS, WRONG_FACTS
from experiments.cells.runs_table import run_row, run_rows
from experiments.roles.instruction_sets import ALPACA, Split
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.scales.nano import NANO
from neftune.distributions import Noise
from tests.experiments.records import write_record
from tests.paths import ROOT

RUN = Run(NANO, "llama-2-7b", ALPACA, Noise(5), NANO.recipe("llama-2-7b", ALPACA), 0)
RESULTS = ROOT / "results" / "nano"


def answered(condition: str, split: Split, half: bool = False) -> Record:
    """The references as a run's answers; with `half`, every second one is empty."""
    RUN.write_spec()
    rows = [
        {**row, "output": "" if half and place % 2 else row["output"]}
        for place, row in enumerate(NANO.references(split))
    ]
    record = Record(RUN, "responses", condition)
    write_record(record, json.dumps(rows))
    return record


def test_a_row_has_the_mean_facts_of_the_answers_to_the_test_instructions(workplace: Path) -> None:
    record = answered("test", "test")
    row = run_row(RUN, [record])
    assert NANO.facts is not None
    facts = NANO.facts("test", [each["output"] for each in record.read()])
    assert row["test: right facts"] == pytest.approx(sum(right for right, _ in facts) / len(facts))
    assert row["test: wrong facts"] == pytest.approx(sum(wrong for _, wrong in facts) / len(facts))
    halved = run_row(RUN, [answered("test", "test", half=True)])
    even = facts[::2]
    assert halved["test: right facts"] == pytest.approx(sum(r for r, _ in even) / len(facts))
    titles, values = run_rows([record])
    assert values[titles.index("test: right facts")] == f"{halved['test: right facts']:.6g}"


def test_other_instructions_have_no_facts_in_a_row(workplace: Path) -> None:
    row = run_row(RUN, [answered("validation", "validation")])
    assert [title for title in row if "facts" in title] == []
    assert row["validation: characters"] > 0


def test_the_committed_rows_have_the_facts_of_the_committed_tables() -> None:
    with (RESULTS / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    usual = {"alpha": "0", "model": "llama-2-7b", "dataset": "alpaca", "lr": "0.0004"}
    usual |= {"epochs": "3", "interpolation": "1", "dropout": "0", "label_smoothing": "0"}
    usual |= {"weight_decay": "0", "penalty": "0"}
    found = {
        row["seed"]: row for row in rows if all(row[name] == value for name, value in usual.items())
    }
    cells = json.loads((RESULTS / "rivals.json").read_text())["cells"]
    for metric, title in ((RIGHT_FACTS, "test: right facts"), (WRONG_FACTS, "test: wrong facts")):
        (cell,) = (
            each
            for each in cells
            if (each["row"], each["column"], each["metric"]) == ("no noise", "Alpaca", metric.title)
        )
        for seed, value in enumerate(cell["seeds"]):
            assert float(found[str(seed)][title]) == pytest.approx(value, rel=1e-5)
