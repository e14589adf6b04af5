"""The effect of the noise on an embedding matrix (Figures 6 to 9 of the paper).

    weights = embedding_of("checkpoints/llama-2-7b")                         # (V, d)
    flips(weights, ids, length=64, noise=Noise(25), generator=generator)     # one bool per token
    similarity_spectrum(weights, count=100)                                  # Figure 7

A token flips if its noisy embedding is nearest, in Euclidean distance, to the embedding of another
token (Figures 6, 8 and 9).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from neftune.distributions import Noise
from neftune.noise import noise_scale, sample
from neftune.training.model_folder import weight_files

EMBEDDING_NAMES = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")
"""The last parts of the name of the input embedding matrix in a checkpoint."""


def nearest(vectors: Tensor, weights: Tensor, chunk: int = 2048) -> Tensor:
    """For each vector, find the row of `weights` at the smallest Euclidean distance.

    Args:
        vectors: (N, d).
        weights: (V, d).
        chunk: vectors that are compared at a time.

    Returns:
        (N,) indices of rows.
    """
    squares = weights.square().sum(1)
    return torch.cat(
        [(squares - 2 * part @ weights.T).argmin(1) for part in torch.split(vectors, chunk)]
    )


def flips(
    weights: Tensor, ids: Tensor, length: int, noise: Noise, generator: torch.Generator
) -> Tensor:
    """Find the tokens that flip under one draw of the noise.

    Args:
        weights: (V, d), the embedding matrix.
        ids: (N,), token ids.
        length: L in tokens, the length of the sequence that each token is assumed to be in.
        noise: the noise to add.
        generator: of the noise.

    Returns:
        (N,) bool, True for tokens that flip.
    """
    return flipped_to(weights, ids, length, noise, generator).ne(ids)


def flipped_to(
    weights: Tensor, ids: Tensor, length: int, noise: Noise, generator: torch.Generator
) -> Tensor:
    """Find the token whose embedding is nearest to each noisy embedding.

    Args:
        weights: (V, d), the embedding matrix.
        ids: (N,), token ids.
        length: L in tokens, the length of the sequence that each token is assumed to be in.
        noise: the noise to add.
        generator: of the noise.

    Returns:
        (N,) token ids.
    """
    lengths = torch.full((1, len(ids)), length)
    drawn = sample(noise, weights.shape[1], lengths, generator)[0]
    return nearest(weights[ids] + drawn, weights)


def flip_shares(
    weights: Tensor,
    sequences: list[list[int]],
    noise: Noise,
    generator: torch.Generator,
) -> list[float]:
    """Compute the share of tokens of each sequence that flip.

    Args:
        weights: (V, d), the embedding matrix.
        sequences: the token ids of each sequence, which also give its length.
        noise: the noise to add.
        generator: of the noise.

    Returns:
        One share for each sequence, in per cent.
    """
    return [
        100 * flips(weights, torch.tensor(ids), len(ids), noise, generator).float().mean().item()
        for ids in sequences
    ]


def noise_to_gap(weights: Tensor, alpha: float, length: int) -> float:
    """Compare the noise on a token with half the distance to its nearest neighbour.

    Args:
        weights: (V, d), the embedding matrix.
        alpha: of uniform noise.
        length: L in tokens.

    Returns:
        The median over tokens of the ratio of the noise's norm to half the distance. If it is far
        below 1, no token flips.
    """
    distances = torch.cdist(weights, weights)
    distances.fill_diagonal_(torch.inf)
    half_gap = distances.min(1).values / 2
    d = weights.shape[1]
    norm = noise_scale(alpha, torch.tensor(length), d) * (d / 3) ** 0.5
    return float((norm / half_gap).median())


@lru_cache
def embedding_of(folder: str | Path) -> Tensor:
    """Read the input embedding matrix of a checkpoint, and nothing else of it.

    Args:
        folder: a checkpoint with safetensors files, sharded or not.

    Returns:
        (V, d) float32.

    Raises:
        ModelFolderError: the folder has no such checkpoint.
        ValueError: it has no tensor with one of the known names.
    """
    folder = Path(folder)
    for file in weight_files(folder):
        with safe_open(file, framework="pt") as tensors:
            for name in sorted(tensors.keys()):
                if _is_embedding(name):
                    return tensors.get_tensor(name).to(torch.float32)
    raise ValueError(
        f"{folder}: no embedding matrix found in its weights; looked for a tensor named "
        f"{', '.join(EMBEDDING_NAMES)}"
    )


def _is_embedding(name: str) -> bool:
    return any(f".{name}".endswith(f".{known}") for known in EMBEDDING_NAMES)


def similarity_spectrum(weights: Tensor, count: int = 100) -> list[float]:
    """Compute the spectrum of the similarity matrix E E^T of an embedding matrix E (Figure 7).

    Args:
        weights: (V, d), the matrix E.
        count: the number of values.

    Returns:
        The largest singular values of E E^T, in descending order.
    """
    values = torch.linalg.svdvals(weights.double()).square()
    return [float(value) for value in values[:count]]
