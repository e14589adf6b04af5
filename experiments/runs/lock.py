"""One workflow, or one unpacking, at a time in the folder of runs.

    with hold_runs() as lock:
        subprocess.Popen(command, pass_fds=(lock.fileno(),))   # holds the folder as long as it runs

A killed process leaves no lock behind.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from experiments.paths import RUNS
from neftune.training.files import is_running

POLL = 0.5
PATIENCE = 20.0
"""Seconds in which the jobs of a workflow that was killed a moment ago come to an end."""


class RunsInUseError(RuntimeError):
    """Another workflow is running in the folder of runs."""


@contextmanager
def hold_runs() -> Iterator[IO[str]]:
    """Hold the folder of runs.

    Returns:
        The lock's open file. A process that inherits it holds the folder as well.

    Raises:
        RunsInUseError: another process holds it.
    """
    RUNS.mkdir(exist_ok=True)
    with (RUNS / ".lock").open("a+") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip()
                if is_running(holder) or time.monotonic() > deadline:
                    raise RunsInUseError(
                        f"another workflow is running in {RUNS.resolve()}"
                        + (f" (process {holder})" if holder else "")
                        + "; wait for it, or stop it"
                    ) from None
                time.sleep(POLL)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock
