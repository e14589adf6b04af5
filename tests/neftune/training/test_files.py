"""Atomic writes: a failed one leaves the old file and nothing else, and says which file it was."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neftune.training.files import replace_folder, write_atomic


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Writes beyond a size fail, as they do on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_replaces_the_file_and_makes_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.json"
    write_atomic(path, "old")
    write_atomic(path, b"\xff")
    assert path.read_bytes() == b"\xff"
    assert os.listdir(path.parent) == ["table.json"]


def test_a_failed_write_names_the_file_and_leaves_the_old_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_atomic(path, "old")
    with largest_file(1000), pytest.raises(OSError, match="too large") as error:
        write_atomic(path, "new" * 1000)
    assert str(path) in str(error.value)
    assert ".new" not in str(error.value)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.json"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    writer = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import os, signal, sys\nfrom pathlib import Path\nfrom neftune.training import files\n"
            "files.os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
            "files.write_atomic(Path(sys.argv[1]), 'half')",
            str(path),
        ]
    )
    assert writer.wait() == -signal.SIGKILL
    assert os.listdir(tmp_path) == [f"table.json.{writer.pid}.new"]
    # One of a process that runs, and files that only look alike, stay.
    others = [f"table.json.{os.getppid()}.new", "other.json.1.new", "table.json.notes.new"]
    for name in others:
        (tmp_path / name).touch()
    write_atomic(path, "whole")
    assert sorted(os.listdir(tmp_path)) == sorted(["table.json", *others])


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    for name in ("tuned", "tuned.partial"):
        (tmp_path / name / "weights").mkdir(parents=True)
        (tmp_path / name / "weights" / name).touch()
    replace_folder(tmp_path / "tuned.partial", tmp_path / "tuned")
    assert os.listdir(tmp_path) == ["tuned"]
    assert os.listdir(tmp_path / "tuned" / "weights") == ["tuned.partial"]
