"""Where a model or an instruction set comes from, and the sizes of a model, as frozen data.

Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f…")        # a repository of the Hugging Face hub
Path("models/llama")                                 # or a local folder
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


Source = Path | Hub


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
