"""Run a command that ends, with everything that it started, as soon as its owner ends.

    python -m experiments.runs.keeper 5 snakemake …      # 5: the read end of a pipe

The owner alone holds the pipe's write end. However the owner ends, by itself or by a signal that it
cannot handle, the system closes that end. The keeper then interrupts every process below it, as
Ctrl-C would: Snakemake cancels what it sent to a cluster, Python removes its temporary files. What
is left after a grace period is killed. The keeper itself ends last, so files that it holds open,
such as the lock of a folder, stay open until no job is running.

It has a session of its own, so that signals for the owner's process group do not reach it. Only
what a kill of the keeper itself leaves behind has to be ended by the owner.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import psutil

GRACE = 15.0
"""Seconds from the interrupt to the kill. Cancelling jobs of a cluster takes a few."""
POLL = 0.1
PR_SET_CHILD_SUBREAPER = 36


def keep(owner: int, command: Sequence[str]) -> int:
    """Run a command until it ends, its owner ends, or this process gets a signal.

    Args:
        owner: the read end of a pipe whose write end the owner holds.
        command: what to run.

    Returns:
        The command's exit status; -2 if it was interrupted.
    """
    signals: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    # A command starts with the default actions where its parent has handlers, also where the owner
    # was started in the background and ignores interrupts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    adopt_orphans()
    process = subprocess.Popen(command)
    status = None
    while status is None and not signals:
        owner_ended, _, _ = select.select([owner], [], [], POLL)
        status = reap().get(process.pid)
        if owner_ended:
            break
    end_descendants(GRACE)
    return -signal.SIGINT if status is None else status


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends; only Linux has this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> dict[int, int]:
    """The exit statuses of the children that have ended, by process id."""
    ended = {}
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])
    return ended


def end_descendants(grace: float) -> None:
    """Interrupt every descendant, kill those that remain, and return when there is none.

    Args:
        grace: seconds between the interrupt and the kill.
    """
    deadline = time.monotonic() + grace
    told: set[psutil.Process] = set()
    while family := _alive(told):
        late = time.monotonic() > deadline
        for process in family if late else family - told:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL if late else signal.SIGINT)
        told |= family
        time.sleep(POLL)
        reap()


def _alive(known: set[psutil.Process]) -> set[psutil.Process]:
    """This process's descendants, and the known processes and theirs, that have not ended.

    Where orphans are not adopted, those that were seen before their parent ended are known.
    """
    found = set(known)
    for process in (psutil.Process(), *known):
        with suppress(psutil.NoSuchProcess):
            found.update(process.children(recursive=True))
    return {process for process in found if _runs(process)}


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    result = keep(int(sys.argv[1]), sys.argv[2:])
    # A status as shells report it: 128 and the signal's number.
    sys.exit(128 - result if result < 0 else result)
