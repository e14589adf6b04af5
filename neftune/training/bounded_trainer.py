"""transformers' Trainer in bounded memory: split passes, chunked losses, evaluation by tokens.

    BoundedTrainer(model, arguments, train_dataset=…, probe_padding=tokenizer.pad_token_id, …)

A micro batch that would need more than `ACTIVATIONS` bytes of main memory is trained on in several
passes, and losses of a pass with many logits are computed in chunks (`token_losses`). Both are
decided by the size of a pass, so a small model on short rows is trained by the Trainer's own code.
The losses of probes are sums over tokens by the number of tokens; the Trainer's own evaluation
averages the means of batches, and so depends on the batches. The learning rate is that of
`neftune.training.schedule`, which is 0 in no step.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerControl

from neftune.embeddings import pretrained_model
from neftune.training.data import IGNORED
from neftune.training.schedule import schedule
from neftune.training.token_losses import (
    TRAINED_LOGITS,
    added_loss,
    mean_loss,
    output_head,
    summed_loss,
)

ACTIVATIONS = 3 * 2**28
"""Bytes of main memory for what a pass keeps for its backward pass, as estimated."""
PASS_TOKENS = 64
"""What a pass costs beside its tokens, in tokens: weights are cast, and gradients added."""
RETURNED_EVERY = 4
"""After how many micro batches of several passes freed memory is returned to the system."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""The numbers of these settings in the GNU C library's malloc.h."""


class BoundedTrainer(Trainer):
    """A Trainer whose memory does not grow with vocabulary, micro batch and evaluation batch.

    Several processes do not split their passes, because each has to make as many as the others; nor
    are passes split for the memory of a GPU, which `micro_batch` is chosen for.

    Args:
        args: the Trainer's own positional arguments.
        probe_padding: the padding token of the evaluation sets.
        kwargs: the Trainer's own keyword arguments. `eval_dataset` has a list of examples by name.
    """

    def __init__(self, *args: Any, probe_padding: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.probe_padding = probe_padding
        self.head = output_head(self.model)
        self.vocabulary = pretrained_model(self.model).config.get_text_config().vocab_size
        self.most_tokens = self._most_tokens()
        self.split_batches = 0

    def _most_tokens(self) -> int | None:
        """Tokens, with padding, of a training pass; None if passes are not split."""
        if self.args.world_size > 1 or self.args.n_gpu > 1:
            return None
        bounds = []
        if self.args.device.type == "cpu":
            kept = bytes_per_token(self.model, bool(self.args.activation_checkpointing))
            bounds.append(ACTIVATIONS // kept)
        if self.head is None:
            bounds.append(TRAINED_LOGITS // self.vocabulary)
        return min(bounds) if bounds else None

    def create_scheduler(
        self, num_training_steps: int, optimizer: Optimizer | None = None
    ) -> LambdaLR:
        """Make the scheduler of the learning rate; called by the Trainer."""
        if self.lr_scheduler is None:
            self.lr_scheduler: LambdaLR | None = schedule(
                optimizer or self.optimizer,
                self.args.lr_scheduler_type.value,
                steps=num_training_steps,
                warmup=self.args.get_warmup_steps(num_training_steps),
            )
            self._created_lr_scheduler = True  # The Trainer makes another one for a new training.
        return self.lr_scheduler

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Train on a micro batch in as many passes as it takes; returns the sum of their losses."""
        if self.most_tokens is None or num_items_in_batch is None:
            return self.training_pass(model, inputs, num_items_in_batch)
        first, *rest = passes(inputs, self.most_tokens)
        if rest and self.head is None:
            warnings.warn(
                f"{type(pretrained_model(self.model)).__name__} does more between its hidden "
                "states and its loss than an output layer, so the loss cannot be computed in "
                f"chunks: it is trained in passes of {self.most_tokens} tokens or of one row",
                stacklevel=2,
            )
        if rest:
            keep_freed_memory()
            self.split_batches += 1
            if self.split_batches % RETURNED_EVERY == 0:
                return_freed_memory()
        total = self.training_pass(model, first, num_items_in_batch)
        for each in rest:
            total = total + self.training_pass(model, each, num_items_in_batch)
        return total

    def training_pass(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None
    ) -> Tensor:
        """Make a forward and a backward pass, and return the loss."""
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Compute the mean loss of a pass, in chunks if it has many logits."""
        few = inputs["labels"].numel() * self.vocabulary <= TRAINED_LOGITS
        if few or return_outputs or self.head is None or self.args.n_gpu > 1:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        inputs = dict(inputs)
        labels = inputs.pop("labels")
        if num_items_in_batch is not None and self._adds_gradients():
            return added_loss(model, inputs, labels, self.head, float(num_items_in_batch))
        loss = summed_loss(model, inputs, labels, self.head)
        return self.by_item(loss, labels, num_items_in_batch)

    def _adds_gradients(self) -> bool:
        """Whether the output layer's gradient can be added to its `grad` outside of autograd.

        FreeLB and the penalty scale the losses of their passes, so theirs cannot.
        """
        layer = self.head.layer if self.head else None
        return (
            type(self).training_pass is BoundedTrainer.training_pass
            and self.args.world_size == 1
            and layer is not None
            and layer.bias is None
            and layer.weight.is_leaf
            and layer.weight.requires_grad
        )

    def by_item(
        self, loss: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None
    ) -> Tensor:
        """Divide a summed loss by the labelled tokens of the pass, or by the items of its batch.

        The items are those of all processes, whose gradients are averaged.
        """
        if num_items_in_batch is None:
            return loss / labels[:, 1:].ne(IGNORED).sum()
        loss = loss / num_items_in_batch
        if self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes
        return loss

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Log the mean loss over the tokens of each evaluation set, as `eval_<name>_loss`.

        The Trainer's own evaluation draws a number from torch's generator for each set, as every
        iteration over a data loader does. The order of the training examples comes from the same
        generator, so the number is drawn here too: trainings keep the order they had.
        """
        metrics: dict[str, float] = {}
        self.model.eval()
        for name, examples in self.eval_dataset.items():
            torch.empty((), dtype=torch.int64).random_()
            with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.args.bf16):
                loss = mean_loss(self.model, examples, self.probe_padding, self.head)
            found = {f"eval_{name}_loss": loss}
            self.log(found)
            self.control: TrainerControl = self.callback_handler.on_evaluate(
                self.args, self.state, self.control, found
            )
            metrics |= found
        return metrics


@cache
def keep_freed_memory() -> None:
    """Have the GNU C library keep memory that is freed, for the next tensors.

    By default it returns every block of more than 32 MiB to the system, which has to clear the
    pages of the next one: a third of a step's time with a vocabulary of 262,144 tokens
    (benchmarks/README.md). The process keeps about a tenth more memory.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def return_freed_memory() -> None:
    """Have the GNU C library return to the system what it keeps.

    Tensors of a batch differ in size from those of the last one and fit badly into what these left,
    so that without it a training takes more memory step by step. The next tensors then cost as much
    as without `keep_freed_memory`.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def bytes_per_token(model: nn.Module, checkpointing: bool) -> int:
    """Estimate what a forward pass keeps for the backward pass, by token.

    Each linear layer's input and output are kept, which is nearly all; the output layer's are not,
    because it works in chunks. With checkpointing only the inputs of the layers that follow each
    other are kept, and all of one block.

    Args:
        model: a transformers model, or a wrapper of one.
        checkpointing: blocks are computed again in the backward pass.

    Returns:
        Bytes, in float32, without attention matrices (of the implementation `eager`).
    """
    inner = pretrained_model(model)
    head = inner.get_output_embeddings()
    total = sum(_width(module) for module in inner.modules() if module is not head)
    if checkpointing:
        config = inner.config.get_text_config()
        layers: int = config.num_hidden_layers
        total = total // layers + layers * config.hidden_size
    return max(1, 4 * total)


def _width(module: Any) -> int:
    """Inputs and outputs of a linear layer (GPT-2 has a class of its own); 0 of other modules."""
    if hasattr(module, "in_features"):
        return int(module.in_features + module.out_features)
    return int(module.nx + module.nf) if hasattr(module, "nx") else 0


def passes(batch: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """Split a batch into passes of at most a number of tokens, or of a single sequence.

    Args:
        batch: from `neftune.training.data.collator` or `neftune.training.packing.pack`.
        most: tokens, with padding.

    Returns:
        The batch as it is, if it is small enough; otherwise batches of its sequences: packed ones
        in order, padded ones in order of length.
    """
    if batch["input_ids"].numel() <= most:
        return [dict(batch)]
    return _packed(batch, most) if "position_ids" in batch else _padded(batch, most)


def _padded(batch: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """Rows of like length in each pass, so that little padding is left."""
    lengths = batch["attention_mask"].sum(1).tolist()
    order = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    found = []
    for start, end in _cuts([lengths[row] for row in order], most):
        rows = order[start:end]
        columns = lengths[rows[-1]]
        kept = min(columns, batch["logits_to_keep"])
        found.append(
            {
                **batch,
                "input_ids": batch["input_ids"][rows, -columns:],
                "attention_mask": batch["attention_mask"][rows, -columns:],
                "labels": batch["labels"][rows, -kept:],
                "logits_to_keep": kept,
            }
        )
    return found


def _cuts(lengths: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Where to cut rows in order of length, so that passes cost least.

    A pass costs its tokens with padding, and `PASS_TOKENS`.

    Args:
        lengths: of the rows, rising.
        most: tokens of a pass; a longer row has one of its own.

    Returns:
        The first row of each pass, and the one after its last.
    """
    least, first = [0], [0]
    for end, length in enumerate(lengths, 1):
        room = max(1, most // length)
        cost, start = min(
            (least[start] + length * (end - start) + PASS_TOKENS, start)
            for start in range(max(0, end - room), end)
        )
        least.append(cost)
        first.append(start)
    found = []
    end = len(lengths)
    while end:
        found.append((first[end], end))
        end = first[end]
    return found[::-1]


def _packed(batch: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    ids, positions, kept = (batch[n] for n in ("input_ids", "position_ids", "logits_to_keep"))
    starts = positions[0].eq(0).nonzero()[:, 0].tolist()
    cuts = [0]
    for start, end in zip(starts, [*starts[1:], ids.shape[1]], strict=True):
        if start > cuts[-1] and end - cuts[-1] > most:
            cuts.append(start)
    found = []
    for start, end in zip(cuts, [*cuts[1:], ids.shape[1]], strict=True):
        within = (kept >= start) & (kept < end)
        found.append(
            {
                **batch,
                "input_ids": ids[:, start:end],
                "position_ids": positions[:, start:end],
                "labels": batch["labels"][:, within],
                "logits_to_keep": kept[within] - start,
            }
        )
    return found
