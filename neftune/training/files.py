"""Write files atomically: a reader sees the old content or the new content, never a part of it.

    write_atomic(Path("table.json"), json.dumps(table))
    replace_folder(Path("tuned.partial"), Path("tuned"))  # the same for a folder

An interrupted or failed write leaves the old file in place, also when the machine loses power. What
a killed process left beside the file goes with the next write of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a temporary file in the same folder, then rename it to `path`.

    Args:
        path: the file; its folder is created if it does not exist.
        content: text, which is written as UTF-8, or bytes.

    Raises:
        OSError: the file cannot be written; the message names it and says why.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        # A full disk's error names no file.
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            fresh.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the system write a folder's list of files to the disk: renames in it then last.

    Args:
        folder: any; some network file systems cannot, and do nothing.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_folder(folder: Path, out: Path) -> None:
    """Rename a complete folder to `out` once all of it is on the disk.

    Args:
        folder: with all of its files.
        out: its name from now on; a folder of that name is removed.
    """
    sync_files(folder)
    shutil.rmtree(out, ignore_errors=True)
    os.replace(folder, out)
    sync_folder(out.parent)


def sync_files(folder: Path) -> None:
    """Have the system write the files below a folder to the disk."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that no longer run left of their writes of a file."""
    for leftover in path.parent.glob(f"{path.name}.*.new"):
        number = leftover.name.split(".")[-2]
        if number.isdigit() and not is_running(number):
            leftover.unlink(missing_ok=True)


def is_running(process: str) -> bool:
    """Whether a process of this machine runs; what is no process id is taken for one that does."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True  # no id, or another user's process
    return True


def give_usual_permissions(folder: Path) -> None:
    """Give a folder and all in it the permissions of new ones; safetensors writes for the owner."""
    mask = os.umask(0)
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
