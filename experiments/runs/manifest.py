"""The manifest of a run: by record, its SHA-256, what it was made from, by which commit, where.

    manifest = read_manifest(run.folder, run.key)        # from made.json; {} where nothing was made
    manifest["test/model_outputs.json"].sources          # {"model/config.json": "5d1f…"}
    write_entries(run.folder, run.key, {"losses.json": entry})

A record counts as made when the manifest has it. So a table can tell a file that was edited, cut or
copied from elsewhere, and answers of one training from verdicts on those of another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from neftune.training.files import file_sha256, write_atomic

MANIFEST = "made.json"


class ManifestError(RuntimeError):
    """A manifest is damaged, or belongs to another run; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """How a record was made.

    Args:
        sha256: of the file; of a checkpoint, see `digest`. None where the file was not kept.
        sources: the hashes of the records that it was made from, by their names.
        machine: processor or GPU, number formats and the version of torch.
        seconds: of one core.
        commit: of the working tree that made it, as of `provenance.commit`; None where it was not
            noted.
    """

    sha256: str | None
    sources: Mapping[str, str | None]
    machine: str
    seconds: float
    commit: str | None = None


def read_manifest(folder: Path, key: str) -> Mapping[str, Entry]:
    """The entries of a run's records by name.

    Args:
        folder: the run's.
        key: the run's, which the manifest must name.

    Raises:
        ManifestError: the file is damaged, or that of another run.
    """
    path = folder / MANIFEST
    try:
        stamp = path.stat()
    except FileNotFoundError:
        return {}
    named, entries = _parsed(path.resolve(), stamp.st_mtime_ns, stamp.st_size)
    if named != key:
        raise ManifestError(
            f"{path}: belongs to the run {named}, not {key}: files were copied from another run; "
            f"remove {folder} to have the run made again"
        )
    return entries


@lru_cache(maxsize=4096)
def _parsed(path: Path, stamp: int, size: int) -> tuple[str, Mapping[str, Entry]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["run"], {n: _entry(each) for n, each in content["records"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(
            f"{path}: cannot be read as a manifest ({error}); remove {path.parent} to have the run "
            "made again"
        ) from None


def _entry(content: Mapping[str, Any]) -> Entry:
    sources, commit = dict(content["sources"]), content.get("commit")
    texts = (content["sha256"], *sources.values(), commit)
    if not all(value is None or isinstance(value, str) for value in texts):
        raise TypeError("a hash or commit is no text")
    machine, seconds = str(content["machine"]), float(content["seconds"])
    return Entry(content["sha256"], sources, machine, seconds, commit)


def write_entries(folder: Path, key: str, made: Mapping[str, Entry]) -> None:
    """Add records to a run's manifest, or replace them there.

    Args:
        folder: the run's, whose lock the caller holds.
        key: the run's.
        made: entries by the names of the records.

    Raises:
        ManifestError: the manifest that is there is damaged, or that of another run.
    """
    entries = {**read_manifest(folder, key), **made}
    content = {"run": key, "records": {name: asdict(each) for name, each in entries.items()}}
    write_atomic(folder / MANIFEST, json.dumps(content, indent=1, sort_keys=True) + "\n")


def digest(files: Mapping[str, Path]) -> str:
    """The SHA-256 of a record of one file, or of several by their names.

    Args:
        files: the record's files by their names within it.
    """
    hashes = {name: file_sha256(path) for name, path in sorted(files.items())}
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
