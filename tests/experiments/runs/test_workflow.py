"""The workflow: it resumes after kill -9, skips what exists, and reports failures clearly."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from experiments.runs.lock import RunsInUseError
from experiments.runs.record import Record
from experiments.runs.workflow import WorkflowError, cores, produce
from tests.experiments.records import write_record
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


def test_a_failing_job_is_one_clear_error_and_the_others_continue(
    workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = replace(RUN, recipe=replace(RUN.recipe, epochs=0))
    verdicts = Record(run, "verdicts", "validation", "gpt-4")
    losses, responses = Record(run, "losses"), verdicts.of("responses")
    write_record(responses, "[]")
    responses.path.write_text("[1]")
    with pytest.raises(WorkflowError, match="1 of 1 jobs failed") as error:
        produce([verdicts, losses], jobs=1)
    why = f"{verdicts.path}: {responses.path}: was changed after it was made"
    assert why in str(error.value)
    assert str(error.value).count("\n") == 0
    # It was shown beside the bar when it happened, before the losses were made.
    shown = capfd.readouterr().err
    assert f"runs/logs/job_0.log: {why}" in shown[: shown.index("2/3")]
    assert not verdicts.exists()
    assert losses.exists()


def test_a_job_that_is_killed_for_memory_says_so(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.experiments.two_runs"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        jobs: set[psutil.Process] = set()
        while len(jobs) < 2:
            assert process.poll() is None
            for each in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if each.cmdline()[3:4] == ["make"]:
                        jobs.add(each)
            time.sleep(0.05)
        for job in jobs:
            job.kill()
        _, said = process.communicate()
    assert process.returncode == 1
    hint = "killed, probably for lack of memory; JOBS=1 needs less"
    assert f"runs/logs/job_0.log: {hint}" in said
    assert f"2 of 2 jobs failed, first runs/logs/job_0.log with: {hint}" in said


def test_snakemakes_own_error_is_shown(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".snakemake").touch()  # where it wants a folder
    with pytest.raises(WorkflowError, match="no job said why") as error:
        produce(TARGETS)
    assert f"File exists: '{workplace}/.snakemake'" in str(error.value)
    assert str(error.value).count("\n") == 0


def test_paths_with_spaces_and_a_home_that_cannot_be_written_to_are_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "my checkout's $HOME"
    checkout.mkdir()
    for package in ("experiments", "neftune", "eval", "analysis", "tests"):
        (checkout / package).symlink_to(ROOT / package)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    (packages,) = checkout.glob(".venv/lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    monkeypatch.chdir(checkout)
    record = Record(RUN, "flips")
    RUN.write_spec()
    make = "from experiments.runs.workflow import produce; from tests.experiments.two_runs import *"
    done = subprocess.run(
        [checkout / ".venv/bin/python", "-c", f"{make}; produce([Record(RUNS[0], 'flips')])"],
        env=os.environ | {"HOME": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert record.exists()
    assert str(checkout) in Path("runs/workflow.log").read_text()


def test_a_second_workflow_in_the_same_folder_is_an_error(workplace: Path) -> None:
    Path("runs").mkdir()
    with open("runs/.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunsInUseError, match=r"another workflow is running in .*; wait for it"):
            produce(TARGETS)


def test_cores_are_counted_where_the_system_has_no_affinities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert cores() == os.cpu_count()
