"""Fetch a model or a data set: from the hub at a pinned revision, or from a local file or folder.

    MODEL_llama_2_7b=/models/llama DATA_alpaca=alpaca_data.json make table1 SCALE=paper

    local(Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f…"), "llama-2-7b")    # safetensors only

A hub source that names no revision is pinned when it is first used: its revision is written to
`runs/results/pins.json` and is used from then on.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from experiments.paths import RENDERED, RESULTS
from experiments.roles.sources import Hub, Source
from neftune.training.files import write_atomic

PINS = "pins.json"
MODEL_FILES = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]
IDENTIFYING = (
    "*.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
)
"""The files of a local model that decide what a training on it computes."""


class SourceError(RuntimeError):
    """A model or data set cannot be had; the message says what to do."""


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
    """What a run's key contains of a source: a content hash, or the hub's name and revision.

    Of a hub source without a revision the name alone counts; `pins.json` has the revision.

    Raises:
        SourceError: a local folder holds no safetensors.
    """
    if isinstance(source, Hub):
        return "@".join(part for part in (source.name, source.revision) if part)
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
        with path.open("rb") as file:
            digest.update(path.name.encode() if len(files) > 1 else b"")
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def local(source: Source, role: str) -> Path:
    """The source as a local folder, or as a file where it names one; downloads what is missing.

    Raises:
        SourceError: it is gated, cannot be reached, or holds no safetensors.
    """
    if isinstance(source, Path):
        return source
    from huggingface_hub import hf_hub_download, snapshot_download

    revision = pinned(source)
    try:
        if source.file:
            path = hf_hub_download(
                source.name, source.file, repo_type=source.kind, revision=revision
            )
        else:
            path = snapshot_download(source.name, revision=revision, allow_patterns=MODEL_FILES)
    except Exception as error:
        raise source_error(source, role, error) from None
    if source.kind == "model" and not any(Path(path).glob("*.safetensors")):
        raise SourceError(
            f"{source.name} has no safetensors at {revision}: convert it with a tool that you "
            f"trust, and name the folder in {variable('MODEL', role)}"
        )
    return Path(path)


def pinned(source: Hub) -> str:
    """The source's revision; where it names none, the one that was pinned at the first use."""
    if source.revision:
        return source.revision
    pins: dict[str, str] = {}
    for folder in (RESULTS, RENDERED):
        if (folder / PINS).exists():
            pins |= json.loads((folder / PINS).read_text())
    if source.name not in pins:
        from huggingface_hub import HfApi

        try:
            found = HfApi().repo_info(source.name, repo_type=source.kind).sha
        except Exception as error:
            raise source_error(source, source.name, error) from None
        pins[source.name] = str(found)
        write_atomic(RENDERED / PINS, json.dumps(pins, indent=1, sort_keys=True) + "\n")
    return pins[source.name]


def source_error(source: Hub, role: str, error: Exception) -> SourceError:
    """An error of the hub's client as one line that says what to do."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    where = f"https://huggingface.co/{'datasets/' * (source.kind == 'dataset')}{source.name}"
    if isinstance(error, GatedRepoError):
        return SourceError(
            f"{source.name} is gated: accept its licence at {where}, then put an access token "
            "into HF_TOKEN"
        )
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(f"{where}: there is no such repository, or HF_TOKEN may not read it")
    kind: Literal["MODEL", "DATA"] = "MODEL" if source.kind == "model" else "DATA"
    wanted = "folder" if kind == "MODEL" else "file"
    return SourceError(
        f"{where} cannot be reached from here; give a local {wanted} instead: "
        f"{variable(kind, role)}=… ({type(error).__name__})"
    )
