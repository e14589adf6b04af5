"""Where the real data and the shipped base model are; tests that lack data are skipped.

shared("alpaca_eval")                                # a folder of public files
BASE                                                 # the laboratory's LLaMA-2 7B
"""

from pathlib import Path

import pytest

from experiments.paths import LABORATORY

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
BASE = LABORATORY / "models" / "llama-2-7b"


def shared(name: str) -> Path:
    """A file or folder of real public data; the test is skipped where it is absent."""
    return _there(SHARED / "data" / name)


def published_facts() -> Path:
    """Every published number, read off the paper; the test is skipped where the file is absent."""
    return _there(SHARED / "paper" / "paper.yaml")


def _there(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"not on this machine: {path.relative_to(SHARED.parent)}")
    return path
