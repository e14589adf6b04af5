"""Write a file whole or not at all.

write_whole(Path("table.json"), json.dumps(table))
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside the file, then rename: an interruption leaves the old file or the new one.

    Args:
        path: the file; its folder is made if it is missing.
        content: text, written as UTF-8, or bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(fresh, path)
