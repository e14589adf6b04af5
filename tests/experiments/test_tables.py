"""Tables from records: cells, differences, the committed tables, and which runs they ask for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.intervals import Estimate
from experiments.ablation import Ablation, settings_from
from experiments.ablation import cells as ablation_cells
from experiments.artifact import markdown, markdown_table
from experiments.artifacts import ARTIFACTS
from experiments.claims import Claim
from experiments.measures import WIN_RATE, Measure
from experiments.paper import ALPHA_GRID, DATASET_TITLES, TABLE_1
from experiments.run import Run
from experiments.scale import NANO
from experiments.selection import DATASETS, alpha_pairs, load_selection
from experiments.study import Study
from experiments.tabulate import Cell, table_data, table_rows
from neftune.spec import Noise
from tests.paths import ROOT

RESULTS = ROOT / "results" / "nano"


@pytest.fixture(scope="module")
def study() -> Study:
    selection = load_selection(replace(NANO, name=str(ROOT / "results" / "nano")))
    return Study(NANO, 2, selection)


MADE_UP = Measure(
    "score, %",
    lambda run, condition, judge: Path("nowhere"),
    lambda run, condition, judge: np.array([10.0, 20.0, np.nan]) + run.noise.alpha + run.seed,
)


def test_a_cell_is_the_mean_over_seeds_and_items_and_is_compared_with_its_row(study: Study) -> None:
    rows = {"base": study.baseline("alpaca"), "noisy": study.noisy("alpaca", Noise(5))}
    cells = [Cell(row, "Alpaca", MADE_UP, (runs,), 48.26) for row, runs in rows.items()]
    data = table_data(cells, against="base")
    base, noisy = data["cells"]
    assert base["value"] == pytest.approx(15.5)
    assert base["seeds"] == [15.0, 16.0]
    assert base["low"] < 15.5 < base["high"]
    assert "difference" not in base
    assert noisy["difference"] == {"value": 5.0, "low": 5.0, "high": 5.0}
    text = markdown_table(table_rows(data))
    for words in ("paper: base: score, %", "48.26", "noisy, against base: score, %", "+5.00"):
        assert words in text
    assert len({len(line) for line in text.splitlines()}) == 1


def test_groups_are_averaged_item_by_item(study: Study) -> None:
    groups = (study.baseline("alpaca"), study.noisy("alpaca", Noise(10)))
    (cell,) = table_data([Cell("a", "Average", MADE_UP, groups)], None)["cells"]
    assert cell["value"] == pytest.approx(20.5)


@pytest.mark.parametrize("name", sorted(ARTIFACTS))
def test_every_artifact_asks_for_runs_that_differ_as_they_should(name: str, study: Study) -> None:
    artifact = ARTIFACTS[name]
    records = artifact.needs(replace(study, seeds=artifact.seeds))
    for run, path in records:
        assert path.is_relative_to(run.folder)
    seeds = {run.seed for run, _ in records}
    assert seeds <= set(range(artifact.seeds))


def test_two_arms_differ_in_the_noise_alone(study: Study) -> None:
    for dataset in DATASETS:
        for base, neft in zip(study.baseline(dataset), study.neft(dataset), strict=True):
            assert base.noise.alpha == 0
            assert neft.noise.alpha in ALPHA_GRID
            assert base.with_noise(neft.noise.alpha) == neft


def test_each_arm_had_three_trials_and_the_best_was_taken(study: Study) -> None:
    selection = study.selection
    assert set(selection.lr) == set(DATASETS)
    assert set(selection.alpha) == {f"{model}/{dataset}" for model, dataset in alpha_pairs(NANO)}
    groups = (selection.lr, selection.alpha, selection.qlora_lr, {"freelb": selection.freelb})
    for choice in (choice for group in groups for choice in group.values()):
        assert len(choice.trials) == 3
        rates = {trial.value: trial.win_rate for trial in choice.trials}
        assert rates[choice.value] == max(rates.values())


def test_the_published_average_is_that_of_its_columns() -> None:
    for arm, row in TABLE_1.items():
        mean = np.mean([value for name, value in row.items() if name != "average"])
        assert row["average"] == pytest.approx(mean, abs=0.011), arm


@pytest.mark.parametrize("name", sorted(ARTIFACTS))
def test_the_committed_artifact_is_what_its_data_say(name: str) -> None:
    artifact = ARTIFACTS[name]
    path = RESULTS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not committed yet")
    data = json.loads(path.read_text())
    seeds = len(json.loads((RESULTS / f"{name}.provenance.json").read_text())["seeds"])
    text = markdown(artifact, artifact.rows(data), "nano", seeds)
    assert (RESULTS / f"{name}.md").read_text() == text
    for kind in ("csv", "png", "svg"):
        assert (RESULTS / f"{name}.{kind}").stat().st_size > 0


def test_an_ablation_holds_everything_but_alpha(study: Study) -> None:
    ablation = Ablation((0, 5), dataset="sharegpt", settings=settings_from(["epochs=1", "lr=1e-3"]))
    runs = [run for cell in ablation_cells(ablation, study) for run in cell.groups[0]]
    assert {run.noise.alpha for run in runs} == {0, 5}
    assert {(run.recipe.epochs, run.recipe.lr) for run in runs} == {(1, 1e-3)}
    assert ablation.name == "llama-2-7b-sharegpt-epochs=1-lr=0.001"


@pytest.mark.parametrize(
    ("kind", "margin", "interval", "verdict"),
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
    kind: str, margin: float, interval: tuple[float, float], verdict: str
) -> None:
    low, high = interval
    claim = Claim("", "", "", Estimate((low + high) / 2, low, high), kind, margin)  # type: ignore[arg-type]
    assert claim.verdict == verdict


def test_the_win_rate_of_a_run_without_a_verdict_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: Study
) -> None:
    monkeypatch.chdir(tmp_path)
    run: Run = study.baseline("alpaca")[0]
    path = WIN_RATE.record(run, "test", "gpt-4")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([{"preference": p} for p in (2, 1, 1.5, None)]))
    values = WIN_RATE.values(run, "test", "gpt-4")
    np.testing.assert_array_equal(values, [100, 0, 50, np.nan])


def test_titles_are_those_of_the_paper() -> None:
    assert list(DATASET_TITLES.values()) == ["Alpaca", "Evol-Instruct", "ShareGPT", "OpenPlatypus"]
