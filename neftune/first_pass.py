"""What the first pass with noise was like, and the line that says so.

first = attachment.first_pass()
print(said(noise, first))                            # alpha, tokens, L, noise by embeddings
print(said(noise, first, dose=0.12))                 # and what it does to the predictions
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neftune.distributions import DISTRIBUTIONS, Noise
from neftune.drawing import First
from neftune.noise import token_scale


@dataclass(frozen=True)
class FirstPass:
    """What the first reading of embeddings with noise was like.

    Args:
        alpha: of it, by the schedule.
        sequences: how many.
        tokens: that got noise; those in whose place a model puts a picture count, too.
        shortest: the smallest L.
        longest: the largest L.
        factor: what the embedding layer multiplies its output, and with it the noise, by.
        ratio: the root mean square of the noise by that of the embeddings, as the model goes on
            with them; None where a compiled graph read them.
    """

    alpha: float
    sequences: int
    tokens: int
    shortest: int
    longest: int
    factor: float
    ratio: float | None


def summarized(
    first: First, noise: Noise, factor: float, size: float, read_size: Tensor | None
) -> FirstPass | None:
    """What the first draw was like; None where it was over padding alone. Waits for the device.

    Args:
        first: the draw.
        noise: what was drawn.
        factor: what the embedding layer multiplies its output by.
        size: as of `neftune.noise.token_scale`.
        read_size: the root mean square of the embeddings that were read, with that factor.
    """
    real = first.lengths > 0
    if not real.any():
        return None
    padded = noise.length_rule == "padded"
    noisy = torch.ones_like(real) if padded else real
    if first.chosen is not None:
        noisy = noisy & first.chosen.bool()
    lengths = torch.full_like(first.lengths, real.shape[1]) if padded else first.lengths
    rows = torch.arange(len(real), device=real.device).unsqueeze(1) * real.shape[1]
    scale = token_scale(noise, first.lengths, first.d, size)[real]
    variance = DISTRIBUTIONS[noise.distribution].variance
    noise_size = first.strength * factor * math.sqrt(variance * float(scale.square().mean()))
    return FirstPass(
        alpha=noise.alpha * first.strength,
        sequences=len(set((first.sequences + rows)[real].tolist())),
        tokens=int(noisy.sum()),
        shortest=int(lengths[real].min()),
        longest=int(lengths.max()),
        factor=factor,
        ratio=None if read_size is None else noise_size / float(read_size),
    )


def said(noise: Noise, first: FirstPass, dose: float | None = None) -> str:
    """The line on the first pass.

    Args:
        noise: what was added.
        first: to what.
        dose: of the noise before the first step, in nats a token, where it was measured.
    """
    lengths = (
        f"{first.shortest}"
        if first.shortest == first.longest
        else f"{first.shortest} to {first.longest}"
    )
    relative = noise.length_rule == "relative"
    amount = f"{first.alpha:g} of the embeddings" if relative else f"alpha {first.alpha:g}"
    where = "" if noise.tokens == "all" else f" (the {noise.tokens}s' alone)"
    size = (
        ""
        if first.ratio is None
        else f"; its root mean square is {first.ratio:.2g} times that of the embeddings"
    )
    inside = (
        ""
        if first.factor == 1
        else f"; the layer multiplies embeddings and noise by {first.factor:.3g}"
    )
    does = "" if dose is None else f"; its dose is {dose:.2g} nats a token"
    return (
        f"NEFTune: {noise.distribution} noise of {amount} on {first.tokens} tokens"
        f"{where} of {first.sequences} sequences in the first pass, "
        f"L {lengths}{size}{inside}{does}."
    )
