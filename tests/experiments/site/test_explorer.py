"""The explorer draws shipped runs, a reader's own beside them, and the noise beside its rivals."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from experiments.__main__ import main
from experiments.paths import RESULTS
from experiments.site.explorer import explorer
from experiments.site.own_runs import OwnRunsError, read_rows
from tests.browser import drop, opened, violations
from tests.paths import ROOT

HEAD = "run,model,parameters,dataset,alpha,distribution,lr,epochs,seed,dropout,eval_train_loss"
OWN = (
    "abc,llama-2-7b,2410176,alpaca,5,uniform,0.0004,3,0,0,0.51",
    "abd,llama-2-7b,2410176,alpaca,0,uniform,0.0004,3,0,0.1,0.41",
    'abe,my model,7,"my, set",7,uniform,0.0004,3,0,0,0.31',
)
FOREIGN = "a,b\n1,2\n"
LABORATORY = "LLaMA-2 7B (2.4M stand-in), laboratory"


def folder_of_runs(folder: Path) -> Path:
    """A folder of runs as commands leave it, with files that are not of runs."""
    for row in OWN:
        place = folder / "nano" / row.partition(",")[0]
        place.mkdir(parents=True)
        (place / "row.csv").write_text(f"{HEAD}\n{row}\n")
        (place / "report.html").write_text("<p>A report.</p>")
    (folder / "nano" / "other.csv").write_text(FOREIGN)
    return folder


def yours(page: Page) -> dict[str, Any]:
    """The reader's own runs as the page has them, by name."""
    found = page.evaluate("runs.filter((run) => run.whose === 'yours')")
    return {run["run"]: run for run in found}


def wait_until_added(page: Page, text: str) -> None:
    page.wait_for_function(
        "(text) => document.querySelector('#added').textContent.includes(text)", arg=text
    )


def test_a_dose_is_that_of_the_alpha_on_the_model() -> None:
    runs = explorer().data["runs"]
    doses = {(run["model"], run["alpha"]): run["dose"] for run in runs if run["other"] == "usual"}
    assert doses["gemma-3-270m", 5.0] == pytest.approx(0.117, abs=0.001)
    assert doses["SmolLM2-135M-Instruct", 5.0] < doses["gemma-3-270m", 5.0]
    assert all(dose == 0 for (_, alpha), dose in doses.items() if alpha == 0)
    # No dose was measured of noise on prompts alone, or of another distribution.
    others = [run for run in runs if "tokens prompt" in run["other"] or "gauss" in run["other"]]
    assert {run["dose"] for run in others} == {None}


def test_right_and_wrong_facts_are_measures_of_the_laboratorys_runs() -> None:
    runs = [run for run in explorer().data["runs"] if "laboratory" in run["model"]]
    measured = [run for run in runs if "test: win rate, oracle" in run]
    assert measured
    for run in measured:
        assert 0 < run["test: right facts"] < 12
        assert 0 < run["test: wrong facts"] < 12


def test_it_draws_what_is_chosen_as_picture_and_table(site: Path, chromium: Browser) -> None:
    with opened(chromium, site / "explore.html") as (page, _):
        # The laboratory's learning rate is none of this model's, so another one is chosen.
        page.select_option("#model", "gemma-3-270m")
        page.select_option("#dataset", "Alpaca")
        assert "trainings of" in page.inner_text("#count")
        assert page.input_value("#lr") == "0.00005"
        page.select_option("#lr", "")
        page.select_option("#x", "dose")
        page.select_option("#y", "eval_validation_loss")
        expected = [
            run
            for run in explorer().data["runs"]
            if run["model"] == "gemma-3-270m"
            and run["dataset"] == "Alpaca"
            and run["other"] == "usual"
            # The models before tuning have no epochs, and at first the usual three are chosen.
            and run["epochs"] == 3
            and run.get("eval_validation_loss") is not None
        ]
        page.wait_for_selector("#chart svg")
        assert f"{len(expected)} trainings" in page.inner_text("#count")
        ticks = page.locator("#chart .role-axis-label text").all_text_contents()
        assert {"0", "0.01", "0.1", "1"} < set(ticks)
        label = page.get_attribute("#chart svg", "aria-label")
        assert label
        assert label.startswith("loss without noise on held-out rows, nats by dose")
        page.get_by_text("The same numbers as a table").click()
        assert page.locator("#table tbody tr").count() == len(expected)
        page.select_option("#y", "test: wrong facts")
        assert "No training has these settings" in page.inner_text("#count")
        offered = page.locator("#dataset option").all_text_contents()
        of_model = [r for r in explorer().data["runs"] if r["model"] == "gemma-3-270m"]
        assert offered == ["all", *sorted({run["dataset"] for run in of_model})]
        page.select_option("#model", LABORATORY)
        page.select_option("#dataset", "ShareGPT")
        assert "trainings of" in page.inner_text("#count")
        page.select_option("#y", "test: wrong facts")
        page.wait_for_selector("#chart svg[aria-label^='wrong facts an answer']")


def test_every_model_and_set_can_be_chosen_and_shows_trainings(
    site: Path, chromium: Browser
) -> None:
    filters = ("model", "dataset", "lr", "epochs", "other")
    with opened(chromium, site / "explore.html") as (page, _):
        for model in page.locator("#model option").all_text_contents()[1:]:
            page.select_option("#model", model)
            for dataset in page.locator("#dataset option").all_text_contents()[1:]:
                page.select_option("#dataset", dataset)
                chosen = [
                    page.eval_on_selector(f"#{name}", "each => each.selectedIndex")
                    for name in filters
                ]
                assert min(chosen) >= 0, (model, dataset, chosen)
                assert "training" in page.inner_text("#count"), (model, dataset)
                assert "No training" not in page.inner_text("#count"), (model, dataset)


def changes(runs: list[dict[str, Any]], y: str) -> dict[str, float]:
    """The mean changes from the usual training without noise, of some settings."""
    usual = {"lr": 0.0004, "epochs": 3, "other": "usual"}

    def by_seed(**settings: Any) -> dict[float, float]:
        wanted = usual | settings
        return {
            run["seed"]: run[y]
            for run in runs
            if y in run and all(run[name] == value for name, value in wanted.items())
        }

    base = by_seed(alpha=0)
    of_settings: dict[str, dict[str, Any]] = {
        "noise, alpha 10": {"alpha": 10},
        "label smoothing: 0.1": {"alpha": 0, "other": "label smoothing 0.1"},
        "fewer epochs: 2": {"alpha": 0, "epochs": 2},
        "lower learning rate: 0.0002": {"alpha": 0, "lr": 0.0002},
        "interpolation with the base: 0.7": {"alpha": 0, "other": "interpolation 0.7"},
    }
    found = {}
    for label, settings in of_settings.items():
        each = [value - base[seed] for seed, value in by_seed(**settings).items() if seed in base]
        found[label] = sum(each) / len(each)
    return found


def test_rivals_stand_beside_the_noise_as_changes_from_the_same_seed_without_it(
    site: Path, chromium: Browser
) -> None:
    y = "test: win rate, oracle"
    of_set = [
        run
        for run in explorer().data["runs"]
        if (run["model"], run["dataset"]) == (LABORATORY, "Alpaca")
    ]
    with opened(chromium, site / "explore.html") as (page, _):
        page.select_option("#model", LABORATORY)
        page.select_option("#dataset", "Alpaca")
        page.select_option("#y", y)
        page.wait_for_selector("#rivals-chart svg[aria-label*='oracle']")
        page.get_by_text("The changes as a table").click()
        table = page.locator("#rivals-table tbody tr").all_inner_texts()
        shown = {row.split("\t")[0]: row.split("\t")[1] for row in table}
        for label, value in changes(of_set, y).items():
            assert float(shown[label].replace("−", "-")) == pytest.approx(value, abs=0.051)
        said = page.inner_text("#rivals-message")
        noise = {label: value for label, value in shown.items() if label.startswith("noise")}
        best = max(noise, key=lambda label: float(noise[label].replace("−", "-")))
        assert said.startswith(f"Best alpha: {best.removeprefix('noise, alpha ')}, {noise[best]}.")
        assert "Best without noise: " in said
        page.select_option("#dataset", "ShareGPT")
        assert "no rival has this measurement" in page.inner_text("#rivals-message")
        assert not page.locator("#rivals-drawn").is_visible()
        page.select_option("#dataset", "")
        assert "Choose one model and one instruction set" in page.inner_text("#rivals-message")


def test_files_of_ones_own_are_named_and_given_doses_as_the_shipped_runs_are(
    site: Path, chromium: Browser
) -> None:
    with opened(chromium, site / "explore.html") as (page, _):
        page.set_input_files("#own", [RESULTS / scale / "runs.csv" for scale in ("nano", "small")])
        wait_until_added(page, "of 2 files were added.")
        found = yours(page)
    shipped = explorer().data["runs"]
    assert len(found) == len(shipped)
    for run in shipped:
        assert found[run["run"]] == {**run, "whose": "yours", "dose": pytest.approx(run["dose"])}


def test_a_dropped_folder_is_drawn_beside_the_shipped_runs(
    site: Path, chromium: Browser, tmp_path: Path
) -> None:
    with opened(chromium, site / "explore.html") as (page, requests):
        drop(page, folder_of_runs(tmp_path / "runs"))
        wait_until_added(page, "3 runs of 3 files were added.")
        found = yours(page)
        assert set(found) == {"abc", "abd", "abe"}
        assert (found["abc"]["model"], found["abc"]["dataset"]) == (
            LABORATORY,
            "Alpaca",
        )
        assert found["abc"]["dose"] > 0
        assert found["abd"]["other"] == "dropout 0.1"
        assert (found["abe"]["dataset"], found["abe"]["dose"]) == ("my, set", None)
        # The same folder again adds nothing.
        drop(page, tmp_path / "runs" / "nano" / "abc")
        wait_until_added(page, "1 run of abc/row.csv was added.")
        assert len(yours(page)) == 3
        drop(page, tmp_path / "runs" / "nano" / "abe" / "row.csv")
        wait_until_added(page, "1 run of row.csv was added.")
        assert page.locator("#whose").is_visible()
        inside = f"{site.resolve().as_uri()}/"
        assert [each for each in requests if not each.startswith((inside, "data:", "blob:"))] == []
        assert violations(page) == []


def test_what_is_dropped_or_chosen_and_not_of_runs_is_said(
    site: Path, chromium: Browser, tmp_path: Path
) -> None:
    foreign, empty = tmp_path / "other.csv", tmp_path / "empty"
    foreign.write_text(FOREIGN)
    empty.mkdir()
    (empty / "notes.csv").write_text(FOREIGN)
    wrong = tmp_path / "row.csv"
    wrong.write_text(f"{HEAD}\n{OWN[0]}\n{OWN[1].replace('0.0004', 'low')}\n")
    endless = tmp_path / "runs.csv"
    endless.write_text(f"{HEAD}\n{OWN[0].replace('alpaca,5', 'alpaca,Infinity')}\n")
    with opened(chromium, site / "explore.html") as (page, _):
        page.set_input_files("#own", endless)
        wait_until_added(page, "runs.csv, line 2: alpha is “Infinity”, and should be a number.")
        page.set_input_files("#own", foreign)
        wait_until_added(page, "other.csv is no file of runs: it has no columns run, model")
        drop(page, foreign)
        wait_until_added(page, "Drop or choose a folder in which runs were made")
        page.set_input_files("#own", wrong)
        wait_until_added(page, "row.csv, line 3: lr is “low”, and should be a number.")
        drop(page, empty)
        wait_until_added(page, "In empty there is no row.csv or runs.csv.")
        page.set_input_files("#folder", empty)
        wait_until_added(page, "In empty there is no row.csv or runs.csv.")
        assert yours(page) == {}
        page.set_input_files("#folder", folder_of_runs(tmp_path / "runs"))
        wait_until_added(page, "3 runs of 3 files were added.")


def test_a_site_with_ones_own_runs_shows_them_beside_the_shipped(
    chromium: Browser,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    own = folder_of_runs(tmp_path / "runs")
    out = tmp_path / "site"
    assert main(["site", "--runs", str(own), "--out", str(out)]) == 0
    assert f"shows 3 runs of {own} beside the shipped ones" in capsys.readouterr().out
    shutil.rmtree(own / "nano" / "abe")
    with opened(chromium, out / "explore.html") as (page, _):
        built = yours(page)
        assert set(built) == {"abc", "abd", "abe"}
        assert page.locator("#whose").is_visible()
        drop(page, own)
        wait_until_added(page, "2 runs of 2 files were added.")
        for key in ("abc", "abd"):
            dose = pytest.approx(built[key]["dose"])
            assert yours(page)[key] == {**built[key], "dose": dose}


@pytest.mark.parametrize(
    ("content", "says"),
    (
        (None, "there is no such file or folder; give a folder in which runs were made"),
        ({}, "no row.csv or runs.csv lies below it; give a folder"),
        ({"row.csv": FOREIGN}, "row.csv: is not a file of runs: it has no columns run, model"),
        ({"runs.csv": f"{HEAD}\n"}, "runs.csv: has no run below its first line"),
        ({"row.csv": f"{HEAD}\n{OWN[0]}\n{OWN[0]},1\n"}, "line 3: has not as many fields"),
        (
            {"row.csv": f"{HEAD}\n{OWN[0].replace('alpaca,5', 'alpaca,five')}\n"},
            "line 2: alpha is 'five', and should be a number",
        ),
        (
            {"row.csv": f"{HEAD}\n{OWN[0].replace('alpaca,5', 'alpaca,nan')}\n"},
            "line 2: alpha is 'nan', and should be a number",
        ),
    ),
)
def test_what_is_not_of_runs_is_one_error_and_no_site_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: dict[str, str] | None,
    says: str,
) -> None:
    folder = tmp_path / "runs"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    with pytest.raises(OwnRunsError, match="runs"):
        read_rows(folder)
    assert main(["site", "--runs", str(folder), "--out", str(tmp_path / "site")]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert str(folder) in error
    assert not (tmp_path / "site").exists()


def test_a_run_of_several_files_has_the_columns_of_all(tmp_path: Path) -> None:
    own = folder_of_runs(tmp_path / "runs")
    (own / "results").mkdir()
    head = f"{HEAD},test: characters"
    (own / "results" / "runs.csv").write_text(f"{head}\n{OWN[0]},80.5\n")
    rows = {row["run"]: row for row in read_rows(own)}
    assert set(rows) == {"abc", "abd", "abe"}
    assert rows["abc"]["test: characters"] == "80.5"
    assert json.loads(rows["abc"]["eval_train_loss"]) == 0.51
