"""What the noise does to tokens: which embeddings move nearer to another token's than to their own.

    flips(weights, ids, length=64, noise=Noise(25), generator=generator)     # one bool a token
    similarity_spectrum(weights, count=100)                                  # Figure 7

A token flips when its noisy embedding is nearest, in Euclidean distance, to the embedding of
another token (the paper's Figures 6, 8 and 9).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from neftune.noise import noise_scale, sample
from neftune.spec import Noise


def nearest(vectors: Tensor, weights: Tensor, chunk: int = 2048) -> Tensor:
    """For each vector, the row of `weights` at the smallest Euclidean distance.

    Args:
        vectors: (N, d).
        weights: (V, d).
        chunk: vectors at a time.
    """
    squares = weights.square().sum(1)
    return torch.cat(
        [(squares - 2 * part @ weights.T).argmin(1) for part in torch.split(vectors, chunk)]
    )


def flips(
    weights: Tensor, ids: Tensor, length: int, noise: Noise, generator: torch.Generator
) -> Tensor:
    """Which of the tokens flip under one draw of the noise.

    Args:
        weights: (V, d), the embedding matrix.
        ids: (N,), tokens.
        length: L, of the sequence that each of them is taken to stand in.
        noise: what is added.
        generator: of the noise.

    Returns:
        (N,) bool.
    """
    return flipped_to(weights, ids, length, noise, generator).ne(ids)


def flipped_to(
    weights: Tensor, ids: Tensor, length: int, noise: Noise, generator: torch.Generator
) -> Tensor:
    """The token that each noisy embedding is nearest to; arguments as of `flips`."""
    lengths = torch.full((1, len(ids)), length)
    drawn = sample(noise, weights.shape[1], lengths, generator)[0]
    return nearest(weights[ids] + drawn, weights)


def flip_shares(
    weights: Tensor,
    sequences: list[list[int]],
    noise: Noise,
    generator: torch.Generator,
) -> list[float]:
    """The share of flipped tokens of each sequence, in per cent, each with its own length."""
    return [
        100 * flips(weights, torch.tensor(ids), len(ids), noise, generator).float().mean().item()
        for ids in sequences
    ]


def noise_to_gap(weights: Tensor, alpha: float, length: int) -> float:
    """How large one token's noise is beside half the distance to its nearest neighbour (median).

    Where it is far below 1 no token flips.
    """
    distances = torch.cdist(weights, weights)
    distances.fill_diagonal_(torch.inf)
    half_gap = distances.min(1).values / 2
    d = weights.shape[1]
    norm = noise_scale(alpha, torch.tensor(length), d) * (d / 3) ** 0.5
    return float((norm / half_gap).median())


@lru_cache
def embedding_of(folder: str) -> Tensor:
    """The embedding matrix of a checkpoint, float32."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    weights: Tensor = model.get_input_embeddings().weight.detach()
    return weights


def similarity_spectrum(weights: Tensor, count: int = 100) -> list[float]:
    """The largest singular values of the similarity matrix E E^T of an embedding matrix E."""
    values = torch.linalg.svdvals(weights.double()).square()
    return [float(value) for value in values[:count]]
