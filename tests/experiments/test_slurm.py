"""Jobs through a real SLURM: one cancelled, its node drained in the middle, and equal records."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.workflow import WorkflowError, produce
from tests.experiments.two_runs import RUNS, TARGETS
from tests.paths import ROOT
from tests.slurm_cluster import missing, slurm_cluster


def jobs(environment: dict[str, str], state: str) -> list[str]:
    told = subprocess.run(
        ["squeue", "--noheader", "--format=%i", f"--states={state}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()


def until(reached: object, process: "subprocess.Popen[bytes]", seconds: int = 180) -> None:
    for _ in range(seconds * 5):
        if reached():  # type: ignore[operator]
            return
        assert process.poll() is None, "the workflow ended too early"
        time.sleep(0.2)
    raise TimeoutError


@pytest.mark.skipif(missing() is not None, reason=f"SLURM: {missing()}")
def test_the_same_records_through_slurm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.experiments.two_runs"]
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
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
        assert process.wait(timeout=300) == 0
        assert len(jobs(environment, "COMPLETED")) == 2
        assert jobs(environment, "CANCELLED") == [cancelled]
    for run, target in zip(RUNS, TARGETS, strict=True):
        for record in (target, run.folder / "model" / "model.safetensors"):
            assert (there / record).read_bytes() == (here / record).read_bytes(), record


def test_an_unknown_profile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROFILE", "moon")
    with pytest.raises(WorkflowError, match="there is no such profile; there are: slurm"):
        produce(TARGETS, RUNS)
