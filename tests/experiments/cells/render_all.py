"""Render results from the committed archive, where nothing that trains or judges can be imported.

python -m tests.experiments.cells.render_all table4 phase
"""

import sys
from pathlib import Path

from tests.experiments.blocked_imports import block

FORBIDDEN = ("torch", "transformers", "alpaca_eval", "lm_eval", "datasets", "peft")


def main(names: list[str]) -> None:
    """Unpack the archive of the working folder and write the artifacts of these names."""
    block(*FORBIDDEN)
    from experiments.cells.render import write
    from experiments.commands.paper import everything
    from experiments.runs.archive import archive_file, unpack
    from experiments.runs.selection import load_selection
    from experiments.runs.study import Study
    from experiments.scales.nano import NANO

    unpack(archive_file(NANO))
    selection = load_selection(NANO)
    for artifact in everything(NANO):
        if artifact.name in names:
            study = Study(NANO, artifact.seeds, selection)
            write(artifact, study, artifact.cells(study), Path("rendered"))


if __name__ == "__main__":
    main(sys.argv[1:])
