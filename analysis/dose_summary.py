"""The dose of a noise over all examples, with intervals, beside the second-order prediction.

readings, traces = …                                 # of `dose.measured`, `curvature.hessian_trace`
dose = summary(readings, traces, d=model.config.hidden_size)
dose.at[5.0].kl                                      # Estimate, nats per response token
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.dose import Noisy, Reading, share_estimate
from analysis.intervals import Estimate
from analysis.second_order import predicted_rise


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
    """

    rise: Estimate
    percent: Estimate
    kl: Estimate
    changed: Estimate
    ratio: Estimate
    predicted: Estimate


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
        at[alpha] = AtAlpha(rise, percent, kl, changed, ratio, predicted)
    norms = [each.norm for each in readings]
    return Dose(
        loss=share_estimate(losses, tokens),
        norm=share_estimate(norms, ones),
        trace=share_estimate(trace, ones),
        trace_error=probe_error(probes),
        at=at,
    )


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
