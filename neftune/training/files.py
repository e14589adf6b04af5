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
