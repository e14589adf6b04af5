"""Drawing an attachment's noise: from one stream, by the content of sequences, in a compiled graph.

    draws = Draws(seed=0, by_sequence=False)
    drawn = draws(Wanted(noise, d, torch.float32), ids, sequences, lengths, step=0)

A pass that is computed again in the backward pass, because the whole model is checkpointed, gets
the noise of its first time.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from neftune.distributions import Noise
from neftune.noise import sample, sample_by_sequence
from neftune.sequences import tokens_of_sequences

REMEMBERED = 64
"""Passes whose noise can be drawn again in the backward pass: those of one optimizer step."""


@dataclass(frozen=True)
class Wanted:
    """What is drawn for a pass.

    Args:
        noise: its settings.
        d: embedding dimension.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `neftune.noise.token_scale`.
    """

    noise: Noise
    d: int
    dtype: torch.dtype
    factor: float | Tensor = 1.0
    size: float = 1.0


class Draws:
    """The noise of an attachment: its generators, one on each device, and its step.

    `step` is the number of the optimizer step, `strength` what alpha is multiplied by; `passes`
    counts the draws, and `first` keeps the sequences and lengths of the first one.

    Args:
        seed: of the noise.
        by_sequence: draw it from the seed, the step and each sequence's own tokens, and not from
            one stream.
    """

    def __init__(self, seed: int, by_sequence: bool) -> None:
        self.seed = seed
        self.by_sequence = by_sequence
        self.step: int | None = None
        self.strength = 1.0
        self.passes = 0
        self.first: tuple[Tensor, Tensor] | None = None
        self._generators: dict[torch.device, torch.Generator] = {}
        self._states: OrderedDict[tuple[int, torch.Size], Tensor] = OrderedDict()

    def __call__(
        self, wanted: Wanted, tokens: Tensor, sequences: Tensor, lengths: Tensor
    ) -> Tensor:
        """Draw the noise of a pass.

        Args:
            wanted: what is drawn.
            tokens: ids (B, T) or vectors (B, T, d) of the pass.
            sequences: (B, T), for each token the number of its sequence in the row.
            lengths: (B, T), from `sequence_lengths`.

        Returns:
            (B, T, d).

        Raises:
            ValueError: noise by sequence needs the step, and it was not set.
        """
        self.passes += 1
        if self.first is None:
            self.first = sequences.clone(), lengths.clone()
        if self.strength != 1:
            wanted = replace(wanted, factor=wanted.factor * self.strength)
        if not self.by_sequence:
            return self._from_stream(wanted, tokens, lengths)
        if self.step is None:
            raise ValueError(
                "noise by sequence is the same in every pass of a step: give attach() the number "
                "of the first optimizer step, and set attachment.step before each further one"
            )
        places = tokens_of_sequences(sequences, lengths)
        key = f"{self.seed} {self.step} "
        drawn = sample_by_sequence(
            wanted.noise, tokens, wanted.d, places, key=key, size=wanted.size
        )
        return drawn.mul_(wanted.factor).to(wanted.dtype)

    def _from_stream(self, wanted: Wanted, tokens: Tensor, lengths: Tensor) -> Tensor:
        generator = self._generator(lengths.device)
        # A pass that is computed again is known by the place of its tokens in memory.
        place = (tokens.data_ptr(), tokens.shape)
        again = torch._C._current_graph_task_id() != -1 and place in self._states
        now = generator.get_state()
        if again:
            generator.set_state(self._states[place])
        else:
            self._states[place] = now
            self._states.move_to_end(place)
            if len(self._states) > REMEMBERED:
                self._states.popitem(last=False)
        drawn = sample(
            wanted.noise,
            wanted.d,
            lengths,
            generator,
            wanted.dtype,
            factor=wanted.factor,
            size=wanted.size,
        )
        if again:
            generator.set_state(now)
        return drawn

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            generator = torch.Generator(device)
            generator.manual_seed(self.seed + 1_000_003 * rank)
            self._generators[device] = generator
        return self._generators[device]


_in_graphs: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""By number, what draws the noise of compiled graphs: an object with `noise` and `draws`."""


def known_in_graphs(owner: Any) -> int:
    """A number by which compiled graphs find who draws their noise.

    Args:
        owner: has `noise` and `draws`, and lives as long as the graphs are run.
    """
    number = max(_in_graphs, default=0) + 1
    _in_graphs[number] = owner
    return number


@torch.library.custom_op("neftune::drawn", mutates_args=())
def drawn_in_a_graph(
    number: int,
    tokens: Tensor,
    sequences: Tensor,
    lengths: Tensor,
    d: int,
    dtype: torch.dtype,
    factor: Tensor,
    size: float,
) -> Tensor:
    """Draw the noise of a pass in a compiled graph, where it is one operation.

    Args:
        number: from `known_in_graphs`.
        tokens: as of `Draws`, like the others.
        sequences: of the pass.
        lengths: of the pass.
        d: embedding dimension.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `neftune.noise.token_scale`.

    Returns:
        (B, T, d).
    """
    owner = _in_graphs[number]
    wanted = Wanted(owner.noise, d, dtype, factor, size)
    found: Tensor = owner.draws(wanted, tokens, sequences, lengths)
    return found


@drawn_in_a_graph.register_fake
def _(
    number: int,
    tokens: Tensor,
    sequences: Tensor,
    lengths: Tensor,
    d: int,
    dtype: torch.dtype,
    factor: Tensor,
    size: float,
) -> Tensor:
    return torch.empty(*lengths.shape, d, dtype=dtype, device=lengths.device)
