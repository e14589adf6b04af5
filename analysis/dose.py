"""The dose of a noise: how much it changes what a model computes, before any training.

    found = [reading(model, example, ALPHAS, draws=4, seed=0) for example in examples]
    traces = [hessian_trace(model, example, probes=2, seed=0) for example in examples]
    dose = summary(found, traces, d=model.config.hidden_size)
    dose.at[5.0].kl                                      # Estimate, nats per token

The noise is the paper's and is added by `neftune.attach`, which acts in training mode only. Here
the model alone is in training mode and all modules within it are in evaluation mode, so the noise
is on and dropout is off. Draws come in mirrored pairs, a noise and its negative: both are draws
from the same distribution, and in their mean the first-order change of the loss, which is zero in
expectation but large in a single draw, cancels exactly (antithetic variates).

Everything is measured at the response positions alone, where a fine-tuning has its loss. The theory
is in docs/theory.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from analysis.intervals import Estimate, percentile_estimate, resamples
from neftune.attachment import attach, pretrained_model
from neftune.distributions import Noise
from neftune.training.data import IGNORED, Example, from_first_label

ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
CLOSE = 0.2
"""The second-order prediction counts as right if it is off by at most this share of the rise."""
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


@dataclass(frozen=True)
class AtAlpha:
    """The dose of one alpha, with 95% intervals over examples.

    Args:
        rise: of the loss, in nats per response token.
        percent: the same in per cent of the loss without noise.
        kl: as of `Noisy`, in nats per response token.
        changed: the share of response positions whose likeliest token changes, in per cent.
        ratio: of the norm of the noise to that of the embeddings.
        predicted: the rise by the second-order prediction, in nats per response token.
        holds: whether the prediction lies in the interval of `rise`, or is off by at most 20%.
    """

    rise: Estimate
    percent: Estimate
    kl: Estimate
    changed: Estimate
    ratio: Estimate
    predicted: Estimate
    holds: bool


@dataclass(frozen=True)
class Dose:
    """The doses of a model.

    Args:
        loss: without noise, in nats per response token.
        norm: the mean norm of the embeddings of a sequence, as the first block reads them.
        trace: the trace of the Hessian of an example's summed loss in its embeddings, the mean over
            examples.
        trace_error: the standard error of `trace` that the probes alone would have.
        at: by alpha.
    """

    loss: Estimate
    norm: Estimate
    trace: Estimate
    trace_error: float
    at: Mapping[float, AtAlpha]

    @property
    def kl(self) -> dict[float, float]:
        """The KL divergence by alpha."""
        return {alpha: dose.kl.value for alpha, dose in self.at.items()}

    @property
    def holds_to(self) -> float:
        """The largest alpha up to which the second-order prediction holds at every alpha."""
        largest = 0.0
        for alpha in sorted(self.at):
            if not self.at[alpha].holds:
                break
            largest = alpha
        return largest


def response(example: Example) -> tuple[Tensor, Tensor, int]:
    """The token ids (1, L) of an example, the labels (K,) of its last K tokens, and K."""
    ids, labels = example["input_ids"], example["labels"]
    count = min(len(ids) - 1, from_first_label(labels))
    return torch.tensor([ids]), torch.tensor(labels[-count:]), count


@contextmanager
def only_noise(model: nn.Module) -> Iterator[None]:
    """Have a model in the mode in which noise is on and dropout is off, and no gradients are kept.

    Args:
        model: a transformers model; its modes are afterwards as they were.
    """
    modes = {module: module.training for module in model.modules()}
    wanted = {value: value.requires_grad for value in model.parameters()}
    model.eval().requires_grad_(False)
    pretrained_model(model).training = True
    try:
        with torch.enable_grad():  # The noise asks for it; without a leaf no graph is built.
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for value, needed in wanted.items():
            value.requires_grad_(needed)


@contextmanager
def mirrored_noise(model: nn.Module, noise: Noise, seed: int) -> Iterator[list[float]]:
    """Add noise whose second half of a batch is the negative of the first half.

    Args:
        model: in `only_noise`; given batches of an even number of copies of one sequence.
        noise: to add.
        seed: of the draws. With the same seed, the noise of another alpha is the same but for its
            scale.

    Yields:
        A list to which each pass adds the ratio of the norm of the noise to that of the embeddings.

    Raises:
        RuntimeError: in a pass no noise arrived.
    """
    embedding = pretrained_model(model).get_input_embeddings()
    clean: list[Tensor] = []
    ratios: list[float] = []

    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        clean[:] = [output]

    def mirror(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        drawn = output - clean[0]
        half = len(drawn) // 2
        drawn[half:] = -drawn[:half]
        ratios.append(float(drawn.norm(dim=-1).mean() / clean[0].norm(dim=-1).mean()))
        if noise.alpha and not ratios[-1]:
            raise RuntimeError(f"no noise arrived at the embeddings of {type(model).__name__}")
        return clean[0] + drawn

    before = embedding.register_forward_hook(keep)
    try:
        with attach(model, noise, seed=seed):
            after = embedding.register_forward_hook(mirror)
            try:
                yield ratios
            finally:
                after.remove()
    finally:
        before.remove()


def reading(
    model: nn.Module, example: Example, alphas: Sequence[float], *, draws: int, seed: int
) -> Reading:
    """Measure one example without noise and under noise.

    Args:
        model: a causal language model, on its device.
        example: from `neftune.training.data.encode`.
        alphas: of the noise.
        draws: of the noise for each alpha; an even number, because they come in mirrored pairs.
        seed: of the draws; each example needs its own.

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
        batch = ids.expand(rows, -1)
        out = model(
            input_ids=batch,
            attention_mask=torch.ones_like(batch),
            logits_to_keep=count + 1,
            use_cache=False,
        )
        found: Tensor = out.logits[:, -count - 1 : -1]
        return found[:, labelled]

    with only_noise(model):
        clean = clean_distributions(logits(1)[0], labels[labelled])
        rows = 2 * max(1, min(draws // 2, PASS_LOGITS // (2 * clean.logits.numel())))
        noisy = {}
        for alpha in alphas:
            with mirrored_noise(model, Noise(alpha), seed) as ratios:
                # All draws of alpha 0 are the same.
                starts = range(0, draws if alpha else 2, rows)
                batches = (logits(min(rows, draws - start)) for start in starts)
                parts = [compared(clean, each) for batch in batches for each in batch]
            loss, kl, changed = torch.tensor(parts, dtype=torch.float64).mean(0).tolist()
            noisy[alpha] = Noisy(loss, kl, changed, float(np.mean(ratios)))
        norm = inner.get_input_embeddings()(ids).norm(dim=-1).mean()
    loss, _, _ = compared(clean, clean.logits)
    return Reading(ids.shape[1], len(clean.targets), loss, float(norm), noisy)


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


def summary(readings: Sequence[Reading], traces: ArrayLike, d: int) -> Dose:
    """Combine the readings of all examples.

    Args:
        readings: one for each of S examples, all with the same alphas.
        traces: (S, probes), from `analysis.curvature.hessian_trace`.
        d: embedding dimension.
    """
    probes = np.asarray(traces, dtype=np.float64)
    trace = probes.mean(1)
    tokens = np.array([each.tokens for each in readings], dtype=np.float64)
    lengths = np.array([each.length for each in readings], dtype=np.float64)
    losses = np.array([each.loss for each in readings])
    ones = np.ones(len(readings))

    def of(alpha: float, what: Callable[[Noisy], float]) -> NDArray[np.float64]:
        return np.array([what(each.noisy[alpha]) for each in readings])

    at = {}
    for alpha in readings[0].noisy:
        more = of(alpha, lambda noisy: noisy.loss) - losses
        rise = share_estimate(more, tokens)
        predicted = share_estimate(predicted_rise(alpha, lengths, d, trace), tokens)
        percent = share_estimate(100 * more, losses)
        kl = share_estimate(of(alpha, lambda noisy: noisy.kl), tokens)
        changed = share_estimate(100 * of(alpha, lambda noisy: noisy.changed), tokens)
        ratio = share_estimate(of(alpha, lambda noisy: noisy.ratio), ones)
        right = holds(predicted.value, rise)
        at[alpha] = AtAlpha(rise, percent, kl, changed, ratio, predicted, right)
    norms = [each.norm for each in readings]
    return Dose(
        loss=share_estimate(losses, tokens),
        norm=share_estimate(norms, ones),
        trace=share_estimate(trace, ones),
        trace_error=probe_error(probes),
        at=at,
    )


def predicted_rise(
    alpha: float, lengths: NDArray[np.float64], d: int, traces: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The expected rise of each example's summed loss to second order, ½ σ² tr(H).

    Args:
        alpha: of uniform noise.
        lengths: (S,), L of each example.
        d: embedding dimension.
        traces: (S,), the trace of the Hessian of each example's summed loss in its embeddings.

    Returns:
        (S,), in nats.

    Source:
        docs/theory.md; σ² = alpha² / (3 L d) is the variance of an entry of the noise.
    """
    return traces * alpha**2 / (6 * lengths * d)


def holds(predicted: float, rise: Estimate) -> bool:
    """Whether a predicted rise is in the interval of the measured one, or 20% off at most."""
    within = rise.low <= predicted <= rise.high
    return within or abs(predicted - rise.value) <= CLOSE * abs(rise.value)


def probe_error(traces: NDArray[np.float64]) -> float:
    """The standard error of the mean trace that is due to the probes alone.

    Args:
        traces: (S, probes).

    Returns:
        NaN with a single probe, whose own spread cannot be told from that of examples.
    """
    examples, probes = traces.shape
    if probes < 2:
        return float("nan")
    return float(np.sqrt(traces.var(1, ddof=1).sum() / probes) / examples)


@dataclass(frozen=True)
class Geometry:
    """How the embeddings of the tokens that occur in the measured rows lie, as unit vectors.

    Args:
        tokens: how many different ones there are.
        cosine: the mean cosine of two of them.
        nearest: the mean Euclidean distance of one to the nearest other one; 2 sin(angle / 2), so
            1.41 where all are orthogonal.
    """

    tokens: int
    cosine: float
    nearest: float


def geometry(model: nn.Module, examples: Sequence[Example], chunk: int = 1024) -> Geometry:
    """Measure the embeddings of all tokens that occur in some examples.

    Args:
        model: a transformers model.
        examples: with at least two different tokens.
        chunk: tokens that are compared at a time.
    """
    inner = pretrained_model(model)
    ids = sorted({token for example in examples for token in example["input_ids"]})
    with torch.no_grad():
        found = inner.get_input_embeddings()(torch.tensor(ids, device=inner.device)).float()
        units = nn.functional.normalize(found, dim=1)
        count = len(ids)
        cosine = (float(units.sum(0).square().sum()) - count) / (count * (count - 1))
        nearest = 0.0
        for at in range(0, count, chunk):
            product = units[at : at + chunk] @ units.T
            rows = torch.arange(len(product), device=product.device)
            product[rows, rows + at] = -1.0
            nearest += float((2 - 2 * product.amax(1)).clamp_(min=0).sqrt_().sum())
    return Geometry(count, cosine, nearest / count)
