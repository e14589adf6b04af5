"""Have Snakemake make the records that a table needs, and only those that are missing.

    produce([annotations(run.folder, "test", "gpt-4") for run in runs], runs, jobs=2)

What is there is skipped; what a kill left half done is made again; jobs run in parallel. One
workflow at a time: a second one is told so, and a killed one leaves no lock behind.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.jobs import checkpoint_file, outputs_file
from experiments.run import RUNS, Run

SNAKEFILE = Path(__file__).parent / "Snakefile"


class WorkflowError(RuntimeError):
    """Jobs failed, or another workflow is running."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def produce(targets: Sequence[Path], runs: Iterable[Run], jobs: int | None = None) -> None:
    """Make record files.

    Args:
        targets: files of verdicts (`jobs.verdicts_file`).
        runs: all the runs that the targets belong to.
        jobs: how many at a time; by default one a core.

    Raises:
        WorkflowError: another workflow is at work here, or a job failed; the message has the job's
            own error.
    """
    for run in runs:
        run.write_spec()
    missing = [target for target in targets if not target.exists()]
    if not missing:
        return
    RUNS.mkdir(exist_ok=True)
    with (RUNS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(
                f"another workflow is at work in {RUNS.resolve()}; wait for it, or stop it"
            ) from None
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)),
            *("--cores", str(jobs or cores())),
            *("--nolock", "--ignore-incomplete", "--rerun-triggers", "mtime"),
            *("--keep-going", "--nocolor"),
            "--",
            *map(str, missing),
        ]
        log = RUNS / "workflow.log"
        started = time.time()
        with log.open("w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            _watch(process, missing)
        if process.returncode:
            raise WorkflowError(
                f"some jobs failed (all of it in {log}):\n{_failures(started)}"
                "Finished runs are kept: the same command goes on from there"
            )


def _steps(target: Path) -> tuple[Path, ...]:
    """The files that are made on the way to a judge's verdicts, these included."""
    split = target.parent.parent
    return checkpoint_file(split.parent), outputs_file(split.parent, split.name), target


def _watch(process: subprocess.Popen[bytes], targets: Sequence[Path]) -> None:
    """Show how many steps are done until the workflow ends."""
    steps = {step for target in targets for step in _steps(target)}
    with tqdm(total=len(steps), desc="train, respond, judge", unit="step") as bar:
        while True:
            ended = process.poll() is not None
            bar.n = sum(step.exists() for step in steps)
            bar.refresh()
            if ended:
                return
            time.sleep(0.5)


def _failures(since: float) -> str:
    """What the failed jobs said last."""
    told = ""
    for path in sorted(RUNS.rglob("*.log")):
        if path.name != "workflow.log" and path.stat().st_mtime >= since:
            errors = [line for line in path.read_text().splitlines() if "error:" in line.lower()]
            told += "".join(f"  {path}: {error}\n" for error in errors[-1:])
    return told
