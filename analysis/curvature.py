"""The trace of the Hessian of an example's loss in its embeddings, by Hutchinson's estimator.

    found, directions = measured(model, example, ALPHAS, draws=4, seed=0)
    hessian_trace(model, example, directions)            # one estimate a direction

For independent entries v of mean 0 and variance 1, E[vᵀ H v] = tr(H) (Hutchinson 1990). The noise
itself, scaled to that variance, is such a v. With it, ½ σ² vᵀ H v is the second-order effect of the
very noise that was measured, so prediction and measurement differ by higher orders alone, and not
by chance. H v is the derivative of the gradient along v, which a second backward pass gives, so H
is never formed. The second pass needs operations that can be differentiated twice. Fused attention
cannot, so load the model with `eager` attention; torch's `sdpa` is made to use its plain form here.

The noise is added before an embedding layer multiplies its output by a factor (sqrt(d) in Gemma).
So the Hessian is meant in the embeddings before that: it is the factor's square times that in the
embeddings which the first block reads. What it is for is in docs/theory.md.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from analysis.dose import embedding_factor, response, response_logits
from neftune.embeddings import pretrained_model
from neftune.modes import left_as_it_was
from neftune.training.data import IGNORED, Example


def hessian_trace(model: nn.Module, example: Example, probes: Tensor) -> list[float]:
    """Estimate the trace of the Hessian of one example's summed loss in its embeddings.

    Args:
        model: a causal language model, on its device.
        example: from `neftune.training.data.encode`.
        probes: (n, L, d), of independent entries of mean 0 and variance 1.

    Returns:
        One unbiased estimate a probe.

    Raises:
        RuntimeError: an operation of the model cannot be differentiated twice.
    """
    with left_as_it_was(model), sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
        slope, leaf = _gradient(model, example)
        found = []
        for each in probes:
            probe = each[None].to(slope)
            (product,) = torch.autograd.grad(slope, leaf, probe, retain_graph=True)
            found.append(float((probe * product).double().sum()))
    return [value * embedding_factor(model) ** 2 for value in found]


def _gradient(model: nn.Module, example: Example) -> tuple[Tensor, Tensor]:
    """The gradient of the summed loss, which is differentiable, and the embeddings (1, L, d)."""
    inner = pretrained_model(model)
    ids, labels, count = response(example)
    ids, labels = ids.to(inner.device), labels.to(inner.device)
    leaves: list[Tensor] = []

    def leaf(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        leaves[:] = [output.detach().requires_grad_()]
        return leaves[0]

    hook = inner.get_input_embeddings().register_forward_hook(leaf)
    try:
        logits = response_logits(model, ids, count)[0]
    finally:
        hook.remove()
    logits = logits if logits.dtype == torch.float64 else logits.float()
    loss = cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    (slope,) = torch.autograd.grad(loss, leaves[0], create_graph=True)
    return slope, leaves[0]
