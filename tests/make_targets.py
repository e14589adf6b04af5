"""The Makefile in a folder of its own, with a Python of the test's choice in its environment.

place = folder_with_makefile(tmp_path, record=True)  # commands print their arguments as JSON
done = make(place, "table1", "SEED=1")
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

PARTS = (
    *("Makefile", "requirements.lock", "pyproject.toml", "experiments", "neftune", "eval"),
    *("analysis", "notebooks", "docs", "benchmarks"),
)
RECORD = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


def folder_with_makefile(folder: Path, record: bool) -> Path:
    """A folder with links to the project's parts, and an environment that counts as installed.

    Args:
        folder: an empty one.
        record: whether its Python prints its arguments and environment, or runs them.
    """
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    (folder / "venv" / "bin").mkdir(parents=True)
    python = folder / "venv" / "bin" / "python"
    recording = f"-c '{RECORD}'" if record else ""
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" {recording} "$@"\n')
    python.chmod(0o755)
    (folder / "venv" / ".ready").touch()
    return folder


def make(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """A real make, which inherits nothing from one that runs the tests."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "VENV=venv", *arguments],
        cwd=folder,
        env=inherited | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
