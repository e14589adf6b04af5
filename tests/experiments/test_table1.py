"""Table 1 as a pure function of records, and the committed one."""

import json
from collections.abc import Mapping

import numpy as np
import pytest

from experiments.evaluation import Cell
from experiments.paper import ALPHA_GRID, DATASET_TITLES, TABLE_1
from experiments.scale import NANO
from experiments.selection import Choice, Trial, load_selection
from experiments.tables.table1 import markdown, runs, table
from tests.paths import ROOT

CHOICES = {
    name: Choice(1e-3, 5.0, (Trial(1e-3, 40.0),), (Trial(5.0, 50.0),)) for name in DATASET_TITLES
}


def cell(won_percent: int, characters: float) -> Cell:
    """Two seeds of a hundred instructions, of which so many are won."""
    won = np.where(np.arange(100) < won_percent, 2.0, 1.0)
    lengths = characters + np.tile(np.arange(100.0) % 7, (2, 1))
    return Cell(np.stack([won, won]), lengths, np.full(100, 150.0), {"train": 0.3, "other": 1.2})


@pytest.fixture
def columns() -> Mapping[str, Mapping[str, object]]:
    cells = {}
    for index, name in enumerate(CHOICES):
        cells["baseline", name] = cell(20 + 10 * index, 100)
        cells["neft", name] = cell(40 + 10 * index, 140)
    return table(cells, CHOICES)


def test_win_rates_gains_and_average(columns: Mapping[str, Mapping[str, object]]) -> None:
    alpaca, average = columns["alpaca"], columns["average"]
    assert alpaca["baseline"]["win_rate"]["value"] == pytest.approx(20)  # type: ignore[index]
    assert alpaca["gain"]["value"] == pytest.approx(20)  # type: ignore[index]
    assert average["baseline"]["win_rate"]["value"] == pytest.approx(35)  # type: ignore[index]
    assert average["gain"]["value"] == pytest.approx(20)  # type: ignore[index]
    assert alpaca["baseline"]["characters"] == pytest.approx(102.95)  # type: ignore[index]


def test_the_published_average_is_that_of_its_columns() -> None:
    for arm, row in TABLE_1.items():
        mean = np.mean([value for name, value in row.items() if name != "average"])
        assert row["average"] == pytest.approx(mean, abs=0.011), arm


def test_published_and_measured_stand_side_by_side(
    columns: Mapping[str, Mapping[str, object]],
) -> None:
    text = markdown(columns, "nano", 2)
    for words in ("2 seeds", "64.69", "+34.90", "20.00 [", "alpha, paper", "Average"):
        assert words in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1


def test_two_rows_differ_in_the_noise_alone() -> None:
    asked = runs(NANO, load_selection(NANO), seeds=2)
    assert len(asked) == 8
    for dataset in DATASET_TITLES:
        pairs = zip(asked["baseline", dataset], asked["neft", dataset], strict=True)
        for base, neft in pairs:
            assert base.noise.alpha == 0
            assert neft.noise.alpha in ALPHA_GRID
            assert base.with_noise(neft.noise.alpha) == neft


def test_each_arm_had_three_trials_and_the_best_was_taken() -> None:
    for choice in load_selection(NANO).values():
        assert [trial.value for trial in choice.lr_trials] == list(NANO.lr_grid)
        assert [trial.value for trial in choice.alpha_trials] == list(ALPHA_GRID)
        for chosen, trials in (
            (choice.lr, choice.lr_trials),
            (choice.alpha, choice.alpha_trials),
        ):
            rates = {trial.value: trial.win_rate for trial in trials}
            assert rates[chosen] == max(rates.values())


def test_the_committed_table_is_what_its_records_say() -> None:
    folder = ROOT / "results" / "nano"
    record = json.loads((folder / "table1.json").read_text())
    seeds = json.loads((folder / "table1.provenance.json").read_text())["seeds"]
    assert (folder / "table1.md").read_text() == markdown(record, "nano", len(seeds))
    for dataset in DATASET_TITLES:
        assert 20 <= record[dataset]["baseline"]["win_rate"]["value"] <= 70
