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


def expected_norm(noise: Noise) -> float:
    """The root mean square L2 norm of one sequence's noise, which does not depend on L and d.

    It is sqrt(L d * variance) * alpha / sqrt(L d) = alpha * sqrt(variance): alpha / sqrt(3) for
    uniform noise (section 3 of the paper), alpha for gaussian and bernoulli noise.
    """
    return noise.alpha * math.sqrt(DISTRIBUTIONS[noise.distribution].variance)


def sequence_lengths(
    shape: tuple[int, int] | torch.Size,
    attention_mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Tensor:
    """For each token, the number of real tokens of the sequence that it belongs to.

    A row holds one sequence with padding on either side, or several packed sequences. In a packed
    row a new sequence begins wherever `position_ids` does not increase by one.

    Args:
        shape: (B, T), batch and padded length.
        attention_mask: (B, T), 1 on real tokens; without it every token is real.
        position_ids: (B, T) or (1, T); without it each row is one sequence.

    Returns:
        (B, T) int64; 0 on padding.

    Raises:
        ValueError: the attention mask is not of shape (B, T).
    """
    sequences, real = _sequences(shape, attention_mask, position_ids)
    counts = torch.zeros_like(real).scatter_add_(1, sequences, real)
    return counts.gather(1, sequences) * real


def _sequences(
    shape: tuple[int, int] | torch.Size,
    attention_mask: Tensor | None,
    position_ids: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """For each token, the index of its sequence in the row, and whether it is real (1 or 0)."""
    rows, columns = shape
    device = next((t.device for t in (attention_mask, position_ids) if t is not None), None)
    if attention_mask is None:
        real = torch.ones(rows, columns, dtype=torch.int64, device=device)
    elif tuple(attention_mask.shape) == (rows, columns):
        real = attention_mask.ne(0).to(torch.int64)
    else:
        raise ValueError(
            f"the noise needs an attention mask of shape {(rows, columns)} to separate tokens "
            f"from padding, not {tuple(attention_mask.shape)}; for packed rows pass position_ids "
            "instead"
        )
    if position_ids is None:
        return torch.zeros_like(real), real
    positions = position_ids.expand(rows, columns)
    starts = torch.zeros_like(real)
    starts[:, 1:] = positions[:, 1:].ne(positions[:, :-1] + 1)
    return starts.cumsum(dim=1), real


def tokens_of_sequences(
    shape: tuple[int, int] | torch.Size,
    attention_mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> list[tuple[int, Tensor]]:
    """Find the real tokens of each sequence.

    Args:
        shape: (B, T), batch and padded length.
        attention_mask: (B, T), 1 on real tokens; without it every token is real.
        position_ids: (B, T) or (1, T); without it each row is one sequence.

    Returns:
        One pair for each sequence: its row, and the columns of its real tokens.

    Raises:
        ValueError: the attention mask is not of shape (B, T).
    """
    sequences, real = _sequences(shape, attention_mask, position_ids)
    found = []
    for row in range(shape[0]):
        columns = real[row].nonzero().squeeze(1)
        numbers = sequences[row, columns]
        found += [(row, columns[numbers == number]) for number in sorted(set(numbers.tolist()))]
    return found


def sample(
    noise: Noise, d: int, lengths: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the noise of one batch.

    Args:
        noise: the noise to draw.
        d: embedding dimension.
        lengths: (B, T), from `sequence_lengths`; the length rule `padded` uses only its shape.
        generator: on the device of `lengths`; without it torch's default generator is used.

    Returns:
        (B, T, d) float32, to be added to the embeddings.
    """
    if noise.length_rule == "padded":
        lengths = torch.full_like(lengths, lengths.shape[1])
    drawn = _draw(noise, (*lengths.shape, d), lengths.device, generator)
    return drawn.mul_(noise_scale(noise.alpha, lengths, d).unsqueeze(-1))


def sample_by_sequence(
    noise: Noise, values: Tensor, d: int, sequences: list[tuple[int, Tensor]], *, key: str
) -> Tensor:
    """Draw the noise of one batch so that each sequence's noise depends only on it and on the key.

    The noise of a sequence is then the same in any batch, row or process, with any padding, and
    packed with any other sequences. Equal sequences get equal noise, so each optimizer step needs
    its own key.

    Args:
        noise: the noise to draw; its length rule must be `sequence`.
        values: (B, T) token ids, or (B, T, d) embeddings where there are no ids; the content that
            identifies a sequence.
        d: embedding dimension.
        sequences: from `tokens_of_sequences`.
        key: the seed and step of the training.

    Returns:
        (B, T, d) float32; 0 on padding.

    Raises:
        ValueError: the length rule is `padded`, which depends on the batch.
    """
    if noise.length_rule == "padded":
        raise ValueError("length_rule='padded' depends on the batch: use by_sequence=False")
    drawn = torch.zeros(*values.shape[:2], d, device=values.device)
    generator = torch.Generator(values.device)
    content = values.detach().cpu()
    for row, columns in sequences:
        own = content[row, columns.cpu()].contiguous().view(torch.uint8).numpy().tobytes()
        seed = hashlib.blake2b(key.encode() + own, digest_size=8).digest()
        generator.manual_seed(int.from_bytes(seed, "little") >> 1)
        lengths = torch.full((1,), len(columns), device=values.device)
        part = _draw(noise, (len(columns), d), values.device, generator)
        drawn[row, columns] = part.mul_(noise_scale(noise.alpha, lengths, d))
    return drawn


def _draw(
    noise: Noise, shape: tuple[int, ...], device: torch.device, generator: torch.Generator | None
) -> Tensor:
    """Unscaled noise, float32."""
    entries = torch.empty(*shape, dtype=torch.float32, device=device)
    return DISTRIBUTIONS[noise.distribution].draw(entries, generator)
