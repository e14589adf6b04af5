"""The records of every run in one committed file, so that results render without training.

    make unpack                                          # results/nano/records.tar.xz to runs/
    make release                                         # packs

The archive holds what artifacts are made from (responses, verdicts, losses, scores, logs), in the
formats in which jobs write them, and no weights; texts of others are taken out (`withheld.py`).
Same records, same bytes. Its SHA-256 lies beside it, and an archive with another one is refused.
"""

from __future__ import annotations

import io
import lzma
import os
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tqdm import tqdm

from experiments.paths import RESULTS, RUNS
from experiments.runs.lock import hold_runs
from experiments.runs.manifest import MANIFEST, digest
from experiments.runs.run import Run
from experiments.runs.withheld import Place, restored, texts_of, withheld
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.training.files import write_atomic

WITH_TEXTS = ("model_outputs.json", "annotations.json")
"""The files in which texts of others may stand."""


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

    texts = {run.scale: _texts(run.scale) for run, _ in found}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as tar:
        for run, path in tqdm(sorted(found, key=alike), desc="packing records", unit="file"):
            content = path.read_bytes()
            if path.name in WITH_TEXTS and texts[run.scale]:
                content = withheld(content, texts[run.scale])
            entry = tarfile.TarInfo(path.relative_to(RUNS).as_posix())
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    write_atomic(archive, packed.getvalue())
    write_atomic(hash_file(archive), f"{digest({'': archive})}  {archive.name}\n")


def _texts(scale: Scale) -> Mapping[Place, str]:
    """The texts of others that the records of a scale hold; the laboratory's are our own."""
    return texts_of(scale) if scale.published_choices else {}


def _records(folder: Path) -> list[Path]:
    """A run's files, except for its checkpoint's."""
    model = folder / "model"
    files = [
        path
        for path in folder.rglob("*.json")
        if not any(part.startswith(model.name) for part in path.relative_to(folder).parts[:-1])
    ]
    return [*files, *model.glob("training_*")]


def unpack(archive: Path) -> tuple[int, int]:
    """Put the runs of an archive into `runs/`, each whole; a run that was made here stays as it is.

    Everything is unpacked beside its place first, so after an error or a kill no run is in place in
    part.

    Args:
        archive: from `pack`.

    Returns:
        How many runs were put in place, and how many were here already.

    Raises:
        ArchiveError: there is no archive, it is damaged, or it names a place outside of `runs/`.
        SourceError: it is of a scale with real data, and these are not here.
        WithheldError: these are others than the records were made with.
        RunsInUseError: a workflow is running.
    """
    check_hash(archive)
    with hold_runs():
        return _unpack(archive, RUNS / ".unpacking")


def _unpack(archive: Path, staging: Path) -> tuple[int, int]:
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        with tarfile.open(archive, "r:xz") as tar:
            for entry in tqdm(tar, desc="unpacking records", unit="file"):
                safe = tarfile.data_filter(entry, str(staging.resolve()))
                if not entry.isfile() or safe.name != entry.name:
                    raise tarfile.TarError(f"{entry.name} is no file of a run")
                tar.extract(entry, staging, set_attrs=False, filter="data")
        _put_texts_back(staging)
        return _put_in_place(staging)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ArchiveError(
            f"{archive}: damaged ({error}); get it anew from the repository"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_texts_back(staging: Path) -> None:
    for folder in staging.iterdir():
        scale = SCALES.get(folder.name)
        if scale is not None and (texts := _texts(scale)):
            for path in sorted(each for name in WITH_TEXTS for each in folder.rglob(name)):
                path.write_bytes(restored(path.read_bytes(), texts))


def _put_in_place(staging: Path) -> tuple[int, int]:
    placed = kept = 0
    for folder in sorted(path.parent for path in staging.glob("*/*/spec.json")):
        place = RUNS / folder.relative_to(staging)
        if (place / MANIFEST).exists():
            kept += 1
            continue
        # Without a manifest nothing was made there yet.
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder, place)
        placed += 1
    return placed, kept


def hash_file(archive: Path) -> Path:
    """Where the SHA-256 of an archive is kept, in the format of `sha256sum`."""
    return archive.with_name(f"{archive.name}.sha256")


def check_hash(archive: Path) -> None:
    """Refuse an archive that is not the one that was packed.

    Raises:
        ArchiveError: there is none, or its SHA-256 is not the recorded one.
    """
    if not archive.exists():
        raise ArchiveError(
            f"{archive}: no records are committed at this scale; `make paper SCALE="
            f"{archive.parent.name}` makes the runs, and `make plan SCALE={archive.parent.name}` "
            "says what they cost"
        )
    recorded = hash_file(archive)
    if not recorded.exists():
        raise ArchiveError(f"{recorded}: not there, so {archive} cannot be checked; get it anew")
    if recorded.read_text().split()[:1] != [digest({"": archive})]:
        raise ArchiveError(
            f"{archive}: damaged, or not the one that was committed: its SHA-256 is not the one in "
            f"{recorded}; get both anew from the repository (git checkout -- {archive.parent})"
        )
