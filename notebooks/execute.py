"""Execute the notebooks, and write them with their outputs.

    python -m notebooks.execute                          # or: make notebooks; to runs/notebooks/
    python -m notebooks.execute --in-place               # as `make release` does

Each notebook runs in its own folder, as Jupyter does it. Outputs that differ between two runs are
left out: clock readings, and warnings and progress bars on stderr.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent
OUT = FOLDER.parent / "runs" / "notebooks"
LIMIT_SECONDS = 300


class NotebookError(RuntimeError):
    """A cell failed; the message names the notebook and has the cell's error."""


def notebooks() -> list[Path]:
    """Return the notebooks in reading order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook.

    Returns:
        The notebook with fresh outputs.

    Raises:
        NotebookError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LIMIT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(f"{path}: {error}") from None
    notebook.metadata.pop("language_info", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Execute all notebooks, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--in-place", action="store_true", help="replace the notebooks themselves")
    out = FOLDER if parser.parse_args().in_place else OUT
    out.mkdir(parents=True, exist_ok=True)
    for path in notebooks():
        started = time.monotonic()
        nbformat.write(execute(path), out / path.name)
        print(f"{out.name}/{path.name}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
