"""Losses of labelled tokens in bounded memory, whatever the vocabulary.

    head = output_head(model)
    loss = summed_loss(model, inputs, labels, head)      # with gradients, nats
    losses = token_losses(model, inputs, labels, head)   # without, nats per token
    mean_loss(model, examples, pad_token_id, head)

Logits are the largest tensor of a fine-tuning: 57 responses of 293 tokens with a vocabulary of
49,152 have 3.3 GB of them, and their loss holds about three such tensors. Here the output layer and
the loss are computed in chunks of tokens, and in training each chunk's gradient at once, so that no
chunk is needed in the backward pass (as in Liger Kernel, Hsu et al. 2024, arXiv 2410.10989).

Where all logits of a pass are few anyway, the model computes them itself, in one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from transformers import BatchEncoding, PreTrainedModel

from neftune.calls import told
from neftune.embeddings import pretrained_model
from neftune.training.data import IGNORED, Example, collator

TRAINED_LOGITS = 2**24
"""The most logits of a training pass that the model computes itself, 64 MiB in float32."""
CHUNK_LOGITS = 2**23
"""Logits of a chunk in training, 32 MiB in float32. It holds them about four times: as they are,
exponentiated, and two gradients."""
SLOPE_BYTES = 2**27
"""Of the gradients in logits that are held until they are multiplied with the hidden states: the
gradient in the weights is as large as the output layer, so it is added to few times."""
OUTPUT_ROWS = 2**15
"""Rows of the output layer whose gradient is computed at a time."""
READ_LOGITS = 2**25
"""The same without gradients, where they are held about twice."""
READ_TOKENS = 2**14
"""Tokens, with padding, of a pass without gradients."""
READ_ROWS = 64
"""Examples of a pass without gradients."""
TEST_TOKENS = 8
"""Tokens of the test of an output head."""

After = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class OutputHead:
    """A model's output layer, and what the model does to its output.

    Args:
        layer: from hidden states to logits.
        after: from the layer's output to the model's logits, elementwise.
    """

    layer: nn.Linear
    after: After


def output_head(model: nn.Module) -> OutputHead | None:
    """Find a model's output head, and test that it is all there is between hidden states and loss.

    Args:
        model: a transformers causal language model, or a wrapper of one, on its device.

    Returns:
        The head, if the loss that is computed with it is the model's own on a few tokens; None if
        the model does more than that, or has an adapter or 4-bit weights in its output layer.
    """
    inner = pretrained_model(model)
    layer = inner.get_output_embeddings()
    if type(layer) is not nn.Linear or layer.weight.is_meta:
        return None
    head = OutputHead(layer, _after(inner))
    return head if _is_complete(inner, head) else None


def _after(model: PreTrainedModel) -> After:
    """What the known architectures do to the output of their output layer."""
    config = model.config.get_text_config()
    cap = getattr(config, "final_logit_softcapping", None)  # Gemma
    factor = getattr(config, "logit_scale", None)  # Cohere
    divisor = getattr(config, "logits_scaling", None)  # Granite
    if cap is not None:
        return lambda logits: torch.tanh(logits / cap) * cap
    if factor is not None:
        return lambda logits: logits * factor
    if divisor is not None:
        return lambda logits: logits / divisor
    return lambda logits: logits


@torch.no_grad()
def _is_complete(model: PreTrainedModel, head: OutputHead) -> bool:
    """Whether the loss that is computed with a head is the model's own on a few tokens."""
    training = model.training
    model.eval()
    size = model.config.get_text_config().vocab_size
    ids = torch.arange(TEST_TOKENS, device=model.device).remainder(size)[None]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    own = model(**inputs, labels=ids).loss
    ours = _in_chunks(model, inputs, ids, head, _chunk_losses, chunk=3).mean()
    model.train(training)
    rounding = 1e-4 if head.layer.weight.dtype == torch.float32 else 2e-2
    return bool((own - ours.to(own.device)).abs() <= rounding * own.abs())


def _trained_chunk(head: OutputHead) -> int:
    """Tokens of a chunk in training."""
    return max(1, CHUNK_LOGITS // head.layer.out_features)


def summed_loss(
    model: nn.Module, inputs: Mapping[str, Any], labels: Tensor, head: OutputHead
) -> Tensor:
    """Compute the sum of the losses of all labelled tokens, with gradients, in chunks.

    Args:
        model: in training; its forward pass is run with all its hooks, so it gets its noise.
        inputs: of the model, without labels.
        labels: (B, K), for the columns whose logits the model computes.
        head: the model's.

    Returns:
        A scalar, in nats.
    """

    def total(*found: Any) -> Tensor:
        summed: Tensor = _SummedLoss.apply(*found)  # type: ignore[no-untyped-call]
        return summed

    return _in_chunks(model, inputs, labels, head, total, _trained_chunk(head))


def added_loss(
    model: nn.Module, inputs: Mapping[str, Any], labels: Tensor, head: OutputHead, divisor: float
) -> Tensor:
    """Compute the sum of the losses by a divisor, and add the output layer's gradient at once.

    The backward pass, which computes the other gradients, must be made with no other factor. It
    saves a tensor as large as the output layer, and is for a single process.

    Args:
        model: in training; its forward pass is run with all its hooks, so it gets its noise.
        inputs: of the model, without labels.
        labels: (B, K), for the columns whose logits the model computes.
        head: the model's, without a bias, and with weights that are trained.
        divisor: of the sum, most often the labelled tokens of the batch.

    Returns:
        A scalar, in nats.
    """

    def total(
        hidden: Tensor, weight: Tensor, bias: Any, at: Tensor, after: After, size: int
    ) -> Tensor:
        found: Tensor = _AddedLoss.apply(  # type: ignore[no-untyped-call]
            hidden, weight, at, after, size, divisor
        )
        return found

    return _in_chunks(model, inputs, labels, head, total, _trained_chunk(head))


@torch.no_grad()
def token_losses(
    model: nn.Module, inputs: Mapping[str, Any], labels: Tensor, head: OutputHead | None
) -> Tensor:
    """Compute the loss of each token without gradients.

    Args:
        model: in evaluation mode.
        inputs: of the model, without labels.
        labels: (B, K), for the columns whose logits the model computes.
        head: the model's; with None all logits are computed at once.

    Returns:
        (B, K - 1), in nats, for the tokens from the second column on; 0 where there is no label.
    """
    targets = labels[:, 1:]
    if _few(labels, head):
        logits = model(**inputs).logits[:, :-1].float()
        return cross_entropy(
            logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none"
        )
    assert head is not None
    chunk = max(1, READ_LOGITS // head.layer.out_features)
    found = _in_chunks(model, inputs, labels, head, _chunk_losses, chunk)
    losses = torch.zeros(targets.shape, device=found.device)
    losses[targets.ne(IGNORED)] = found
    return losses


def _few(labels: Tensor, head: OutputHead | None) -> bool:
    """Whether all logits of a pass without gradients are computed at once."""
    return head is None or labels.numel() * head.layer.out_features <= READ_LOGITS


@torch.no_grad()
def mean_loss(
    model: nn.Module, examples: Sequence[Example], pad_token_id: int, head: OutputHead | None
) -> float:
    """Compute the mean loss of all labelled tokens: their sum by their number.

    Args:
        model: in evaluation mode.
        examples: at least one, from `neftune.training.data.encode`.
        pad_token_id: the tokenizer's padding token.
        head: the model's, from `output_head`.

    Returns:
        In nats per token, in float32's precision. It does not depend on how the examples are put
        into passes, up to the rounding of sums.
    """
    total, count = 0.0, 0
    for _, inputs, labels in _reading(model, examples, pad_token_id, head):
        targets = labels[:, 1:]
        if _few(labels, head):
            logits = model(**inputs).logits[:, :-1].flatten(0, 1).float()
            found = cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")
        else:
            found = token_losses(model, inputs, labels, head).double().sum()
        total += found.item()
        count += int(targets.ne(IGNORED).sum())
    return (torch.tensor(total, dtype=torch.float32) / count).item()


def example_sums(
    model: nn.Module, examples: Sequence[Example], pad_token_id: int, head: OutputHead | None
) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Compute the summed losses of examples, in passes of bounded size in order of length.

    Args:
        model: in evaluation mode.
        examples: from `neftune.training.data.encode`.
        pad_token_id: the tokenizer's padding token.
        head: the model's; without one, passes are so small that all logits fit.

    Yields:
        For each pass the places of its B examples in `examples`, and (B,) each the sum of their
        losses in nats and the number of their labelled tokens.
    """
    for places, inputs, labels in _reading(model, examples, pad_token_id, head):
        losses = token_losses(model, inputs, labels, head)
        yield places, losses.sum(1), labels[:, 1:].ne(IGNORED).sum(1).to(losses.device)


def _reading(
    model: nn.Module, examples: Sequence[Example], pad_token_id: int, head: OutputHead | None
) -> Iterator[tuple[list[int], dict[str, Any], Tensor]]:
    """The places of the examples of each pass, the model's inputs, and the labels (B, K)."""
    inner = pretrained_model(model)
    most = READ_TOKENS
    if head is None:
        most = min(most, READ_LOGITS // inner.config.get_text_config().vocab_size)
    collate = collator(pad_token_id)
    for places in _passes([len(example["input_ids"]) for example in examples], most):
        inputs = BatchEncoding(collate([examples[place] for place in places])).to(inner.device)
        labels = inputs.pop("labels")
        yield places, {**inputs, "use_cache": False}, labels


def _passes(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places in order of length, in groups of at most `READ_ROWS` rows and `most` tokens."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (len(group) == READ_ROWS or (len(group) + 1) * lengths[place] > most):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _in_chunks(
    model: nn.Module,
    inputs: Mapping[str, Any],
    labels: Tensor,
    head: OutputHead,
    losses: Callable[..., Tensor],
    chunk: int,
) -> Tensor:
    """Run a model with `losses` in the place of its output layer, on the labelled tokens."""
    targets = labels[:, 1:]

    def computed(hidden: Tensor) -> Tensor:
        weight, bias = head.layer.weight, head.layer.bias
        hidden = hidden.to(weight.device)
        counted = targets.to(weight.device).ne(IGNORED)
        at = targets.to(weight.device)[counted]
        return losses(hidden[:, :-1][counted], weight, bias, at, head.after, chunk)

    with _in_the_place_of(head.layer, computed) as found, told(labels=labels):
        model(**inputs)
    return found[0]


@contextmanager
def _in_the_place_of(
    layer: nn.Module, computed: Callable[[Tensor], Tensor]
) -> Iterator[list[Tensor]]:
    """Have a layer collect what is computed of its input; it returns a single column."""
    found: list[Tensor] = []
    before = vars(layer).get("forward")

    def forward(hidden: Tensor) -> Tensor:
        found.append(computed(hidden))
        return hidden[..., :1]

    layer.forward = forward
    try:
        yield found
    finally:
        del layer.forward
        if before is not None:
            layer.forward = before


def _format(weight: Tensor) -> torch.dtype:
    """The number format of the output layer's product, which is autocast's if that is on."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def _chunk_losses(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    labels: Tensor,
    after: After,
    chunk: int,
) -> Tensor:
    """The losses (N,) of tokens with hidden states (N, d) and labels (N,), `chunk` at a time."""
    dtype = _format(weight)
    low, offset = weight.to(dtype), None if bias is None else bias.to(dtype)
    with torch.autocast(weight.device.type, enabled=False):
        found = [
            cross_entropy(after(linear(some.to(dtype), low, offset)).float(), at, reduction="none")
            for some, at in zip(torch.split(hidden, chunk), torch.split(labels, chunk), strict=True)
        ]
    return torch.cat(found)


class _SummedLoss(torch.autograd.Function):
    """The sum of the losses of N tokens, whose gradients are computed in the forward pass.

    The arguments are those of `_chunk_losses`. The sum is a scalar, so its gradients are known up
    to one factor before the backward pass, and no chunk has to be computed again in it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        after: After,
        chunk: int,
    ) -> Tensor:
        wanted = ctx.needs_input_grad
        of_weight = torch.zeros_like(weight) if wanted[1] else None
        of_bias = torch.zeros_like(bias) if bias is not None and wanted[2] else None
        total, of_hidden = _losses_and_gradients(
            hidden, weight, bias, labels, after, chunk, of_weight, of_bias
        )
        ctx.gradients = (of_hidden if wanted[0] else None, of_weight, of_bias)
        return total

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        gradients = [None if each is None else each.mul_(factor) for each in ctx.gradients]
        del ctx.gradients
        return (*gradients, None, None, None)


class _AddedLoss(torch.autograd.Function):
    """The same divided by a number, which adds the weight's gradient to its `grad` at once.

    The gradient of a vocabulary of 262,144 tokens then needs no tensor of its own. The backward
    pass must be made, and with no other factor.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        labels: Tensor,
        after: After,
        chunk: int,
        divisor: float,
    ) -> Tensor:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        total, ctx.of_hidden = _losses_and_gradients(
            hidden, weight, None, labels, after, chunk, weight.grad, None, divisor
        )
        return total

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        if factor.item() != 1:
            raise RuntimeError(
                f"a loss whose gradients were added already was scaled by {factor:g}"
            )
        return ctx.of_hidden, None, None, None, None, None


def _losses_and_gradients(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    labels: Tensor,
    after: After,
    chunk: int,
    of_weight: Tensor | None,
    of_bias: Tensor | None,
    divisor: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The summed loss of tokens by a divisor, and its gradient in their hidden states.

    Args:
        hidden: as of `_chunk_losses`.
        weight: as there.
        bias: as there.
        labels: as there.
        after: as there.
        chunk: as there.
        of_weight: to which the gradient in the weight is added.
        of_bias: the same of the bias.
        divisor: of the loss.
    """
    dtype = _format(weight)
    low, offset = weight.detach().to(dtype), None if bias is None else bias.to(dtype)
    of_hidden = torch.zeros_like(hidden)
    total = torch.zeros((), device=weight.device)
    held = max(1, SLOPE_BYTES // (low.element_size() * len(low)))
    with torch.autocast(weight.device.type, enabled=False):
        for some, at, out in _groups(held, hidden, labels, of_hidden):
            some = some.to(dtype)
            slopes = some.new_empty(len(some), len(low))
            for near, target, slope in _groups(chunk, some, at, slopes):
                loss, found = _loss_and_slope(linear(near, low, offset), target, after, divisor)
                total += loss
                slope.copy_(found)
            out.copy_(slopes @ low)
            if of_weight is not None:
                for rows, columns in _groups(OUTPUT_ROWS, of_weight, slopes.T):
                    rows += columns @ some
            if of_bias is not None:
                of_bias += slopes.sum(0)
    return total, of_hidden


def _groups(size: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The rows of tensors in groups of at most a size."""
    for start in range(0, len(tensors[0]), size):
        yield tuple(each[start : start + size] for each in tensors)


def _loss_and_slope(
    raw: Tensor, labels: Tensor, after: After, divisor: float
) -> tuple[Tensor, Tensor]:
    """The loss of an output layer's output (n, V), and its gradient of that shape."""
    with torch.enable_grad():
        leaf = raw.detach().requires_grad_()
        loss = cross_entropy(after(leaf).float(), labels, reduction="sum") / divisor
    (slope,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), slope
