"""Where a result came from: commit, command, versions, its runs' machines, commits and seconds.

write_provenance(Path("results/nano/table1.provenance.json"), "make table1", seeds=[0], runs=runs)
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.runs.manifest import Entry, read_manifest
from experiments.runs.run import Run
from neftune.training.files import write_atomic

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "alpaca_eval",
    "lm_eval",
    "numpy",
    "scikit-learn",
    "scipy",
    "snakemake",
)


ROOT = Path(__file__).parents[2]
"""The folder of the code."""


def git(*arguments: str) -> str:
    """What git answers about the code; nothing where there is no git, or no checkout."""
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()


def commit() -> str:
    """The commit of the code, with "+changes" where files differ from it."""
    name = git("rev-parse", "HEAD")
    if not name:
        return "unknown (no git, or not a git checkout)"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    return f"{name}+changes" if changed else name


def seconds(run: Run) -> float:
    """What a run's records cost, in seconds of one core."""
    return sum(entry.seconds for entry in read_manifest(run.folder, run.key).values())


def machines(entries: Iterable[Entry]) -> list[str]:
    """On which machines some records were made, as far as it was noted."""
    return sorted({entry.machine for entry in entries if entry.machine})


def commits(entries: Iterable[Entry]) -> list[str]:
    """At which commits some records were made, as far as it was noted."""
    return sorted({entry.commit for entry in entries if entry.commit})


def write_provenance(
    out: Path, command: str, seeds: Sequence[int] = (), runs: Iterable[Run] = (), **details: Any
) -> None:
    """Write a provenance file.

    Args:
        out: the file.
        command: what makes the result again.
        seeds: of the runs.
        runs: whose keys, machines, commits and seconds are noted.
        details: whatever else belongs to the result.
    """
    runs = list(runs)
    entries = [entry for run in runs for entry in read_manifest(run.folder, run.key).values()]
    content: Mapping[str, Any] = {
        "command": command,
        "commit": commit(),
        "seeds": list(seeds),
        **details,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "runs made on": machines(entries),
        **({"runs made at commits": found} if (found := commits(entries)) else {}),
        "seconds": {run.key: round(seconds(run), 1) for run in runs},
    }
    write_atomic(out, json.dumps(content, indent=1) + "\n")
