"""Where a result came from: commit, command, versions, machine, seconds.

write_provenance(Path("results/nano/table1.provenance.json"), command="make table1", seeds=[0])
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from neftune.files import write_whole

PACKAGES = ("torch", "transformers", "alpaca_eval", "numpy", "scipy", "snakemake")


def commit() -> str:
    """The commit of the working tree, with "+changes" where files differ from it."""

    def git(*arguments: str) -> str:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return answer.stdout.strip()

    name = git("rev-parse", "HEAD")
    if not name:
        return "unknown (not a git checkout)"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    return f"{name}+changes" if changed else name


def processor() -> str:
    """The processor's name, where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def write_provenance(out: Path, command: str, **details: Any) -> None:
    """Write a provenance file.

    Args:
        out: the file.
        command: what makes the result again.
        details: seeds, seconds, runs and the like.
    """
    record: Mapping[str, Any] = {
        "command": command,
        "commit": commit(),
        **details,
        "machine": processor(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
    }
    write_whole(out, json.dumps(record, indent=1) + "\n")
