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
from collections.abc import Iterable, Sequence
from pathlib import Path

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
        targets: record files of the runs.
        runs: all the runs that the targets belong to.
        jobs: how many at a time; by default one a core.

    Raises:
        WorkflowError: another workflow is at work here, or a job failed (its own error stands
            above).
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
            *("--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime"),
            *("--quiet", "rules", "--keep-going"),
            "--",
            *map(str, missing),
        ]
        if subprocess.run(command, check=False).returncode:
            raise WorkflowError(
                "some jobs failed; the error of each stands above. Finished runs are kept: the "
                "same command goes on from there"
            )
