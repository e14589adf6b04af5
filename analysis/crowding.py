"""How crowded the embeddings of a model lie: cosines, and distances to the nearest neighbour.

    geometry(model, examples).cosine                     # 0 if they are orthogonal

An embedding that has near neighbours is taken for another token's under less noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from neftune.embeddings import pretrained_model
from neftune.training.data import Example


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
