"""The workflow: it resumes after kill -9, skips what exists, and reports failures clearly."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.runs.record import Record
from experiments.runs.workflow import WorkflowError, produce
from tests.experiments.two_runs import RUNS, TARGETS
from tests.paths import ROOT

RUN = RUNS[0]


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


@pytest.mark.long
def test_a_killed_workflow_resumes_without_redoing_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = workflow(tmp_path)
    trained = [Record(run, "checkpoint").path for run in RUNS]
    targets = [target.path for target in TARGETS]
    wait_for(trained[0], process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_ino for path in trained if path.exists()}
    assert not all(target.exists() for target in targets)

    assert workflow(tmp_path).wait() == 0
    assert {path: path.stat().st_ino for path in finished} == finished
    for target in targets:
        rows = json.loads(target.read_text())
        assert len(rows) == 201
        assert {row["preference"] for row in rows} <= {1, 1.5, 2}
    leftovers = [p for p in (tmp_path / "runs").rglob("*") if p.suffix in (".partial", ".new")]
    assert leftovers == []

    started = time.monotonic()
    produce(TARGETS)
    assert time.monotonic() - started < 5


def test_a_failing_job_is_one_clear_error_and_the_others_continue(workplace: Path) -> None:
    run = replace(RUN, recipe=replace(RUN.recipe, epochs=0))
    unknown = Record(run, "verdicts", "validation", "judge-judy")
    losses = Record(run, "losses")
    with pytest.raises(WorkflowError, match="some jobs failed") as error:
        produce([unknown, losses], jobs=1)
    assert "unknown judge 'judge-judy'; known: chatgpt, gpt-4" in str(error.value)
    assert not unknown.exists()
    assert losses.exists()
    assert unknown.of("responses").exists()


def test_a_second_workflow_in_the_same_folder_is_an_error(workplace: Path) -> None:
    Path("runs").mkdir()
    with open("runs/.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WorkflowError, match=r"another workflow is running in .*; wait for it"):
            produce(TARGETS)
