"""Workflows through a real SLURM: cancelled jobs, a drained node, stops, and equal bytes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.archive import archive_file, unpack
from experiments.runs.record import Record
from experiments.runs.study import Study
from experiments.runs.workflow import WorkflowError, produce
from experiments.scales.nano import NANO
from tests.experiments.two_runs import TARGETS
from tests.paths import ROOT
from tests.slurm_cluster import missing, slurm_cluster


def jobs(environment: dict[str, str], state: str) -> list[str]:
    answer = subprocess.run(
        ["squeue", "--noheader", "--format=%i", f"--states={state}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.split()


def until(
    reached: Callable[[], object], process: "subprocess.Popen[bytes]", seconds: int = 180
) -> None:
    for _ in range(seconds * 5):
        if reached():
            return
        assert process.poll() is None, "the workflow ended too early"
        time.sleep(0.2)
    raise TimeoutError


@pytest.mark.long
@pytest.mark.skipif(missing() is not None, reason=f"SLURM: {missing()}")
def test_table_1_through_slurm_is_the_local_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: Study
) -> None:
    """Seven of the eight runs come from the committed records, one is made."""
    command = [sys.executable, "-m", "experiments", "show", "table1", "--seeds", "1"]
    made = study.neft(ALPACA)[0]
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        results = folder / "results" / "nano"
        results.mkdir(parents=True)
        shutil.copy(ROOT / "results" / "nano" / "selection.json", results)
        monkeypatch.chdir(folder)
        unpack(ROOT / archive_file(NANO))
        shutil.rmtree(made.folder)
    own = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    own.pop("PROFILE", None)
    assert subprocess.run(command, cwd=here, env=own, check=False).returncode == 0

    with slurm_cluster(tmp_path / "cluster") as environment:
        environment |= {"PYTHONPATH": str(ROOT), "PROFILE": "slurm"}
        environment.pop("OMP_NUM_THREADS", None)
        process = subprocess.Popen(command, cwd=there, env=environment)
        until(lambda: jobs(environment, "RUNNING"), process)
        (cancelled, *_) = jobs(environment, "RUNNING")
        host = socket.gethostname()
        scontrol = ["scontrol", "update", f"nodename={host}"]
        subprocess.run([*scontrol, "state=drain", "reason=test"], env=environment, check=True)
        subprocess.run(["scancel", cancelled], env=environment, check=True)
        until(lambda: cancelled in jobs(environment, "CANCELLED"), process)
        assert process.poll() is None
        subprocess.run([*scontrol, "state=resume"], env=environment, check=True)
        assert process.wait(timeout=600) == 0
        assert jobs(environment, "CANCELLED") == [cancelled]
        assert jobs(environment, "COMPLETED")
    for path in (
        *(Path(f"runs/results/nano/table1.seeds1.{kind}") for kind in ("md", "csv", "json", "svg")),
        made.folder / "model" / "model.safetensors",
        Record(made, "verdicts", judge="gpt-4").path,
    ):
        assert (there / path).read_bytes() == (here / path).read_bytes(), path


@pytest.mark.skipif(missing() is not None, reason=f"SLURM: {missing()}")
def test_jobs_of_a_cluster_are_cancelled_when_the_workflow_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.experiments.two_runs"]
    with slurm_cluster(tmp_path / "cluster") as environment:
        environment |= {"PYTHONPATH": str(ROOT), "PROFILE": "slurm"}
        for number in (signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen(command, cwd=tmp_path, env=environment)
            until(lambda: jobs(environment, "RUNNING"), process)
            process.send_signal(number)
            process.wait()
            # After SIGKILL the jobs are cancelled by what outlives it for a moment.
            deadline = time.monotonic() + 60
            while jobs(environment, "RUNNING,PENDING,COMPLETING"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert len(jobs(environment, "CANCELLED")) >= 2
        assert jobs(environment, "COMPLETED") == []


def test_an_unknown_profile_is_an_error_that_lists_the_known_ones(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE", "moon")
    with pytest.raises(WorkflowError, match="there is no such profile; there are: slurm"):
        produce(TARGETS)
