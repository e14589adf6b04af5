"""Execute the notebooks in place, so that they are committed with what they show.

python -m notebooks.execute                          # or: make notebooks
python -m notebooks.execute --check                  # executes copies, changes nothing
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent
LIMIT_SECONDS = 120


class NotebookError(RuntimeError):
    """A notebook's cell failed; the message says which notebook and how."""


def notebooks() -> list[Path]:
    """The notebooks, in reading order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path) -> nbformat.NotebookNode:
    """A notebook with fresh outputs; clock readings, which change with every run, are left out.

    Raises:
        NotebookError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LIMIT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER.parent)}},
        record_timing=False,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(f"{path}: {error}") from None
    notebook.metadata.pop("language_info", None)
    return notebook


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="do not write what was executed")
    check = parser.parse_args().check
    for path in notebooks():
        started = time.monotonic()
        done = execute(path)
        if not check:
            nbformat.write(done, path)
        print(f"{path.name}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
