"""How many tokens each sequence of a batch has: the L by which its noise is scaled.

    sequence_lengths(ids.shape, attention_mask)          # (B, T), 0 on padding
    sequence_lengths(ids.shape, position_ids=positions)  # packed rows

A row is one sequence with padding on either side, or several packed sequences. What tells them
apart, in the order in which it is believed:

cu_seq_lens      where each sequence of the flattened batch begins, padding included, and its end
seq_idx          (B, T), the number of the sequence that a token belongs to
position_ids     a sequence begins where the positions of real tokens fall back, or are 0 again
attention_mask   0 on padding; packed sequences may be numbered 1, 2, … in it

Nothing here waits for the device or loops over sequences, but for `tokens_of_sequences`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Shape = tuple[int, int] | torch.Size


@dataclass(frozen=True)
class Told:
    """What a call of a model says about its sequences.

    Args:
        attention_mask: (B, P + T), where P tokens came before in a cache or a prefix; without it
            every token is real.
        position_ids: (B, T) or (1, T); or (3, B, T), by time, height and width, or (4, B, T), with
            the plain positions first, as vision-language models have them.
        cu_seq_lens: (N + 1,), the beginnings of N sequences in the flattened batch and its end; the
            end may be repeated.
        seq_idx: (B, T) or (1, T).
    """

    attention_mask: Tensor | None = None
    position_ids: Tensor | None = None
    cu_seq_lens: Tensor | None = None
    seq_idx: Tensor | None = None


def sequence_lengths(
    shape: Shape,
    attention_mask: Tensor | None = None,
    position_ids: Tensor | None = None,
    cu_seq_lens: Tensor | None = None,
    seq_idx: Tensor | None = None,
) -> Tensor:
    """For each token, the number of real tokens of the sequence that it belongs to.

    Args:
        shape: (B, T), batch and padded length.
        attention_mask: as of `Told`, like the others.
        position_ids: of the tokens.
        cu_seq_lens: of the flattened batch.
        seq_idx: of the tokens.

    Returns:
        (B, T) int64; 0 on padding. Of a sequence that began in a cache, the tokens of this call
        alone are counted.

    Raises:
        ValueError: one of them has another shape.
    """
    return lengths_of(*numbered(shape, Told(attention_mask, position_ids, cu_seq_lens, seq_idx)))


def lengths_of(sequences: Tensor, real: Tensor) -> Tensor:
    """The lengths, from what `numbered` gives.

    Args:
        sequences: (B, T), for each token the number of its sequence in the row.
        real: (B, T), 1 or 0.

    Returns:
        As of `sequence_lengths`.
    """
    counts = torch.zeros_like(real).scatter_add_(1, sequences, real)
    return counts.gather(1, sequences) * real


def numbered(shape: Shape, told: Told) -> tuple[Tensor, Tensor]:
    """For each token, the number of its sequence in the row, and whether it is real.

    Args:
        shape: (B, T), batch and padded length.
        told: what tells the sequences apart.

    Returns:
        Two (B, T) int64 tensors: the number, from 0, and 1 or 0.

    Raises:
        ValueError: something has another shape.
    """
    mask = _mask(shape, told.attention_mask)
    given = (mask, told.position_ids, told.cu_seq_lens, told.seq_idx)
    device = next((each.device for each in given if each is not None), None)
    if mask is None:
        mask = torch.ones(*shape, dtype=torch.int64, device=device)
    real = mask.ne(0).to(torch.int64)
    if told.cu_seq_lens is not None:
        return _after(shape, told.cu_seq_lens), real
    starts = torch.zeros_like(real)
    if told.seq_idx is not None:
        numbers = _of_every_token(shape, told.seq_idx, "seq_idx")
        starts[:, 1:] = numbers[:, 1:].ne(numbers[:, :-1])
    else:
        # In a mask of 0 and 1 two real neighbours never differ.
        differ = mask[:, 1:].ne(mask[:, :-1])
        starts[:, 1:] = differ & real[:, 1:].ne(0) & real[:, :-1].ne(0)
        if told.position_ids is not None:
            starts |= _restarts(shape, told.position_ids, real.ne(0))
    return starts.cumsum(dim=1), real


def _mask(shape: Shape, mask: Tensor | None) -> Tensor | None:
    """The part of the attention mask that is of this call's tokens."""
    if mask is None:
        return None
    rows, columns = shape
    if mask.dim() != 2 or mask.shape[0] != rows or mask.shape[1] < columns:
        raise ValueError(
            f"the noise needs an attention mask of shape {(rows, columns)} to separate tokens "
            f"from padding, not {tuple(mask.shape)}; for packed rows pass position_ids instead, or "
            "say what the sequences are with neftune.told(attention_mask=…)"
        )
    return mask[:, mask.shape[1] - columns :]


def _after(shape: Shape, ends: Tensor) -> Tensor:
    """How many sequences begin before each token of its row, from where they begin."""
    rows, columns = shape
    if ends.dim() != 1:
        raise ValueError(f"cu_seq_lens must be of shape (N + 1,), not {tuple(ends.shape)}")
    # The end itself, which may be repeated, has a place that is cut off.
    starts = torch.zeros(rows * columns + 1, dtype=torch.int64, device=ends.device)
    starts[ends.to(torch.int64).clamp(max=rows * columns)] = 1
    found = starts[:-1].view(rows, columns)
    # A row begins a sequence in any case, and its first number is 0.
    return torch.nn.functional.pad(found[:, 1:], (1, 0)).cumsum(dim=1)


def _of_every_token(shape: Shape, values: Tensor, name: str) -> Tensor:
    rows, columns = shape
    if values.dim() != 2 or values.shape[1] != columns or values.shape[0] not in (1, rows):
        raise ValueError(f"{name} must be of shape {(rows, columns)}, not {tuple(values.shape)}")
    return values.expand(rows, columns)


def _restarts(shape: Shape, positions: Tensor, real: Tensor) -> Tensor:
    """(B, T), where the positions say that a sequence begins.

    Positions that repeat, as those of an image's patches, or that have a stride begin nothing, but
    for 0: two zeros are two sequences. A real token is compared with the real one before it.
    """
    if positions.dim() == 3 and positions.shape[0] == 4:
        positions = positions[0]
    axes = positions.unsqueeze(0) if positions.dim() == 2 else positions
    if axes.dim() != 3 or axes.shape[0] not in (1, 3):
        raise ValueError(
            f"position_ids must be of shape {tuple(shape)}, {(3, *shape)} or {(4, *shape)}, not "
            f"{tuple(positions.shape)}"
        )
    found = torch.stack([_of_every_token(shape, axis, "position_ids") for axis in axes])
    places = torch.arange(shape[1], device=real.device).expand(shape[0], -1)
    last = torch.where(real, places, -1).cummax(dim=1).values
    before = torch.nn.functional.pad(last[:, :-1], (1, 0), value=-1)
    previous = found.gather(2, before.clamp(min=0).expand_as(found))
    # Within an image height and width fall back while time stays, and a first image is at 0.
    zeros = (found.eq(0) & previous.eq(0)).all(dim=0)
    return real & before.ge(0) & (zeros | (found[0] < previous[0]))


def tokens_of_sequences(sequences: Tensor, real: Tensor) -> list[tuple[int, Tensor]]:
    """The real tokens of each sequence, from what `numbered` gives.

    Args:
        sequences: (B, T), for each token the number of its sequence in the row.
        real: (B, T), not 0 on real tokens.

    Returns:
        One pair for each sequence: its row, and the columns of its real tokens.
    """
    rows, columns = real.nonzero(as_tuple=True)
    numbers = sequences[rows, columns]
    begins = rows.diff().ne(0) | numbers.diff().ne(0)
    ends = (begins.nonzero().squeeze(1) + 1).tolist()
    parts = torch.tensor_split(columns, ends)
    return [
        (int(rows[start]), part) for start, part in zip([0, *ends], parts, strict=True) if len(part)
    ]
