"""The dose of a noise: how much it changes what a model computes, before any training.

    found = [reading(model, each, ALPHAS, draws=4, seed=n) for n, each in enumerate(examples)]
    found[0].noisy[5.0].kl                               # nats, summed over the response tokens
    share_estimate([each.noisy[5.0].kl for each in found], [each.tokens for each in found])

The noise is the paper's and is added by `neftune.attach`, which acts in training mode only. Here
the model alone is in training mode and all modules within it are in evaluation mode, so the noise
is on and dropout is off. Draws come in mirrored pairs, a noise and its negative: both are draws
from the same distribution, and in their mean the first-order change of the loss, which is zero in
expectation but large in a single draw, cancels exactly (antithetic variates).

Everything is measured at the response positions alone, where a fine-tuning has its loss. The theory
is in docs/theory.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from analysis.intervals import Estimate, percentile_estimate, resamples
from neftune.attachment import attach
from neftune.distributions import Noise
from neftune.embeddings import embed_scale, pretrained_model
from neftune.modes import left_as_it_was
from neftune.training.data import IGNORED, Example, from_first_label

ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
PASS_LOGITS = 2**27
"""The most logits of a pass, 512 MiB in float32; longer responses are read with fewer draws."""
CHUNK_LOGITS = 2**20
"""Logits of a draw that are compared at a time, 4 MiB in float32, which fit a processor's cache."""


@dataclass(frozen=True)
class Noisy:
    """What the noise of one alpha does to one example: means over the draws.

    Args:
        loss: summed over the response tokens, in nats.
        kl: Kullback-Leibler divergence of the next-token distribution with noise from the one
            without, KL(without || with), summed over the response tokens, in nats.
        changed: at how many response tokens the likeliest next token is another one.
        ratio: the mean norm of the noise by the mean norm of the embeddings, over all tokens.
    """

    loss: float
    kl: float
    changed: float
    ratio: float


@dataclass(frozen=True)
class Reading:
    """What was measured on one example.

    Args:
        length: L, its tokens, prompt and response together.
        tokens: response tokens.
        loss: without noise, summed over the response tokens, in nats.
        norm: the mean norm of the embeddings, as the first block reads them.
        noisy: by alpha.
    """

    length: int
    tokens: int
    loss: float
    norm: float
    noisy: Mapping[float, Noisy]


def response(example: Example) -> tuple[Tensor, Tensor, int]:
    """The token ids (1, L) of an example, the labels (K,) of its last K tokens, and K."""
    ids, labels = example["input_ids"], example["labels"]
    count = min(len(ids) - 1, from_first_label(labels))
    return torch.tensor([ids]), torch.tensor(labels[-count:]), count


def response_logits(model: nn.Module, ids: Tensor, count: int) -> Tensor:
    """The logits (B, count, V) at the positions before the last `count` tokens of ids (B, L)."""
    out = model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        logits_to_keep=count + 1,
        use_cache=False,
    )
    found: Tensor = out.logits[:, -count - 1 : -1]
    return found


@contextmanager
def only_noise(model: nn.Module) -> Iterator[None]:
    """Have a model in the mode in which noise is on and dropout is off, and no gradients are kept.

    Args:
        model: a transformers model; its modes are afterwards as they were.
    """
    with left_as_it_was(model):
        pretrained_model(model).training = True
        with torch.enable_grad():  # The noise asks for it; without a leaf no graph is built.
            yield


@dataclass(frozen=True)
class Added:
    """What was added to the embeddings, a list entry a pass.

    Args:
        ratios: the mean norm of the noise by the mean norm of the embeddings.
        halves: (rows / 2, L, d), the noise of which the other half is the negative.
    """

    ratios: list[float]
    halves: list[Tensor]


def embedding_factor(model: nn.Module) -> float:
    """What a model's embedding layer multiplies embeddings by, and the noise with them."""
    return float(embed_scale(pretrained_model(model).get_input_embeddings()))


@contextmanager
def mirrored_noise(model: nn.Module, noise: Noise, seed: int) -> Iterator[Added]:
    """Add noise whose second half of a batch is the negative of the first half.

    Args:
        model: in `only_noise`; given batches of an even number of copies of one sequence.
        noise: to add.
        seed: of the draws. With the same seed, the noise of another alpha is the same but for its
            scale.

    Yields:
        What each pass added.

    Raises:
        RuntimeError: in a pass no noise arrived.
    """
    embedding = pretrained_model(model).get_input_embeddings()
    clean: list[Tensor] = []
    added = Added([], [])

    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        clean[:] = [output]

    def mirror(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        drawn = output - clean[0]
        half = len(drawn) // 2
        drawn[half:] = -drawn[:half]
        added.ratios.append(float(drawn.norm(dim=-1).mean() / clean[0].norm(dim=-1).mean()))
        added.halves.append(drawn[:half])
        if noise.alpha and not added.ratios[-1]:
            raise RuntimeError(f"no noise arrived at the embeddings of {type(model).__name__}")
        return clean[0] + drawn

    before = embedding.register_forward_hook(keep)
    try:
        with attach(model, noise, seed=seed):
            after = embedding.register_forward_hook(mirror)
            try:
                yield added
            finally:
                after.remove()
    finally:
        before.remove()


def reading(
    model: nn.Module, example: Example, alphas: Sequence[float], *, draws: int, seed: int
) -> Reading:
    """Measure one example without noise and under noise, as `measured` does."""
    return measured(model, example, alphas, draws=draws, seed=seed)[0]


def measured(
    model: nn.Module, example: Example, alphas: Sequence[float], *, draws: int, seed: int
) -> tuple[Reading, Tensor]:
    """Measure one example without noise and under noise, and say which noise it was.

    Args:
        model: a causal language model, on its device.
        example: from `neftune.training.data.encode`.
        alphas: of the noise.
        draws: of the noise for each alpha; an even number, because they come in mirrored pairs.
        seed: of the draws; each example needs its own.

    Returns:
        The reading, and the directions of the noise, one a pair: (draws / 2, L, d), each entry of
        variance 1 like Hutchinson's probes. They are the same at every alpha above 0; without such
        an alpha there is none.

    Raises:
        ValueError: `draws` is odd or below 2.
        RuntimeError: no noise arrived at the embeddings.
    """
    if draws < 2 or draws % 2:
        raise ValueError(f"draws come in mirrored pairs, so there cannot be {draws}")
    inner = pretrained_model(model)
    ids, labels, count = response(example)
    ids, labels = ids.to(inner.device), labels.to(inner.device)
    labelled = labels.ne(IGNORED)

    def logits(rows: int) -> Tensor:
        return response_logits(model, ids.expand(rows, -1), count)[:, labelled]

    with only_noise(model):
        clean = clean_distributions(logits(1)[0], labels[labelled])
        rows = 2 * max(1, min(draws // 2, PASS_LOGITS // (2 * clean.logits.numel())))
        noisy = {}
        directions = torch.empty(0, ids.shape[1], inner.get_input_embeddings().weight.shape[1])
        for alpha in alphas:
            with mirrored_noise(model, Noise(alpha), seed) as added:
                # All draws of alpha 0 are the same.
                starts = range(0, draws if alpha else 2, rows)
                batches = (logits(min(rows, draws - start)) for start in starts)
                parts = [compared(clean, each) for batch in batches for each in batch]
            loss, kl, changed = torch.tensor(parts, dtype=torch.float64).mean(0).tolist()
            noisy[alpha] = Noisy(loss, kl, changed, float(np.mean(added.ratios)))
            if alpha:
                size = (
                    embedding_factor(model)
                    * alpha
                    / math.sqrt(3 * ids.numel() * directions.shape[2])
                )
                directions = torch.cat(added.halves) / size
        norm = inner.get_input_embeddings()(ids).norm(dim=-1).mean()
    loss, _, _ = compared(clean, clean.logits)
    return Reading(ids.shape[1], len(clean.targets), loss, float(norm), noisy), directions


@dataclass(frozen=True)
class Clean:
    """The next-token distributions of one example without noise, which every draw is compared with.

    Args:
        logits: (N, V), at its N response positions.
        targets: (N,), the tokens that follow.
        probabilities: (N, V), float32.
        normal: (N,), log of the sum of the exponentiated logits.
        first: (N,), the likeliest token.
    """

    logits: Tensor
    targets: Tensor
    probabilities: Tensor
    normal: Tensor
    first: Tensor


def clean_distributions(logits: Tensor, targets: Tensor) -> Clean:
    """Prepare logits (N, V) without noise, and the tokens (N,) that follow, for comparisons."""
    normal = logits.float().logsumexp(1)
    probabilities = (logits.float() - normal[:, None]).exp_()
    return Clean(logits, targets, probabilities, normal, logits.argmax(1))


def compared(clean: Clean, noisy: Tensor) -> tuple[float, float, int]:
    """Compare logits under noise with those without, a few positions at a time, in float32.

    The divergence is computed as E[z - z'] + log Z' - log Z, in which the large common parts of the
    logits z and z' cancel before they are summed.

    Args:
        clean: without noise.
        noisy: (N, V), logits with noise.

    Returns:
        The summed loss of `noisy` and the summed KL(clean || noisy), in nats, and at how many
        positions the largest logit is that of another token.
    """
    loss = kl = 0.0
    changed = 0
    size = max(1, CHUNK_LOGITS // noisy.shape[1])
    for start in range(0, len(noisy), size):
        at = slice(start, start + size)
        other = noisy[at].float()
        total = other.logsumexp(1)
        own = other.gather(1, clean.targets[at, None])[:, 0]
        loss += float((total - own).double().sum())
        changed += int(other.argmax(1).ne(clean.first[at]).sum())
        mean = torch.linalg.vecdot(clean.probabilities[at], clean.logits[at].float() - other)
        kl += float((mean + total - clean.normal[at]).double().sum())
    return loss, kl, changed


def share_estimate(parts: ArrayLike, wholes: ArrayLike) -> Estimate:
    """A sum by a sum, with the percentile bootstrap interval over examples.

    Args:
        parts: (S,), a number for each example, such as its summed divergence.
        wholes: (S,), what they are counted by, such as its response tokens.
    """
    above, below = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    drawn = resamples(len(above))
    return percentile_estimate(
        float(above.sum() / below.sum()), above[drawn].sum(1) / below[drawn].sum(1)
    )
