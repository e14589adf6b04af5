"""The noise of a fine-tuning as data, and the distributions that it can be drawn from.

    Noise(alpha=5)                                       # the paper's uniform noise
    Noise(alpha=5, distribution="gaussian")              # its Table 6
    Noise(alpha=5, length_rule="padded")                 # the scaling that transformers and TRL use
    Noise.relative(0.1)                                  # a tenth of the embeddings' size
    Noise(alpha=5, tokens="response")                    # on the tokens of responses alone

To add a distribution, add one entry to `DISTRIBUTIONS`; its name is then valid in `Noise`:

    DISTRIBUTIONS["triangular"] = Distribution(
        lambda entries, generator: entries.uniform_(-1, 1, generator=generator).add_(
            torch.empty_like(entries).uniform_(-1, 1, generator=generator)
        ),
        variance=2 / 3,
    )

This module does not import torch, so that configurations can be read and checked quickly.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LENGTH_RULES = ("sequence", "padded", "relative")
"""The valid values of `Noise.length_rule`."""
RANK = 8
"""Directions of low-rank noise."""
TOKENS = ("all", "prompt", "response")
"""The valid values of `Noise.tokens`."""


@dataclass(frozen=True)
class Distribution:
    """A distribution that the entries of the noise are drawn from.

    Args:
        draw: fills a float32 tensor of tokens by d in place with unscaled noise of mean 0 and
            returns it. The second argument is a generator on the tensor's device, or None for
            torch's default generator.
        variance: of one entry.
    """

    draw: Callable[[Tensor, torch.Generator | None], Tensor]
    variance: float


def _uniform(entries: Tensor, generator: torch.Generator | None) -> Tensor:
    return entries.uniform_(-1, 1, generator=generator)


def _gaussian(entries: Tensor, generator: torch.Generator | None) -> Tensor:
    return entries.normal_(generator=generator)


def _bernoulli(entries: Tensor, generator: torch.Generator | None) -> Tensor:
    return entries.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)


def _low_rank(entries: Tensor, generator: torch.Generator | None) -> Tensor:
    tokens, d = entries.shape
    amounts = entries.new_empty(tokens, RANK).normal_(generator=generator)
    directions = entries.new_empty(RANK, d).normal_(generator=generator)
    return entries.copy_(amounts @ directions).div_(math.sqrt(RANK))


DISTRIBUTIONS: dict[str, Distribution] = {
    "uniform": Distribution(_uniform, variance=1 / 3),
    "gaussian": Distribution(_gaussian, variance=1.0),
    "bernoulli": Distribution(_bernoulli, variance=1.0),
    "low-rank": Distribution(_low_rank, variance=1.0),
}
"""The distributions by name: `uniform` on (-1, 1) is the paper's, `gaussian` is the standard normal
of its Table 6, and `bernoulli` is -1 or 1 with probability one half each, as SymNoise has it.
`low-rank` noise of all tokens that are drawn together lies in eight random directions, so its
entries are not independent."""


@dataclass(frozen=True)
class Noise:
    """The noise that is added to the input embeddings.

    Args:
        alpha: the base noise scale; 0 adds no noise.
        distribution: of each entry before scaling, a name in `DISTRIBUTIONS`.
        length_rule: which L scales the noise by alpha / sqrt(L d). With `sequence`, the paper's
            rule, L is the number of real tokens of each sequence, and padding gets no noise. With
            `padded`, the rule of transformers and TRL, L is the length of the tensor, the same for
            the whole batch, and padding gets noise too. With `relative` (`Noise.relative`) no
            length counts: alpha is the root mean square of the noise by that of the embeddings.
        tokens: which tokens get noise: `all`, the paper's; those of the `prompt`, which have no
            label; or those of the `response`, which have one. L is that of the whole sequence in
            every case, so a token that gets noise gets as much as with `all`.

    Raises:
        ValueError: alpha is negative or infinite, or a name is unknown.
        TypeError: alpha is no number.
    """

    alpha: float
    distribution: str = "uniform"
    length_rule: str = "sequence"
    tokens: str = "all"

    def __post_init__(self) -> None:
        # 5 and 5.0 are the same noise and must serialize the same way.
        object.__setattr__(self, "alpha", not_negative(self.alpha, "alpha"))
        for name, value, known in (
            ("distribution", self.distribution, tuple(DISTRIBUTIONS)),
            ("length_rule", self.length_rule, LENGTH_RULES),
            ("tokens", self.tokens, TOKENS),
        ):
            if value not in known:
                raise ValueError(f"unknown noise {name} {value!r}; known: {', '.join(known)}")

    @classmethod
    def relative(cls, share: float, distribution: str = "uniform", tokens: str = "all") -> Noise:
        """Noise of a share of the embeddings' size, which can be compared between models.

        Its root mean square is that share of the root mean square of all entries of the embedding
        layer, for every token of every sequence. On a sequence of L tokens with d entries of root
        mean square s it is as large as the paper's noise of alpha = share * s * sqrt(L d / v), with
        v the variance of the distribution, 1/3 for the uniform one.

        Args:
            share: such as 0.1.
            distribution: as of `Noise`.
            tokens: as of `Noise`.
        """
        return cls(share, distribution, "relative", tokens)


def not_negative(value: Any, name: str) -> float:
    """A finite number of at least 0.

    Args:
        value: anything that is a number, such as a tensor of one entry.
        name: of it, for errors.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative or not finite.
    """
    try:
        if isinstance(value, str | bytes | bool):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a number of at least 0, not {value!r}") from None
    except OverflowError:
        found = math.inf
    if not (math.isfinite(found) and found >= 0):
        raise ValueError(f"{name} must be a finite number of at least 0, not {found}")
    return found


def whole(value: Any, name: str) -> int:
    """A whole number, small enough for generators to take it as a seed.

    Args:
        value: any integer, such as numpy's.
        name: of it, for errors.

    Raises:
        TypeError: it is no integer.
        ValueError: it has more than 62 bits.
    """
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if abs(found) >= 2**62:
        raise ValueError(f"{name} must be less than 2**62, not {found}")
    return found


def noise_of(wanted: Noise | float) -> Noise:
    """A noise, or the paper's of an alpha."""
    return wanted if isinstance(wanted, Noise) else Noise(wanted)
