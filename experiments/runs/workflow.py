"""Have Snakemake make the records that a table needs, and only those that are missing.

    produce([Record(run, "verdicts", judge="gpt-4") for run in runs], jobs=2)

What exists is skipped; what a kill left half made is made again; jobs run in parallel, on this
machine or, with PROFILE=slurm, on a cluster. Two workflows do not run in one folder at a time: the
second one gets an error. A killed workflow leaves no lock behind.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.paths import RUNS
from experiments.runs.record import Record, missing
from experiments.runs.run import Run
from neftune.training.files import write_atomic

ERRORS_SHOWN = 5
SNAKEFILE = Path(__file__).parent / "Snakefile"
PROFILES = Path(__file__).parent / "profiles"


class WorkflowError(RuntimeError):
    """Jobs failed, or another workflow is running."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def produce(records: Sequence[Record], jobs: int | None = None) -> None:
    """Make records.

    Args:
        records: what must exist afterwards.
        jobs: how many at a time; by default one a core. On a cluster (PROFILE=slurm) so many are
            queued at a time.

    Raises:
        WorkflowError: another workflow is running here, or a job failed; the message has the job's
            own error.
    """
    wanted = [record for record in dict.fromkeys(records) if not record.exists()]
    if not wanted:
        return
    steps = missing(wanted)
    for record in steps:
        for run in filter(None, (record.run, record.other)):
            run.write_spec()
    RUNS.mkdir(exist_ok=True)
    with (RUNS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(
                f"another workflow is running in {RUNS.resolve()}; wait for it, or stop it"
            ) from None
        jobs = jobs or cores()
        plan = RUNS / "plan.json"
        resources = dict(wanted[0].run.scale.resources)
        planned = [
            {"records": [str(record.path) for record in job], "resources": resources}
            for job in _plan(wanted, jobs)
        ]
        write_atomic(plan, json.dumps(planned))
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)),
            *("--config", f"plan={plan}", *_where(jobs)),
            *("--nolock", "--ignore-incomplete", "--keep-incomplete"),
            *("--rerun-triggers", "mtime", "--keep-going", "--nocolor"),
        ]
        log = RUNS / "workflow.log"
        started = time.time()
        with log.open("w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            _watch(process, steps)
        if process.returncode:
            raise WorkflowError(
                f"some jobs failed (full log: {log}):\n{_failures(started)}"
                "Finished records are kept; the same command resumes"
            )


def _where(jobs: int) -> list[str]:
    """Snakemake's options for this machine, or for the cluster that PROFILE names.

    Raises:
        WorkflowError: there is no such profile.
    """
    name = os.environ.get("PROFILE")
    if not name:
        return ["--cores", str(jobs)]
    profile = PROFILES / name
    if not (profile / "config.yaml").is_file():
        there = ", ".join(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")))
        raise WorkflowError(f"PROFILE={name}: there is no such profile; there are: {there}")
    return ["--profile", str(profile), "--jobs", str(jobs)]


def _plan(wanted: Sequence[Record], jobs: int) -> list[list[Record]]:
    """The records of each job: those of a few runs of one base model, which share a process."""
    by_model: dict[str, dict[Run, list[Record]]] = {}
    for record in wanted:
        by_model.setdefault(record.run.model, {}).setdefault(record.run, []).append(record)
    most = wanted[0].run.scale.runs_per_job
    planned = []
    for by_run in by_model.values():
        runs = list(by_run.values())
        while runs:
            # Jobs become smaller towards the end, so that none runs alone for long.
            size = max(1, min(most, math.ceil(len(runs) / (2 * jobs))))
            planned.append([record for records in runs[:size] for record in records])
            runs = runs[size:]
    return planned


def _watch(process: subprocess.Popen[bytes], records: Sequence[Record]) -> None:
    """Show how many records exist until the workflow ends."""
    steps = [record.path for record in records]
    with tqdm(total=len(steps), desc="train, respond, judge", unit="step") as bar:
        while True:
            ended = process.poll() is not None
            done = sum(step.exists() for step in steps)
            # Where the bar is a file, a line a step is enough.
            if done > bar.n or ended or sys.stderr.isatty():
                bar.n = done
                bar.refresh()
            if ended:
                return
            time.sleep(0.5)


def _failures(since: float) -> str:
    """The first errors of each failed job."""
    shown = ""
    for path in sorted((RUNS / "logs").glob("*.log")):
        if path.stat().st_mtime >= since:
            errors = [line for line in path.read_text().splitlines() if "error:" in line.lower()]
            shown += "".join(f"  {path}: {error}\n" for error in errors[:ERRORS_SHOWN])
    return shown
