"""Runs, their folders, and the workflow: it resumes after kill -9, and skips what is there."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.jobs import (
    checkpoint_file,
    losses_file,
    needed_first,
    outputs_file,
    run_folder,
    verdicts_file,
)
from experiments.run import UnknownNameError, read_spec
from experiments.workflow import WorkflowError, produce
from neftune.spec import Recipe
from tests.experiments.two_runs import RUNS, TARGETS
from tests.paths import ROOT

RUN = RUNS[0]


def test_the_key_is_a_function_of_the_content() -> None:
    assert RUN.key == replace(RUN).key
    others = [replace(RUN, seed=1), RUN.with_noise(5), replace(RUN, recipe=Recipe())]
    assert len({run.key for run in [RUN, *others]}) == 4


def test_a_spec_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_spec(RUN.write_spec().parent) == RUN


@pytest.mark.parametrize(
    ("change", "says"),
    (
        ({"model": "llama-9"}, r"unknown model 'llama-9'; known: llama-1-30b, llama-1-7b"),
        ({"dataset": "alpacca"}, r"unknown data set 'alpacca'; known: alpaca, evol-instruct"),
        ({"scale": "giant"}, r"unknown scale 'giant'; known: nano"),
    ),
)
def test_unknown_names_are_told_with_the_right_ones(change: dict[str, str], says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        replace(RUN, **change)  # type: ignore[arg-type]


def test_a_record_names_its_run_and_what_it_is_made_from() -> None:
    verdicts = verdicts_file(RUN.folder, "long", "gpt-4")
    assert run_folder(verdicts) == RUN.folder
    assert needed_first(verdicts) == [
        checkpoint_file(RUN.folder),
        outputs_file(RUN.folder, "long"),
    ]
    assert needed_first(losses_file(RUN.folder)) == [checkpoint_file(RUN.folder)]
    assert needed_first(checkpoint_file(RUN.folder)) == []


def workflow(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.experiments.two_runs"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(3000):
        if path.exists():
            return
        assert process.poll() is None, f"the workflow ended before it made {path}"
        time.sleep(0.1)
    raise AssertionError(f"{path} did not appear in five minutes")


def test_a_killed_workflow_goes_on_without_redoing_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = workflow(tmp_path)
    trained = [tmp_path / checkpoint_file(run.folder) for run in RUNS]
    wait_for(next(path for path in trained), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_ino for path in trained if path.exists()}
    assert not all(target.exists() for target in TARGETS)

    assert workflow(tmp_path).wait() == 0
    assert {path: path.stat().st_ino for path in finished} == finished
    for target in TARGETS:
        rows = json.loads(target.read_text())
        assert len(rows) == 201
        assert {row["preference"] for row in rows} <= {1, 1.5, 2}
    leftovers = [p for p in (tmp_path / "runs").rglob("*") if p.suffix in (".partial", ".new")]
    assert leftovers == []

    started = time.monotonic()
    produce(TARGETS, RUNS)
    assert time.monotonic() - started < 5


def test_a_failing_job_is_one_clear_error_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run = replace(RUN, recipe=replace(RUN.recipe, epochs=0))
    unknown = verdicts_file(run.folder, "validation", "judge-judy")
    nowhere = outputs_file(run.folder, "somewhere")
    losses = losses_file(run.folder)
    with pytest.raises(WorkflowError, match="some jobs failed") as error:
        produce([nowhere, unknown, losses], [run], jobs=1)
    assert "unknown judge 'judge-judy'; known: chatgpt, gpt-4" in str(error.value)
    assert not unknown.exists()
    assert losses.exists()
    assert outputs_file(run.folder, "validation").exists()


def test_a_second_workflow_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    with open("runs/.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WorkflowError, match="another workflow is at work"):
            produce(TARGETS, RUNS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        (["finetune", "--dataset-file", "gone.json", "--out", "o"], "gone.json: no such file"),
        (
            ["finetune", "--dataset-file", "x.json", "--alpha", "-1", "--out", "o"],
            "alpha must be a finite number of at least 0, not -1.0",
        ),
        (
            ["finetune", "--dataset-file", "x.json", "--model", "lama", "--out", "o"],
            "unknown model 'lama'",
        ),
        (["finetune", "--dataset-file", "x.json", "--lr", "0", "--out", "o"], "lr must be"),
        (["show", "table1", "--scale", "giant"], "unknown scale 'giant'; known: nano"),
        (["show", "table99"], "unknown artifact 'table99'; known: curves, figure1"),
        (
            ["ablation", "--set", "learning_rate=1"],
            "unknown hyperparameter 'learning_rate'; known:",
        ),
        (["ablation", "--set", "lr=high"], "lr must be a number, not 'high'"),
        (["ablation", "--noise", "pink"], "unknown noise distribution 'pink'; known: uniform"),
        (["ablation", "--dataset", "alpacca"], "unknown data set 'alpacca'; known: alpaca"),
        (["ablation", "--alpha", "-1"], "alpha must be a finite number of at least 0"),
    ),
)
def test_bad_input_is_one_clear_line(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
