"""Where things lie that some tests need and others may lack."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
BASE = ROOT / "experiments" / "nano" / "models" / "llama-2-7b"


def shared(name: str) -> Path:
    """A file or folder of real public data; the test is skipped where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the real data is not here: shared/data/{name}")
    return path
