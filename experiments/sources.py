"""Where real models and data come from: the hub, at a pinned revision, or a local file or folder.

    MODEL_llama_2_7b=/models/llama DATA_alpaca=alpaca_data.json make table1 SCALE=paper

    local(Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f…"), "llama-2-7b")    # safetensors only

A source that names no revision is pinned when it is first used: its revision is written to
`results/pins.json`, and holds from then on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neftune.files import write_whole

PINS = Path("results/pins.json")
MODEL_FILES = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]
REACH = "cannot be reached from here; give a local {kind} instead: {variable}=…"


class SourceError(RuntimeError):
    """A model or data set cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Hub:
    """A repository of the Hugging Face hub.

    Args:
        name: owner/name.
        revision: the commit; None pins the one that is there at the first use.
        kind: what it holds.
        file: the one file of it that is meant.
    """

    name: str
    revision: str | None = None
    kind: Literal["model", "dataset"] = "model"
    file: str | None = None


def installed(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


def variable(kind: Literal["MODEL", "DATA"], role: str) -> str:
    """The environment's variable that puts a local file or folder in a role's place."""
    return f"{kind}_" + role.replace("-", "_").replace(".", "_")


def chosen(kind: Literal["MODEL", "DATA"], role: str, source: Path | Hub) -> Path | Hub:
    """The user's own file or folder for a role, or the source itself.

    Raises:
        SourceError: the variable names a file or folder that is not there.
    """
    name = variable(kind, role)
    own = os.environ.get(name)
    if own is None:
        return source
    if not Path(own).exists():
        raise SourceError(f"{name}={own}: no such file or folder")
    return Path(own)


def identity(source: Path | Hub) -> str:
    """What a run's key knows its source by: a content hash, or the hub's name and revision.

    Of a source that names no revision the name is enough: `results/pins.json` says what it means.
    """
    if isinstance(source, Hub):
        return "@".join(part for part in (source.name, source.revision) if part)
    files = [source] if source.is_file() else sorted(source.glob("*.safetensors"))
    if not files:
        raise SourceError(f"{source}: holds no .safetensors file")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def local(source: Path | Hub, role: str) -> Path:
    """The source as a local folder, or file where one is meant; downloads what is not there.

    Raises:
        SourceError: it is gated, or cannot be reached.
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
        raise told(source, role, error) from None
    if source.kind == "model" and not any(Path(path).glob("*.safetensors")):
        raise SourceError(
            f"{source.name} has no safetensors at {revision}: convert it with a tool of your "
            f"trust, and name the folder in {variable('MODEL', role)}"
        )
    return Path(path)


def pinned(source: Hub) -> str:
    """The source's revision; where it names none, the one that was pinned."""
    if source.revision:
        return source.revision
    pins: dict[str, str] = json.loads(PINS.read_text()) if PINS.exists() else {}
    if source.name not in pins:
        from huggingface_hub import HfApi

        try:
            found = HfApi().repo_info(source.name, repo_type=source.kind).sha
        except Exception as error:
            raise told(source, source.name, error) from None
        pins[source.name] = str(found)
        write_whole(PINS, json.dumps(pins, indent=1, sort_keys=True) + "\n")
    return pins[source.name]


def told(source: Hub, role: str, error: Exception) -> SourceError:
    """An error of the hub's client in one line that says what to do."""
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
    reach = REACH.format(
        kind="folder" if kind == "MODEL" else "file", variable=variable(kind, role)
    )
    return SourceError(f"{where} {reach} ({type(error).__name__})")
