"""The noise of NEFTune as pure functions: how large it is, and one draw of it.

    noise = Noise(alpha=5)
    lengths = sequence_lengths(embeddings.shape[:2], attention_mask)
    noisy = embeddings + sample(noise, embeddings.shape[-1], lengths, generator)

Algorithm 1 of the paper (Jain et al., ICLR 2024): eps ~ Uniform(-1, 1), iid for every entry of the
embeddings, times alpha / sqrt(L d). L is the true length of the sequence that a token belongs to,
and d the embedding dimension.

Suggested values: the paper tunes alpha over 5, 10 and 15.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neftune.spec import VARIANCE, Noise


def noise_scale(alpha: float, lengths: Tensor, d: int) -> Tensor:
    """Alpha / sqrt(L d), in float32 (Algorithm 1 of the paper).

    Args:
        alpha: the base noise scale.
        lengths: L, any shape; 0 where there is no token.
        d: embedding dimension.

    Returns:
        The factor of the noise for each length, same shape; 0 where the length is 0.
    """
    lengths = lengths.to(torch.float32)
    return torch.where(lengths > 0, alpha * torch.rsqrt(lengths.clamp(min=1) * d), 0.0)


def expected_norm(noise: Noise) -> float:
    """The root mean square L2 norm of one sequence's noise, whatever its L and d.

    sqrt(L d * variance) * alpha / sqrt(L d), which is alpha / sqrt(3) for uniform noise (section 3
    of the paper) and alpha for the other two.
    """
    return noise.alpha * math.sqrt(VARIANCE[noise.distribution])


def sequence_lengths(
    shape: tuple[int, int] | torch.Size,
    attention_mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Tensor:
    """For each token, how many real tokens the sequence has that it belongs to.

    A row holds one sequence, with padding on either side, or several in a row (packing): then each
    place where `position_ids` does not go up by one begins a new sequence.

    Args:
        shape: (B, T), batch and padded length.
        attention_mask: (B, T), 1 on real tokens; all real if absent.
        position_ids: (B, T) or (1, T); one sequence a row if absent.

    Returns:
        (B, T) int64; 0 on padding.

    Raises:
        ValueError: the attention mask is not of shape (B, T).
    """
    rows, columns = shape
    device = next((t.device for t in (attention_mask, position_ids) if t is not None), None)
    if attention_mask is None:
        real = torch.ones(rows, columns, dtype=torch.int64, device=device)
    elif tuple(attention_mask.shape) == (rows, columns):
        real = attention_mask.ne(0).to(torch.int64)
    else:
        raise ValueError(
            f"the noise needs an attention mask of shape {(rows, columns)} to tell tokens from "
            f"padding, not {tuple(attention_mask.shape)}; for packed rows pass position_ids instead"
        )
    if position_ids is None:
        return real.sum(dim=1, keepdim=True) * real
    positions = position_ids.expand(rows, columns)
    starts = torch.zeros_like(real)
    starts[:, 1:] = positions[:, 1:].ne(positions[:, :-1] + 1)
    sequence = starts.cumsum(dim=1)
    counts = torch.zeros_like(real).scatter_add_(1, sequence, real)
    return counts.gather(1, sequence) * real


def sample(
    noise: Noise, d: int, lengths: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """One draw of the noise.

    Args:
        noise: what to draw.
        d: embedding dimension.
        lengths: (B, T), from `sequence_lengths`; the rule `padded` looks at its shape only.
        generator: on the device of `lengths`; torch's default one if absent.

    Returns:
        (B, T, d) float32, to be added to the embeddings.
    """
    if noise.scale == "padded":
        lengths = torch.full_like(lengths, lengths.shape[1])
    drawn = torch.empty(*lengths.shape, d, dtype=torch.float32, device=lengths.device)
    if noise.distribution == "uniform":
        drawn.uniform_(-1, 1, generator=generator)
    elif noise.distribution == "gaussian":
        drawn.normal_(generator=generator)
    else:
        drawn.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)
    return drawn.mul_(noise_scale(noise.alpha, lengths, d).unsqueeze(-1))
