"""The noise of NEFTune as pure functions: how large it is, and one draw of it.

    noise = Noise(alpha=5)
    lengths = sequence_lengths(embeddings.shape[:2], attention_mask)
    noisy = embeddings + sample(noise, embeddings.shape[-1], lengths, generator)

Algorithm 1 of the paper (Jain et al., ICLR 2024) draws eps ~ Uniform(-1, 1), independently for
every entry of the embeddings, and multiplies it by alpha / sqrt(L d), where L is the number of real
tokens of the sequence and d is the embedding dimension.

Suggested values: the paper tunes alpha over 5, 10 and 15.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from neftune.distributions import DISTRIBUTIONS, Noise

ENTRIES = 2**24
"""Of noise that are in float32 at a time: 64 MiB."""


def noise_scale(alpha: float, lengths: Tensor, d: int) -> Tensor:
    """Compute alpha / sqrt(L d) in float32 (Algorithm 1 of the paper).

    Args:
        alpha: the base noise scale.
        lengths: L in tokens, of any shape; 0 where there is no token.
        d: embedding dimension.

    Returns:
        The factor of the noise for each length, of the same shape; 0 where the length is 0.
    """
    lengths = lengths.to(torch.float32)
    return torch.where(lengths > 0, alpha * torch.rsqrt(lengths.clamp(min=1) * d), 0.0)


def token_scale(noise: Noise, lengths: Tensor, d: int, size: float = 1.0) -> Tensor:
    """What the unscaled noise of each token is multiplied by, by the noise's own rule.

    Args:
        noise: its alpha and length rule.
        lengths: (B, T), from `sequence_lengths`; the length rule `padded` uses only its shape.
        d: embedding dimension.
        size: the root mean square of the embeddings' entries, for the rule `relative`.

    Returns:
        (B, T) float32.
    """
    if noise.length_rule == "padded":
        lengths = torch.full_like(lengths, lengths.shape[-1])
    if noise.length_rule == "relative":
        each = noise.alpha * size / math.sqrt(DISTRIBUTIONS[noise.distribution].variance)
        return lengths.gt(0).to(torch.float32) * each
    return noise_scale(noise.alpha, lengths, d)


def expected_norm(noise: Noise) -> float:
    """The root mean square L2 norm of one sequence's noise, which does not depend on L and d.

    It is sqrt(L d * variance) * alpha / sqrt(L d) = alpha * sqrt(variance): alpha / sqrt(3) for
    uniform noise (section 3 of the paper), alpha for gaussian and bernoulli noise.
    """
    return noise.alpha * math.sqrt(DISTRIBUTIONS[noise.distribution].variance)


def sample(
    noise: Noise,
    d: int,
    lengths: Tensor,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
    factor: float | Tensor = 1.0,
    size: float = 1.0,
) -> Tensor:
    """Draw the noise of one batch.

    It is drawn and scaled in float32, a part of the tokens at a time, so that a batch of a narrower
    format needs no copy of itself in float32.

    Args:
        noise: the noise to draw.
        d: embedding dimension.
        lengths: (B, T), from `sequence_lengths`; the length rule `padded` uses only its shape.
        generator: on the device of `lengths`; without it torch's default generator is used.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `token_scale`.

    Returns:
        (B, T, d), to be added to the embeddings.
    """
    scale = token_scale(noise, lengths, d, size).flatten()
    tokens = len(scale)
    part = max(1, ENTRIES // d)
    if part >= tokens:
        drawn = _draw(noise, (tokens, d), lengths.device, generator)
        return drawn.mul_(scale.unsqueeze(-1)).mul_(factor).to(dtype).view(*lengths.shape, d)
    found = torch.empty(tokens, d, dtype=dtype, device=lengths.device)
    for start in range(0, tokens, part):
        here = scale[start : start + part].unsqueeze(-1)
        drawn = _draw(noise, (len(here), d), lengths.device, generator)
        found[start : start + part] = drawn.mul_(here).mul_(factor)
    return found.view(*lengths.shape, d)


def sample_by_sequence(
    noise: Noise,
    values: Tensor,
    d: int,
    sequences: list[tuple[int, Tensor]],
    *,
    key: str,
    dtype: torch.dtype = torch.float32,
    factor: float | Tensor = 1.0,
    size: float = 1.0,
) -> Tensor:
    """Draw the noise of one batch so that each sequence's noise depends only on it and on the key.

    The noise of a sequence is then the same in any batch, row or process, with any padding, and
    packed with any other sequences. Equal sequences get equal noise, so each optimizer step needs
    its own key. It is drawn and scaled in float32, one sequence at a time.

    Args:
        noise: the noise to draw; its length rule must not be `padded`.
        values: (B, T) token ids, or (B, T, d) embeddings where there are no ids; the content that
            identifies a sequence.
        d: embedding dimension.
        sequences: from `tokens_of_sequences`.
        key: the seed and step of the training.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `token_scale`.

    Returns:
        (B, T, d); 0 on padding.

    Raises:
        ValueError: the length rule is `padded`, which depends on the batch.
    """
    if noise.length_rule == "padded":
        raise ValueError("length_rule='padded' depends on the batch: use by_sequence=False")
    drawn = torch.zeros(*values.shape[:2], d, dtype=dtype, device=values.device)
    generator = torch.Generator(values.device)
    content = values.detach().cpu()
    if not content.is_floating_point():
        content = content.to(torch.int64)
    letters = content.contiguous().unsqueeze(-1).view(torch.uint8).numpy()
    lengths = torch.tensor([len(columns) for _, columns in sequences], dtype=torch.int64)
    scales = token_scale(noise, lengths, d, size).tolist()
    for (row, columns), scale in zip(sequences, scales, strict=True):
        own = letters[row, columns.cpu().numpy()].tobytes()
        seed = hashlib.blake2b(key.encode() + own, digest_size=8).digest()
        generator.manual_seed(int.from_bytes(seed, "little") >> 1)
        part = _draw(noise, (len(columns), d), values.device, generator)
        drawn[row, columns] = part.mul_(scale).mul_(factor).to(dtype)
    return drawn


def _draw(
    noise: Noise, shape: tuple[int, ...], device: torch.device, generator: torch.Generator | None
) -> Tensor:
    """Unscaled noise, float32."""
    entries = torch.empty(*shape, dtype=torch.float32, device=device)
    return DISTRIBUTIONS[noise.distribution].draw(entries, generator)
