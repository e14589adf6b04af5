"""What this machine has: memory, GPUs, space on disk, folders that can be written to.

gpus()                                               # GiB of each GPU that torch sees
main_memory()                                        # GiB, of the container where there is one
cannot_write(Path("runs"))                           # None, or why nothing can be written there
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.scales.memory import GIB

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how much memory a container has."""
PROBE = (
    "import json, torch; print(json.dumps([torch.cuda.get_device_properties(i).total_memory "
    "for i in range(torch.cuda.device_count())]))"
)
TIMEOUT = 60.0
TRIED = 4 * 2**20
"""Bytes that are written to see whether a disk takes them."""


def gpus() -> list[float] | None:
    """The GiB of each GPU that a job would see, by torch itself in a process of its own.

    Returns:
        None where torch does not say within a minute.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=TIMEOUT
        )
        return [size / GIB for size in json.loads(done.stdout.splitlines()[-1])]
    except (subprocess.TimeoutExpired, ValueError, LookupError):
        return None


def main_memory() -> float:
    """The GiB of memory that all processes here can use together."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, LIMITS):
        try:
            sizes.append(int(path.read_text()))
        except (OSError, ValueError):
            continue  # There is no such limit.
    return min(sizes) / GIB


def cannot_write(folder: Path) -> str | None:
    """Why nothing can be written to a folder; None if something can.

    A file is written and removed again: permissions say nothing of a full disk.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(TRIED))
            file.flush()
    except OSError as error:
        return f"{folder.absolute()}: cannot be written to ({error.strerror or error})"
    return None


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def free_space(folder: Path) -> tuple[int, int]:
    """The device that a folder lies on, or will, and the bytes that are free there."""
    place = existing(folder)
    return place.stat().st_dev, shutil.disk_usage(place).free
