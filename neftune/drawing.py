"""Drawing an attachment's noise: from one stream, by the content of sequences, in a compiled graph.

    draws = Draws(seed=0, by_sequence=False)
    drawn = draws(Wanted(noise, d, torch.float32), ids, sequences, lengths, step=0)

A pass that is computed again in the backward pass, because the whole model is checkpointed, gets
the noise of its first time. It is known by its tokens and lengths; passes that have the same and
wait for their backward passes together cannot be told apart, and are refused.
"""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from neftune.distributions import Noise
from neftune.noise import sample, sample_by_sequence
from neftune.sequences import tokens_of_sequences

REMEMBERED = 64
"""Passes whose noise can be drawn again in the backward pass: those of one optimizer step."""
SHOWN = 1024
"""Entries of given vectors by which a pass is known."""


@dataclass
class _Drawn:
    """A pass that is remembered.

    Args:
        tokens: its ids, or some entries of its vectors.
        lengths: of its tokens; None where it was clean on purpose.
        state: of the generator before the draw; None where there is no stream.
        sign: of its noise: 1, 0 where it was clean on purpose, or -1 where it had the opposite of
            another pass's noise.
        again: how often it was computed again.
        negated: whether a pass had the opposite of its noise.
    """

    tokens: Tensor
    lengths: Tensor | None
    state: Tensor | None = None
    sign: int = 1
    again: int = 0
    negated: bool = False


@dataclass(frozen=True)
class First:
    """The first draw that was not of strength 0.

    Args:
        sequences: (B, T), for each token the number of its sequence in the row.
        lengths: (B, T).
        chosen: (B, T), whether a token is one of those that get noise; None where all do.
        d: embedding dimension.
        strength: what alpha was multiplied by.
    """

    sequences: Tensor
    lengths: Tensor
    chosen: Tensor | None
    d: int
    strength: float


@dataclass(frozen=True)
class Wanted:
    """What is drawn for a pass.

    Args:
        noise: its settings.
        d: embedding dimension.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `neftune.noise.token_scale`.
        opposite: whether it is that of the last pass over the same tokens, negated.
    """

    noise: Noise
    d: int
    dtype: torch.dtype
    factor: float | Tensor = 1.0
    size: float = 1.0
    opposite: bool = False


def sharers_of(model: nn.Module) -> int:
    """How many processes compute the same rows together, and need the same noise from a stream.

    Args:
        model: a transformers model.

    Raises:
        ValueError: the model is tensor-parallel, but not by transformers, which says over how many.
    """
    by_transformers: int | None = getattr(model, "_tp_size", None)
    if by_transformers is not None:
        return by_transformers
    if any(hasattr(each, "full_tensor") for each in model.parameters()):
        from torch.distributed.fsdp import FSDPModule

        if not any(isinstance(each, FSDPModule) for each in model.modules()):
            raise ValueError(
                f"this {type(model).__name__} is tensor-parallel by a plan of its own, and the "
                "processes that compute the same rows need the same noise: use by_sequence=True"
            )
    return 1


class Draws:
    """The noise of an attachment: its generators, one on each device, and its step.

    `step` is the number of the optimizer step, `strength` what alpha is multiplied by; `passes`
    counts the draws, and `first` keeps the sequences and lengths of the first one.

    Args:
        seed: of the noise.
        by_sequence: draw it from the seed, the step and each sequence's own tokens, and not from
            one stream.
        sharers: processes that compute the same rows together, as in tensor parallelism, and need
            the same noise.
    """

    def __init__(self, seed: int, by_sequence: bool, sharers: int = 1) -> None:
        self.seed = seed
        self.sharers = sharers
        self.by_sequence = by_sequence
        self.step: int | None = None
        self.strength = 1.0
        self.passes = 0
        self.first: First | None = None
        self._generators: dict[torch.device, torch.Generator] = {}
        self.ticket = torch.zeros(1, dtype=torch.int64)
        self._drawn: deque[_Drawn] = deque(maxlen=REMEMBERED)

    def __call__(
        self,
        wanted: Wanted,
        tokens: Tensor,
        sequences: Tensor,
        lengths: Tensor,
        chosen: Tensor | None = None,
    ) -> Tensor:
        """Draw the noise of a pass.

        Args:
            wanted: what is drawn.
            tokens: ids (B, T) or vectors (B, T, d) of the pass.
            sequences: (B, T), for each token the number of its sequence in the row.
            lengths: (B, T), from `sequence_lengths`.
            chosen: (B, T), whether a token gets noise; without it all do.

        Returns:
            (B, T, d).

        Raises:
            ValueError: noise by sequence needs the step, and it was not set.
            RuntimeError: whose noise is to be drawn again, or negated, is not known.
        """
        self.passes += 1
        if self.first is None and self.strength > 0:
            kept = (sequences.clone(), lengths.clone(), None if chosen is None else chosen.clone())
            self.first = First(*kept, wanted.d, self.strength)
        if self.strength != 1:
            wanted = replace(wanted, factor=wanted.factor * self.strength)
        way = self._by_sequence if self.by_sequence else self._from_stream
        drawn = way(wanted, tokens, sequences, lengths)
        return drawn if chosen is None else drawn * chosen.unsqueeze(-1)

    def clean(self, tokens: Tensor) -> None:
        """Remember a pass that is clean on purpose, in case that it is computed again.

        Args:
            tokens: as of a draw.
        """
        self._drawn.append(_Drawn(_known_by(tokens), None, sign=0))

    def _by_sequence(
        self, wanted: Wanted, tokens: Tensor, sequences: Tensor, lengths: Tensor
    ) -> Tensor:
        if self.step is None:
            raise ValueError(
                "noise by sequence is the same in every pass of a step: give attach() the number "
                "of the first optimizer step, and set attachment.step before each further one"
            )
        sign = self._pass(_Drawn(_known_by(tokens), lengths), wanted.opposite).sign
        if sign == 0:
            return _nothing(wanted, lengths)
        return sample_by_sequence(
            wanted.noise,
            tokens,
            wanted.d,
            tokens_of_sequences(sequences, lengths),
            key=f"{self.seed} {self.step} ",
            dtype=wanted.dtype,
            factor=sign * wanted.factor,
            size=wanted.size,
        )

    def _from_stream(
        self, wanted: Wanted, tokens: Tensor, sequences: Tensor, lengths: Tensor
    ) -> Tensor:
        generator = self._generator(lengths.device)
        now = generator.get_state()
        drawn = self._pass(_Drawn(_known_by(tokens), lengths, now), wanted.opposite)
        if drawn.state is None:
            return _nothing(wanted, lengths)
        replayed = drawn.state is not now
        if replayed:
            generator.set_state(drawn.state)
        found = sample(
            wanted.noise,
            wanted.d,
            lengths,
            generator,
            wanted.dtype,
            factor=drawn.sign * wanted.factor,
            size=wanted.size,
        )
        if replayed:
            generator.set_state(now)
        return found

    def _pass(self, new: _Drawn, opposite: bool) -> _Drawn:
        """The pass whose noise is drawn: the new one, or one from before that is computed again."""
        if computed_again():
            return _first_time(self._same(new))
        if opposite:
            same = [each for each in self._same(new) if each.sign >= 0 and not each.negated]
            if not same or same[0].sign == 0:
                raise RuntimeError(
                    "there is no noise to take the opposite of: make a training pass with noise "
                    "over the same batch before each one within attachment.opposite()"
                )
            same[0].negated = True
            new = replace(new, state=same[0].state, sign=-1)
        self._drawn.append(new)
        return new

    def _same(self, new: _Drawn) -> list[_Drawn]:
        """Passes over the same tokens, the last one first."""
        return [each for each in reversed(self._drawn) if _over_the_same(each, new)]

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            generator = torch.Generator(device)
            # Several devices of one process, as of DataParallel, have noise of their own.
            own = 1_000_003 * (rank // self.sharers) + 7_919 * (device.index or 0)
            generator.manual_seed(self.seed + own)
            self._generators[device] = generator
        return self._generators[device]


def computed_again() -> bool:
    """Whether this pass is made within a backward pass, by a checkpoint around the model."""
    return not torch.compiler.is_compiling() and torch._C._current_graph_task_id() != -1


def _over_the_same(one: _Drawn, other: _Drawn) -> bool:
    """Whether two passes are over the same tokens, as far as is known of them."""
    if one.tokens.device != other.tokens.device or not torch.equal(one.tokens, other.tokens):
        return False
    if one.lengths is None or other.lengths is None:
        return True
    return torch.equal(one.lengths, other.lengths)


def _first_time(same: list[_Drawn]) -> _Drawn:
    """Which of some passes over the same tokens is computed again; the last one is first."""
    if not same:
        raise RuntimeError(
            "a pass is computed again in the backward pass whose first time had no noise: with "
            "torch.utils.checkpoint around the model use use_reentrant=False"
        )
    new = [each for each in same if each.again == 0]
    if len({(each.sign, id(each.state)) for each in new}) > 1:
        raise RuntimeError(
            f"{len(new)} passes over the same tokens are computed again in one backward pass: "
            "whose noise is whose cannot be told; checkpoint the model's blocks instead "
            "(model.gradient_checkpointing_enable())"
        )
    found = (new or same)[0]
    found.again += 1
    return found


def _nothing(wanted: Wanted, lengths: Tensor) -> Tensor:
    return torch.zeros(*lengths.shape, wanted.d, dtype=wanted.dtype, device=lengths.device)


def _known_by(tokens: Tensor) -> Tensor:
    """A copy of the ids of a pass, or of some entries of its vectors."""
    found = tokens.detach()
    if found.is_floating_point():
        found = found.flatten()[:: max(1, found.numel() // SHOWN)]
    return found.clone()


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


@torch.library.custom_op(
    "neftune::drawn", mutates_args=("ticket",), tags=(torch.Tag.nondeterministic_seeded,)
)
def drawn_in_a_graph(
    number: int,
    ticket: Tensor,
    tokens: Tensor,
    sequences: Tensor,
    lengths: Tensor,
    d: int,
    dtype: torch.dtype,
    factor: Tensor,
    size: float,
    opposite: bool,
    chosen: Tensor | None,
) -> Tensor:
    """Draw the noise of a pass in a compiled graph, where it is one operation.

    Args:
        number: from `known_in_graphs`.
        ticket: a number that each draw raises, so that a compiler takes no two for the same.
        tokens: as of `Draws`, like the others.
        sequences: of the pass.
        lengths: of the pass.
        d: embedding dimension.
        dtype: of the result.
        factor: what the noise is multiplied by besides.
        size: as of `neftune.noise.token_scale`.
        opposite: as of `Wanted`.
        chosen: as of `Draws`.

    Returns:
        (B, T, d).
    """
    ticket.add_(1)
    owner = _in_graphs[number]
    wanted = Wanted(owner.noise, d, dtype, factor, size, opposite)
    found: Tensor = owner.draws(wanted, tokens, sequences, lengths, chosen)
    return found


@drawn_in_a_graph.register_fake
def _(
    number: int,
    ticket: Tensor,
    tokens: Tensor,
    sequences: Tensor,
    lengths: Tensor,
    d: int,
    dtype: torch.dtype,
    *rest: Any,
) -> Tensor:
    return torch.empty(*lengths.shape, d, dtype=dtype, device=lengths.device)
