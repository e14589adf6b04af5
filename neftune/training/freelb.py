"""FreeLB, the adversarial training of the paper's Table 12, in transformers' Trainer.

    finetune(model, tokenizer, examples, Recipe(freelb=FreeLB(max_norm=5)), Noise(0), …)

Algorithm 1 of Zhu et al. 2019 (arXiv 1909.11764): a perturbation of the embeddings starts as
uniform noise of NEFTune's scale alpha / sqrt(L d), and takes a few steps along the direction of its
gradient. The gradients of the weights are averaged over these passes into one optimizer step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neftune.attachment import drawn_for
from neftune.distributions import Noise
from neftune.embeddings import pretrained_model
from neftune.training.bounded_trainer import BoundedTrainer
from neftune.training.recipe import FreeLB


def ascend(delta: Tensor, gradient: Tensor, settings: FreeLB) -> Tensor:
    """Take one ascent step of the perturbation and project it into the ball of radius max_norm.

    Args:
        delta: (B, T, d), the perturbation.
        gradient: (B, T, d), of the loss with respect to `delta`.
        settings: step size and radius.

    Returns:
        (B, T, d), the next perturbation; no row has an L2 norm above `settings.max_norm`.
    """

    def norms(values: Tensor) -> Tensor:
        return values.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]

    moved = delta + settings.step_size * gradient / norms(gradient)
    return moved * (settings.max_norm / norms(moved)).clamp(max=1.0)


class FreeLBTrainer(BoundedTrainer):
    """A Trainer that makes `settings.steps` adversarial passes over each batch.

    Args:
        args: the Trainer's own positional arguments.
        settings: of the perturbation.
        noise_seed: of the initial perturbations.
        kwargs: the Trainer's own keyword arguments.
    """

    def __init__(self, *args: Any, settings: FreeLB, noise_seed: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = settings
        self.generator = torch.Generator(self.args.device).manual_seed(noise_seed)

    def training_pass(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None
    ) -> Tensor:
        """Make the adversarial passes over a batch, and return their mean loss."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        ids = inputs.pop("input_ids")
        embedding = pretrained_model(model).get_input_embeddings()
        start, mask = Noise(self.settings.magnitude), inputs["attention_mask"]
        delta = drawn_for(embedding, start, ids.shape, mask, self.generator)
        total = torch.zeros((), device=ids.device)
        for _ in range(self.settings.steps):
            delta.requires_grad_()
            with self.compute_loss_context_manager():
                perturbed = {**inputs, "inputs_embeds": embedding(ids) + delta}
                loss = self.compute_loss(model, perturbed, num_items_in_batch=num_items_in_batch)
            loss = loss / self.settings.steps
            self.accelerator.backward(loss)
            total += loss.detach()
            assert delta.grad is not None
            delta = ascend(delta.detach(), delta.grad, self.settings)
        return total
