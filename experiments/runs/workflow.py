"""Have Snakemake make the records that a table needs, and only those that are missing.

    produce([Record(run, "verdicts", judge="gpt-4") for run in runs], jobs=2)

What exists is skipped; what a kill left half made is made again; jobs run in parallel, on this
machine or, with PROFILE=slurm, on a cluster. Two workflows do not run in one folder at a time: the
second one gets an error as long as any job of the first runs.

No job outlives the process that called `produce`. Ctrl-C, SIGTERM and SIGHUP end the jobs first;
after SIGKILL `keeper.py` does; either way the same command resumes. docs/real-scale.md says what
each signal does.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tqdm import tqdm

from experiments.paths import RUNS
from experiments.runs.failures import LINE_LENGTH, Failures, last_lines
from experiments.runs.lock import hold_runs
from experiments.runs.preflight import check_before
from experiments.runs.record import Record, check_those_made, missing
from experiments.runs.run import Run
from neftune.training.files import is_running, write_atomic

SNAKEFILE = Path(__file__).parent / "Snakefile"
PROFILES = Path(__file__).parent / "profiles"
POLL = 0.5


class WorkflowError(RuntimeError):
    """Jobs failed; the message has the first one's reason."""


def cores() -> int:
    """How many cores this process may use; where the system does not say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def produce(records: Sequence[Record], jobs: int | None = None) -> None:
    """Make records.

    Args:
        records: what must exist afterwards.
        jobs: how many at a time; by default one a core. On a cluster (PROFILE=slurm) so many are
            queued at a time.

    Raises:
        PreflightError: something that the records need is missing.
        RunsInUseError: another workflow is running here.
        WorkflowError: a job failed; the message has the first failed job's own error, and each
            one's was printed when it failed.
        RecordError, ManifestError: one that exists is damaged; nothing is started.
        KeyboardInterrupt: the process was asked to end, or the `make` that started it has ended.
    """
    jobs = jobs or cores()
    check_before(records, jobs)
    check_those_made(records)
    wanted = [record for record in dict.fromkeys(records) if not record.exists()]
    if not wanted:
        return
    steps = missing(wanted)
    for record in steps:
        for run in filter(None, (record.run, record.other)):
            run.write_spec()
    with hold_runs() as lock:
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
            # Without "source-cache", for which it would need a folder in the user's home.
            *("--shared-fs-usage", "persistence", "input-output", "software-deployment"),
            *("sources", "storage-local-copies"),
        ]
        failures = Failures(RUNS / "logs")
        failures.clear()
        log = RUNS / "workflow.log"
        status = _run(command, log, lock, steps, failures)
        absent = [record for record in wanted if not record.exists()]
        if status or absent:
            raise WorkflowError(_what_failed(len(planned), failures, log, absent))


def _run(
    command: Sequence[str],
    log: Path,
    lock: IO[str],
    steps: Sequence[Record],
    failures: Failures,
) -> int:
    """Run Snakemake under a keeper, and show what it does. Whatever happens, all of it ends."""
    read, write = os.pipe()
    with (
        open(read) as theirs,
        open(write, "w") as ours,
        log.open("w") as file,
        _ending_as_interrupts(),
    ):
        keeper = subprocess.Popen(
            [sys.executable, "-m", "experiments.runs.keeper", str(theirs.fileno()), *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(), lock.fileno()),
            start_new_session=True,
        )
        try:
            _watch(keeper, steps, failures)
        finally:
            ours.close()
            keeper.wait()
            if keeper.returncode < 0:
                # It was killed itself.
                with suppress(ProcessLookupError):
                    os.killpg(keeper.pid, signal.SIGKILL)
    return keeper.returncode


@contextmanager
def _ending_as_interrupts() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise KeyboardInterrupt, unless they are ignored or handled."""
    changed = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


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


def _watch(keeper: subprocess.Popen[bytes], records: Sequence[Record], failures: Failures) -> None:
    """Show how many records exist and why jobs fail, until the workflow ends."""
    steps = [record.path for record in records]
    make = os.environ.get("MAKE_PID", "")
    with tqdm(total=len(steps), desc="train, respond, judge", unit="step") as bar:
        while True:
            ended = keeper.poll() is not None
            for line in failures.news():
                bar.write(line, file=sys.stderr)
            done = sum(step.exists() for step in steps)
            # Where the bar is a file, a line a step is enough.
            if done > bar.n or ended or sys.stderr.isatty():
                bar.n = done
                bar.refresh()
            if ended:
                return
            # A `make` that is killed tells its children nothing.
            if make and not is_running(make):
                raise KeyboardInterrupt
            time.sleep(POLL)


def _what_failed(planned: int, failures: Failures, log: Path, absent: Sequence[Record]) -> str:
    """One line: how many jobs failed, the first one's reason, and what to do."""
    resumes = "finished records are kept, and the same command resumes"
    if failures.headlines:
        first, why = next(iter(failures.headlines.items()))
        return (
            f"{len(failures.headlines)} of {planned} jobs failed, first {first} with: {why} "
            f"(all logs: {first.parent}/); {resumes}"
        )
    lines = last_lines(log.read_text(errors="replace"))
    said = " | ".join(map(str.strip, lines))[-LINE_LENGTH:]
    why = said or f"nothing was said, and {absent[0].path} is missing"
    return f"the workflow failed, and no job said why (full log: {log}): {why}; {resumes}"
