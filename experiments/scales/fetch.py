"""Fetch a model or a data set: from the hub, packages of the package index, or a local place.

    MODEL_llama_2_7b=/models/llama DATA_alpaca=alpaca_data.json make table1 SCALE=paper

    local(Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f…"), "a folder: --model FOLDER")
    available(Hub("meta-llama/Llama-2-7b-hf", "01c7f73…"), …)     # seconds; nothing is downloaded

Of a model only safetensors and the files beside them are fetched. A hub source that names no
revision is pinned when it is first used: its revision is written to `runs/results/pins.json` and is
used from then on.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from experiments.paths import RENDERED, RESULTS
from experiments.roles.sources import Hub, Packaged, Source
from experiments.scales.hub import (
    MODEL_FILES,
    BusyError,
    SourceError,
    UnreachableError,
    ask_hub,
    newest_revision,
    source_error,
)
from experiments.scales.packages import check_packaged, packaged_file, packaged_model
from neftune.training.files import file_sha256, write_atomic
from neftune.training.json_files import parse_json, read_text
from neftune.training.model_folder import check_model_folder

PINS = "pins.json"
NEWEST = "main"
"""The revision that is another commit tomorrow."""
IDENTIFYING = (
    "*.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
)
"""The files of a local model that decide what a training on it computes."""


def variable(kind: Literal["MODEL", "DATA"], role: str) -> str:
    """The environment variable that replaces a role's source by a local file or folder."""
    return f"{kind}_" + role.replace("-", "_").replace(".", "_")


def chosen(kind: Literal["MODEL", "DATA"], role: str, source: Source) -> Source:
    """The user's own file or folder for a role where there is one, else the source itself.

    Raises:
        SourceError: the variable names a file or folder that does not exist.
    """
    name = variable(kind, role)
    own = os.environ.get(name)
    if own is None:
        return source
    if not Path(own).exists():
        raise SourceError(f"{name}={own}: no such file or folder")
    return Path(own)


def identity(source: Source) -> str:
    """What a run's key contains of a source: a hash of the content, or a name and a revision.

    Of a hub source without a revision the name alone counts; `pins.json` has the revision.

    Raises:
        SourceError: a local folder holds no safetensors.
    """
    if isinstance(source, Hub):
        return "@".join(part for part in (source.name, source.revision) if part)
    if isinstance(source, Packaged):
        return f"{source.name}@{source.sha256}"
    return _content_hash(source.resolve())


@lru_cache
def _content_hash(place: Path) -> str:
    files = [place]
    if not place.is_file():
        files = sorted(path for pattern in IDENTIFYING for path in place.glob(pattern))
        if not any(path.suffix == ".safetensors" for path in files):
            raise SourceError(
                f"{place}: holds no .safetensors file; a model of the laboratory is made with "
                "`python -m experiments.nano.pretrain --role ROLE`"
            )
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() if len(files) > 1 else b"")
        digest.update(bytes.fromhex(file_sha256(path)))
    return digest.hexdigest()


def instead_of(kind: Literal["MODEL", "DATA"], role: str) -> str:
    """How a user names a local file or folder for a role, for messages."""
    wanted = "folder" if kind == "MODEL" else "file"
    return f"a local {wanted}: {variable(kind, role)}={wanted.upper()}"


def local(source: Source, instead: str) -> Path:
    """The source as a local folder, or as a file where it names one; downloads what is missing.

    What the hub's cache has at a pinned revision is used without asking the hub. A hub that does
    not answer is an error after seconds, not after the retries of its client.

    Args:
        source: what is wanted.
        instead: how a local file or folder is named, for the error.

    Raises:
        SourceError: it is gated, cannot be reached, or holds no safetensors.
    """
    if isinstance(source, Path):
        return source
    if isinstance(source, Packaged):
        fetch = packaged_model if source.model else packaged_file
        return fetch(source, instead)
    revision = pinned(source, instead)
    found = cached(source, revision)
    if found is not None and revision != NEWEST:
        return found
    try:
        ask_hub(source, revision, instead)
    except UnreachableError:
        if found is not None:
            return found
        raise
    except BusyError:
        pass  # The client's own retries are for this.
    from huggingface_hub import hf_hub_download, snapshot_download

    try:
        if source.file:
            return Path(
                hf_hub_download(source.name, source.file, repo_type=source.kind, revision=revision)
            )
        return Path(snapshot_download(source.name, revision=revision, allow_patterns=MODEL_FILES))
    except Exception as error:
        raise source_error(source, instead, error) from None


def cached(source: Hub, revision: str | None) -> Path | None:
    """What the hub's caches hold of a source, complete, at a revision: a folder or a file.

    Args:
        source: of a data set without a `file`, its cached Arrow files are meant.
        revision: None for any; only data sets without a `file` can be found so.
    """
    from huggingface_hub import constants, hf_hub_download, snapshot_download

    if source.kind == "dataset" and source.file is None:
        sets = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME, "datasets"))
        name = source.name.replace("/", "___") if revision is None else "*"
        found = sorted(sets.glob(f"{name}/*/*/{revision or '*'}/dataset_info.json"))
        return found[0].parent if found else None
    try:
        if source.file:
            return Path(
                hf_hub_download(
                    source.name,
                    source.file,
                    repo_type=source.kind,
                    revision=revision,
                    local_files_only=True,
                )
            )
        folder = Path(
            snapshot_download(
                source.name, revision=revision, allow_patterns=MODEL_FILES, local_files_only=True
            )
        )
        check_model_folder(folder)
    except (OSError, ValueError):
        return None  # The cache lacks the repository, the revision or a file.
    return folder


def check_model(source: Source, role: str) -> int:
    """Check within seconds that a base model can be had.

    Args:
        source: where it comes from.
        role: of the model, for the error.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: it cannot be had; the message says why, and what to do.
        ModelFolderError: a local folder is not a whole model.
    """
    if isinstance(source, Path):
        check_model_folder(source)
        return 0
    return available(source, instead_of("MODEL", role))


def available(source: Hub | Packaged, instead: str) -> int:
    """Check within seconds that a source can be had: it is cached, or the hub or index gives it.

    Args:
        source: what will be wanted.
        instead: how a local file or folder is named, for the error.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: it cannot be had; the message says why, and what to do.
    """
    if isinstance(source, Packaged):
        return check_packaged(source, instead)
    revision = _known_revision(source)
    if revision and cached(source, revision):
        return 0
    try:
        return ask_hub(source, revision, instead)
    except UnreachableError:
        if revision is None and cached(source, None):
            return 0
        raise


def pinned(source: Hub, instead: str) -> str:
    """The source's revision; where it names none, the one that was pinned at the first use.

    Args:
        source: a repository of the hub.
        instead: how a local file or folder is named, for the error.

    Raises:
        SourceError: the hub must be asked, and does not answer.
    """
    known = _known_revision(source)
    if known:
        return known
    revision = newest_revision(source, instead)
    pins = _pins(RENDERED / PINS) | {source.name: revision}
    write_atomic(RENDERED / PINS, json.dumps(pins, indent=1, sort_keys=True) + "\n")
    return revision


def _known_revision(source: Hub) -> str | None:
    pins = _pins(RESULTS / PINS) | _pins(RENDERED / PINS)
    return source.revision or pins.get(source.name)


def _pins(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = parse_json(read_text(path), path)
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise SourceError(f"{path}: should hold a revision by the name of a repository; remove it")
    return found
