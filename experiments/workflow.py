"""Have Snakemake make the records that a table needs, and only those that are missing.

    produce([verdicts_file(run.folder, "test", "gpt-4") for run in runs], runs, jobs=2)

What is there is skipped; what a kill left half done is made again; jobs run in parallel. One
workflow at a time: a second one is told so, and a killed one leaves no lock behind.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.jobs import needed_first, run_folder
from experiments.run import RUNS, Run
from neftune.files import write_whole

ERRORS_SHOWN = 5
SNAKEFILE = Path(__file__).parent / "Snakefile"
PROFILES = Path(__file__).parent / "profiles"


class WorkflowError(RuntimeError):
    """Jobs failed, or another workflow is running."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def produce(targets: Sequence[Path], runs: Iterable[Run], jobs: int | None = None) -> None:
    """Make record files.

    Args:
        targets: the records' files (`experiments.jobs` lists their kinds).
        runs: all the runs that the targets belong to.
        jobs: how many at a time; by default one a core. On a cluster (PROFILE=slurm) so many are
            queued at a time.

    Raises:
        WorkflowError: another workflow is at work here, or a job failed; the message has the job's
            own error.
    """
    by_folder = {run.folder: run for run in runs}
    missing = [target for target in dict.fromkeys(targets) if not target.exists()]
    for folder in {run_folder(target) for target in missing}:
        by_folder[folder].write_spec()
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
        jobs = jobs or cores()
        plan = RUNS / "plan.json"
        scale = next(iter(by_folder.values())).at
        planned = [
            {"records": records, "resources": dict(scale.resources)}
            for records in _plan(missing, by_folder, jobs)
        ]
        write_whole(plan, json.dumps(planned))
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
            _watch(process, missing)
        if process.returncode:
            raise WorkflowError(
                f"some jobs failed (all of it in {log}):\n{_failures(started)}"
                "Finished runs are kept: the same command goes on from there"
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


def _plan(missing: Sequence[Path], runs: dict[Path, Run], jobs: int) -> list[list[str]]:
    """The records of each job: a few runs of one base model, so that they share a process."""
    by_model: dict[str, dict[Path, list[str]]] = {}
    for record in missing:
        folder = run_folder(record)
        by_model.setdefault(runs[folder].model, {}).setdefault(folder, []).append(str(record))
    most = next(iter(runs.values())).at.runs_per_job
    plan = []
    for folders in by_model.values():
        records = list(folders.values())
        while records:
            # Ever fewer runs a job, so that no job is left alone for long at the end.
            size = max(1, min(most, math.ceil(len(records) / (2 * jobs))))
            plan.append([path for run in records[:size] for path in run])
            records = records[size:]
    return plan


def _watch(process: subprocess.Popen[bytes], targets: Sequence[Path]) -> None:
    """Show how many records are done until the workflow ends."""
    steps = {step for target in targets for step in [*needed_first(target), target]}
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
    told = ""
    for path in sorted((RUNS / "logs").glob("*.log")):
        if path.stat().st_mtime >= since:
            errors = [line for line in path.read_text().splitlines() if "error:" in line.lower()]
            told += "".join(f"  {path}: {error}\n" for error in errors[:ERRORS_SHOWN])
    return told
