"""The records of every run in one committed file, so that results render without training.

    make unpack                                          # results/nano/records.tar.xz to runs/
    make release                                         # packs

The archive holds what artifacts are made from (responses, verdicts, losses, scores, logs), in the
formats in which jobs write them, and no weights. Same records, same bytes.
"""

from __future__ import annotations

import io
import lzma
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from experiments.paths import RESULTS, RUNS
from experiments.runs.run import Run
from experiments.scales.scale import Scale
from neftune.training.files import write_atomic


class ArchiveError(RuntimeError):
    """The archive of records is missing or damaged; the message says which."""


def archive_file(scale: Scale) -> Path:
    """Where the records of a scale are kept."""
    return RESULTS / scale.name / "records.tar.xz"


def pack(runs: Iterable[Run], archive: Path) -> None:
    """Write the records of runs into an archive.

    Args:
        runs: whose records; without model weights and half-made files.
        archive: the file, replaced whole.
    """
    found = [(run, path) for run in dict.fromkeys(runs) for path in _records(run.folder)]

    def alike(entry: tuple[Run, Path]) -> tuple[str, ...]:
        """Files with the same phrases in them stand together, which halves the archive."""
        run, path = entry
        return (str(path.relative_to(run.folder)), run.dataset.role, run.model, run.key)

    fresh = archive.with_name(f"{archive.name}.{os.getpid()}.new")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fresh, "w:xz", preset=9) as tar:
        for _, path in tqdm(sorted(found, key=alike), desc="packing records", unit="file"):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(RUNS).as_posix())
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    os.replace(fresh, archive)


def _records(folder: Path) -> list[Path]:
    """A run's files, except for its checkpoint's."""
    model = folder / "model"
    files = [
        path
        for path in folder.rglob("*.json")
        if not any(part.startswith(model.name) for part in path.relative_to(folder).parts[:-1])
    ]
    return [*files, *model.glob("training_*")]


def unpack(archive: Path) -> int:
    """Put the records of an archive into `runs/`; what is there already stays as it is.

    Args:
        archive: from `pack`.

    Returns:
        How many files were written.

    Raises:
        ArchiveError: there is no archive, it is damaged, or it names a place outside of `runs/`.
    """
    if not archive.exists():
        raise ArchiveError(f"{archive}: no records are committed; `make paper` makes the runs")
    written = 0
    try:
        with tarfile.open(archive, "r:xz") as tar:
            for entry in tqdm(tar, desc="unpacking records", unit="file"):
                safe = tarfile.data_filter(entry, str(RUNS.resolve()))
                path = RUNS / safe.name
                content = tar.extractfile(entry) if entry.isfile() else None
                if content is not None and not path.exists():
                    write_atomic(path, content.read())
                    written += 1
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ArchiveError(
            f"{archive}: damaged ({error}); get it anew from the repository"
        ) from None
    return written
