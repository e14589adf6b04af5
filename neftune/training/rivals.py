"""Two rivals of the noise that change the loss of a training pass: smoothing, and a penalty.

    finetune(model, tokenizer, examples, Recipe(label_smoothing=0.1), Noise(0), …)
    finetune(model, tokenizer, examples, Recipe(penalty=5), Noise(0), …)

`PenaltyTrainer` adds to the loss what noise adds to it to second order, without its odd orders:
1/2 sigma^2 tr(H), H the Hessian of the loss in the embeddings (Bishop 1995; docs/theory.md). With v
a draw of the noise, the mean of v' H v is sigma^2 tr(H), and

    1/2 v' H v = (1/2 [L(x + h v) + L(x - h v)] - L(x)) / h^2 + O(h^2)

so three passes give an unbiased estimate up to h^2 times the noise's fourth-order effect (1/16 of
it), and its gradient by ordinary backpropagation.
With h = 1 the estimate would make this the training with noise itself, on v and -v.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from neftune.attachment import drawn_for
from neftune.calls import told
from neftune.distributions import Noise
from neftune.embeddings import pretrained_model
from neftune.training.bounded_trainer import BoundedTrainer
from neftune.training.data import IGNORED

STEP = 0.25
"""The h of the penalty: small beside 1, and large enough for float32's rounding divided by h^2."""


class SmoothedTrainer(BoundedTrainer):
    """A Trainer that spreads a share of each label evenly over the vocabulary.

    All logits of a pass are held in memory. Evaluation has plain labels.

    Args:
        args: the Trainer's own positional arguments.
        share: of each label that is spread.
        kwargs: the Trainer's own keyword arguments.
    """

    def __init__(self, *args: Any, share: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.share = share

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Compute the mean smoothed loss of a training pass."""
        inputs = dict(inputs)
        labels = inputs.pop("labels")
        with told(labels=labels):
            outputs = model(**inputs)
        logits, targets = outputs.logits[:, :-1].float(), labels[:, 1:]
        loss = cross_entropy(
            logits.transpose(1, 2),
            targets,
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=self.share,
        )
        loss = self.by_item(loss, labels, num_items_in_batch)
        return (loss, outputs) if return_outputs else loss


class PenaltyTrainer(BoundedTrainer):
    """A Trainer that adds the second-order effect of noise to the loss, in three passes a batch.

    The passes have to be computed in float32 (`bf16=False`), since their difference is small.

    Args:
        args: the Trainer's own positional arguments.
        noise: whose effect it is; none is added to the embeddings.
        noise_seed: of the draws that the trace is estimated with.
        kwargs: the Trainer's own keyword arguments.
    """

    def __init__(self, *args: Any, noise: Noise, noise_seed: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.noise = noise
        self.generator = torch.Generator(self.args.device).manual_seed(noise_seed)

    def training_pass(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None
    ) -> Tensor:
        """Make the three passes over a batch, and return the loss with its penalty."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        ids = inputs.pop("input_ids")
        embedding = pretrained_model(model).get_input_embeddings()
        mask = inputs["attention_mask"]
        drawn = STEP * drawn_for(embedding, self.noise, ids.shape, mask, self.generator)
        total = torch.zeros((), device=ids.device)
        share = 1 / (2 * STEP**2)
        for sign, weight in ((0.0, 1 - 2 * share), (1.0, share), (-1.0, share)):
            moved = {**inputs, "inputs_embeds": embedding(ids) + sign * drawn}
            loss = self.compute_loss(model, moved, num_items_in_batch=num_items_in_batch)
            self.accelerator.backward(weight * loss)
            total += weight * loss.detach()
        return total
