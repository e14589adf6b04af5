"""Write files atomically: a reader sees the old content or the new content, never a part of it.

    write_atomic(Path("table.json"), json.dumps(table))

An interrupted write leaves the old file in place.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a temporary file in the same folder, then rename it to `path`.

    Args:
        path: the file; its folder is created if it does not exist.
        content: text, which is written as UTF-8, or bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(fresh, path)


def give_usual_permissions(folder: Path) -> None:
    """Give a folder and all in it the permissions of new ones; safetensors writes for the owner."""
    mask = os.umask(0)
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
