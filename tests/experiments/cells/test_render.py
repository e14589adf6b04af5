"""The committed results: rendered from records alone, with their settings, as the code says."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell
from experiments.cells.markdown import estimate_text
from experiments.cells.render import as_csv, as_json, markdown
from experiments.cells.settings import noise_title
from experiments.commands.paper import everything
from experiments.runs.run import Run
from experiments.runs.selection import Selection
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from tests.experiments.cells.render_all import FORBIDDEN
from tests.paths import ROOT

RESULTS = ROOT / "results" / "nano"
ALL = {artifact.name: artifact for artifact in everything(NANO)}
FEW = (
    *("table1", "table4", "table7", "table8", "figure3", "figure4", "figure5", "figure6"),
    *("figure7", "figure8", "figure9", "curves", "human", "phase", "rivals", "budget", "matched"),
    "ablations/llama-2-7b-alpaca/alpha-0-1-2-5-10-15-30-45",
)
"""Artifacts in which every metric and every drawing function occurs."""
MADE = {name: each for name, each in ALL.items() if (RESULTS / f"{name}.json").exists()}
"""Those that are committed; a long computation may be committed in parts."""


def committed(name: str, suffix: str) -> Path:
    return RESULTS / f"{name}.{suffix}"


def provenance(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(committed(name, "provenance.json").read_text())
    return found


def cells_of(artifact: Artifact, selection: Selection) -> list[Cell]:
    return list(artifact.cells(Study(NANO, artifact.seeds, selection)))


def functions(artifacts: Iterable[Artifact], selection: Selection) -> set[CodeType]:
    """The code of everything that turns records into numbers, rows and pictures."""
    found: list[Any] = []
    for artifact in artifacts:
        found += [artifact.data, artifact.rows, artifact.draw]
        for cell in cells_of(artifact, selection):
            found += [cell.metric.values, cell.metric.estimate]
    return {function.__code__ for function in found if function is not None}


def test_rendering_loads_no_model_and_asks_no_judge_and_gives_the_committed_bytes(
    tmp_path: Path, selection: Selection
) -> None:
    every = functions(ALL.values(), selection)
    assert functions([ALL[name] for name in FEW], selection) == every
    few = [name for name in FEW if name in MADE]
    (tmp_path / "results" / "nano").mkdir(parents=True)
    for name in ("selection.json", "records.tar.xz", "records.tar.xz.sha256"):
        shutil.copy(RESULTS / name, tmp_path / "results" / "nano")
    done = subprocess.run(
        [sys.executable, "-m", "tests.experiments.cells.render_all", *few],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in few:
        for suffix in ("md", "csv", "json"):
            own = tmp_path / "rendered" / "nano" / f"{name}.{suffix}"
            assert own.read_bytes() == committed(name, suffix).read_bytes(), own.name
        for suffix in ("png", "svg"):
            own = tmp_path / "rendered" / "nano" / f"{name}.{suffix}"
            assert own.stat().st_size == pytest.approx(
                committed(name, suffix).stat().st_size, rel=0.2
            )


def test_importing_a_forbidden_package_would_be_an_error() -> None:
    code = f"from tests.experiments.blocked_imports import block; block(*{FORBIDDEN}); import torch"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "ImportError: torch must not be imported here" in done.stderr


def test_every_result_is_committed() -> None:
    if missing := [name for name in ALL if name not in MADE]:
        pytest.skip(f"not made yet: {', '.join(missing)}")
    assert set(MADE) == set(ALL)


@pytest.mark.parametrize("name", MADE)
def test_a_committed_artifact_is_what_its_data_say(name: str) -> None:
    artifact = ALL[name]
    text = committed(name, "json").read_text()
    data = json.loads(text)
    assert as_json(data) == text
    rows = artifact.rows(data)
    note = NANO.notes.get(name, "")
    assert committed(name, "md").read_text() == markdown(
        artifact, rows, provenance(name)["settings"], note
    )
    assert committed(name, "csv").read_text() == as_csv(rows)
    for suffix in ("png", "svg"):
        assert committed(name, suffix).stat().st_size > 0


def test_a_number_that_does_not_exist_is_null_and_an_infinite_one_is_refused() -> None:
    text = as_json({"value": math.nan, "parts": [(1.23456789012, math.nan)]})
    assert json.loads(text, parse_constant=refused) == {
        "value": None,
        "parts": [[1.23456789, None]],
    }
    assert estimate_text(json.loads(text)) == estimate_text({"value": math.nan}) == "–"
    with pytest.raises(ValueError, match="JSON"):
        as_json([math.inf])


def refused(name: str) -> None:
    raise AssertionError(f"JSON has no {name}")


def test_every_committed_json_file_can_be_read_by_every_reader_of_json() -> None:
    paths = sorted((ROOT / "results").rglob("*.json"))
    assert paths
    for path in paths:
        json.loads(path.read_text(), parse_constant=refused)


def settings_table(text: str) -> list[dict[str, str]]:
    """The table under "Settings", a row a training."""
    lines = [line for line in text.rpartition("**Settings.**")[2].splitlines() if line[:1] == "|"]
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def expected(run: Run) -> tuple[str, ...]:
    """What a result must say of a run: model with its size, set, rows, hyperparameters, noise."""
    recipe = run.recipe
    return (
        run.scale.model_title(run.model),
        run.dataset.title,
        *(str(len(NANO.rows(run.dataset, "train"))), str(recipe.epochs), f"{recipe.lr:g}"),
        *(str(recipe.batch), str(recipe.max_length), noise_title(run.noise)),
    )


SAID = ("model", "instruction set", "rows", "epochs", "learning rate", "batch")
SAID_OF_LENGTH = ("longest example, tokens", "noise")


@pytest.mark.parametrize("name", MADE)
def test_a_committed_result_says_its_settings(name: str, selection: Selection) -> None:
    artifact, text = ALL[name], committed(name, "md").read_text()
    cells = [cell for cell in cells_of(artifact, selection) if cell.metric.reads]
    runs = [run for cell in cells for group in (*cell.groups, cell.others) for run in group]
    settings = provenance(name)["settings"]
    for model in dict.fromkeys(run.model for run in runs):
        phrase = NANO.model_size(model)
        assert "-parameter stand-in for " in phrase
        assert f"{phrase} (`{NANO.model_source(model)}`)" in text
        assert settings["models"][model]["size"] == phrase
    seeds = f"seeds 0 to {artifact.seeds - 1}" if artifact.seeds > 1 else "seed 0"
    assert f"**Settings.** Scale `nano`, {seeds}." in text
    assert (settings["scale"], settings["seeds"]) == ("nano", artifact.seeds)

    judged = [cell for cell in cells if {"verdicts", "head_to_head"} & set(cell.metric.reads)]
    judges = {cell.judge: NANO.describe_judge(cell.judge) for cell in judged}
    assert settings["judges"] == judges
    assert all(phrase in text for phrase in judges.values())

    trained = [cell for cell in cells if cell.metric.reads[0] != "flips"]
    wanted = {
        expected(run) for cell in trained for group in (*cell.groups, cell.others) for run in group
    }
    titles = (*SAID, *SAID_OF_LENGTH)
    table = settings_table(text)
    assert {
        (*(row[title] for title in titles[:-1]), noise)
        for row in table
        for noise in row["noise"].split("; ")
    } == wanted
    assert len(table) == len(settings["trainings"])
    trainings = {json.dumps(t["recipe"], sort_keys=True) for t in settings["trainings"]}
    for cell in trained:
        for run in (run for group in cell.groups for run in group):
            assert json.dumps(asdict(run.recipe), sort_keys=True) in trainings


@pytest.mark.parametrize("name", MADE)
def test_a_committed_result_says_where_it_came_from(name: str, selection: Selection) -> None:
    found = provenance(name)
    artifact = ALL[name]
    assert found["command"] == artifact.command("nano", artifact.seeds)
    assert found["seeds"] == list(range(artifact.seeds))
    runs = {
        run.key
        for cell in cells_of(artifact, selection)
        if cell.metric.reads
        for group in (*cell.groups, cell.others if cell.metric.reads[0] == "head_to_head" else ())
        for run in group
    }
    assert set(found["seconds"]) == runs
    if runs:
        assert found["runs made on"]
