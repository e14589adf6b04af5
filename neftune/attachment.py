"""Add the noise to the input embeddings of any transformers model while it trains.

    with attach(model, Noise(alpha=5), seed=0):
        train(model)                                     # any training loop or trainer

With the model's `attention_mask` of shape (B, T), the hook on the embedding layer does this to the
layer's output of shape (B, T, d):

    lengths = attention_mask.sum(dim=1, keepdim=True)                # real tokens of each sequence
    scale = attention_mask * alpha / torch.sqrt(lengths * d)         # 0 on padding
    embeddings = embeddings + scale[..., None] * torch.empty_like(embeddings).uniform_(-1, 1)

The rest of this module finds the mask and the embedding layers of each architecture, handles packed
rows and several devices, and removes the hooks again.

Noise is added only in training forward passes, that is, in training mode with gradients enabled.
Evaluation and `generate` never see it, even if the model was left in training mode.

The noise is added to the embeddings as they are looked up, before any other operation. Where the
embedding layer multiplies its output by a factor (sqrt(d) in Gemma and BART), the noise is
multiplied by it too. In OPT, GPT-2 and BERT the noise comes before the position embeddings. In an
encoder-decoder model (T5) both stacks get noise, each with its own lengths. `inputs_embeds` are
treated as an output of the embedding layer and get the same noise.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from neftune.distributions import Noise
from neftune.noise import sample, sample_by_sequence, sequence_lengths, tokens_of_sequences

_attached: WeakSet[nn.Module] = WeakSet()
_labels: ContextVar[Tensor | None] = ContextVar("labels", default=None)


@contextmanager
def labelled(labels: Tensor) -> Iterator[None]:
    """Tell attached noise the labels of a forward pass whose call does not have them.

    Noise on the tokens of prompts or responses alone (`Noise.tokens`) needs them.

    Args:
        labels: (B, K), as the model would get them.
    """
    token = _labels.set(labels)
    try:
        yield
    finally:
        _labels.reset(token)


def pretrained_model(model: nn.Module) -> PreTrainedModel:
    """Unwrap the transformers model inside DDP, torch.compile and PEFT.

    Args:
        model: a transformers model, or any nesting of these wrappers around one.

    Raises:
        TypeError: the innermost module is not a transformers model.
    """
    inner: Any = model
    while not isinstance(inner, PreTrainedModel):
        if hasattr(inner, "get_base_model"):
            inner = inner.get_base_model()
        elif hasattr(inner, "module"):
            inner = inner.module
        elif hasattr(inner, "_orig_mod"):
            inner = inner._orig_mod
        else:
            raise TypeError(
                f"cannot add noise to a {type(model).__name__}: it is not a transformers model, "
                "nor a DDP, PEFT or compiled wrapper of one"
            )
    return inner


@dataclass
class _Pass:
    """State of the forward pass in progress."""

    lengths: Tensor | None = None
    chosen: Tensor | None = None
    labels: Tensor | None = None
    ids: Tensor | None = None
    sequences: list[tuple[int, Tensor]] | None = None


class Attachment:
    """Noise that is attached to a model, until `detach` is called or its `with` block ends.

    Made by `attach`. With `by_sequence`, set `step` to the number of the optimizer step before each
    step.
    """

    def __init__(self, model: nn.Module, noise: Noise, seed: int, by_sequence: bool) -> None:
        self.noise = noise
        self.seed = seed
        self.by_sequence = by_sequence
        self.step = 0
        self._generators: dict[torch.device, torch.Generator] = {}
        self._pass = _Pass()
        self._hooks: list[RemovableHandle] = []
        inner = pretrained_model(model)
        stacks: list[Any] = [inner]
        if inner.config.is_encoder_decoder:
            stacks = [inner.get_encoder(), inner.get_decoder()]
            self._hook_before(inner, self._before_model)
        self._embeddings = list(dict.fromkeys(stack.get_input_embeddings() for stack in stacks))
        for embedding in self._embeddings:
            if embedding in _attached or hasattr(embedding, "neftune_noise_alpha"):
                self.detach()
                raise RuntimeError(
                    f"noise is attached to this {type(inner).__name__} already; detach that first "
                    "(or unset the trainer's neftune_noise_alpha)"
                )
        for stack in stacks:
            self._hook_before(stack, self._before_stack)
            self._hooks.append(stack.register_forward_hook(self._after_stack, always_call=True))
        for embedding in self._embeddings:
            self._hooks.append(embedding.register_forward_hook(self._after_embedding))
            _attached.add(embedding)

    def detach(self) -> None:
        """Remove all hooks from the model; calling it again has no effect."""
        if self._hooks:
            for hook in self._hooks:
                hook.remove()
            self._hooks.clear()
            for embedding in self._embeddings:
                _attached.discard(embedding)

    def __enter__(self) -> Attachment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach()

    def _hook_before(self, module: nn.Module, hook: Any) -> None:
        self._hooks.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def _before_model(self, model: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._pass.labels = _arguments(model, args, kwargs).get("labels")

    def _before_stack(self, stack: PreTrainedModel, args: Any, kwargs: dict[str, Any]) -> Any:
        self._pass.lengths = self._pass.chosen = None
        if not (stack.training and torch.is_grad_enabled() and self.noise.alpha > 0):
            return None
        given = _arguments(stack, args, kwargs)
        ids, embeds = given.get("input_ids"), given.get("inputs_embeds")
        mask = given.get("attention_mask")
        labels = self._pass.labels
        if mask is None and labels is not None and getattr(stack, "is_decoder", False):
            mask = labels.ne(-100)
        source = embeds if embeds is not None else ids
        assert source is not None
        where = (source.shape[:2], mask, given.get("position_ids"))
        lengths = sequence_lengths(*where).to(source.device)
        if self.noise.tokens != "all":
            self._pass.chosen = self._chosen(given, lengths)
        if self.by_sequence:
            self._pass.ids = source
            self._pass.sequences = tokens_of_sequences(*where)
        if embeds is None:
            self._pass.lengths = lengths
            return None
        noisy = self._noisy(embeds, lengths, embed_scale(stack.get_input_embeddings()))
        return tuple(noisy if value is embeds else value for value in args), {
            name: noisy if value is embeds else value for name, value in kwargs.items()
        }

    def _chosen(self, given: dict[str, Any], lengths: Tensor) -> Tensor:
        """(B, T), 1 on the tokens that get noise: those with a label, or the real ones without."""
        labels = given.get("labels")
        labels = _labels.get() if labels is None else labels
        if labels is None:
            raise ValueError(
                f"noise on the tokens of the {self.noise.tokens} alone needs the labels: pass "
                "labels=… to the model, or call it within neftune.attachment.labelled(labels)"
            )
        kept = given.get("logits_to_keep", 0)
        response = torch.zeros(lengths.shape, dtype=torch.bool, device=lengths.device)
        # Labels are of all columns, of the last ones, or of those that are kept of a packed row.
        columns = kept if isinstance(kept, Tensor) else slice(-labels.shape[1], None)
        response[:, columns] = labels.ne(-100).to(lengths.device)
        wanted = response if self.noise.tokens == "response" else ~response
        return wanted & (lengths > 0)

    def _after_stack(self, stack: nn.Module, args: Any, output: Any) -> None:
        self._pass.lengths = self._pass.chosen = None

    def _after_embedding(self, embedding: nn.Module, args: Any, output: Tensor) -> Tensor:
        lengths = self._pass.lengths
        if lengths is None or output.shape[:2] != lengths.shape:
            return output
        return self._noisy(output, lengths, embed_scale(embedding))

    def _noisy(self, embeddings: Tensor, lengths: Tensor, factor: float | Tensor) -> Tensor:
        d = embeddings.shape[-1]
        if self.by_sequence:
            assert self._pass.ids is not None
            assert self._pass.sequences is not None
            key = f"{self.seed} {self.step} "
            drawn = sample_by_sequence(self.noise, self._pass.ids, d, self._pass.sequences, key=key)
        else:
            drawn = sample(self.noise, d, lengths, self._generator(embeddings.device))
        if self._pass.chosen is not None:
            drawn.mul_(self._pass.chosen.unsqueeze(-1))
        return embeddings + drawn.mul_(factor).to(embeddings.dtype)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            generator = torch.Generator(device)
            generator.manual_seed(self.seed + 1_000_003 * rank)
            self._generators[device] = generator
        return self._generators[device]


def embed_scale(embedding: Any) -> float | Tensor:
    """What an embedding layer multiplies its output by: sqrt(d) in Gemma, 1 in most models."""
    return getattr(embedding, "embed_scale", 1.0)


def drawn_for(
    embedding: Any, noise: Noise, shape: torch.Size, mask: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw noise that is added to a layer's output by hand, as `attach` would add it.

    Args:
        embedding: the embedding layer.
        noise: what is drawn.
        shape: (B, T), of the token ids.
        mask: the attention mask.
        generator: of the draw.

    Returns:
        (B, T, d), 0 on padding.
    """
    lengths = sequence_lengths(shape, mask)
    drawn = sample(noise, embedding.weight.shape[1], lengths, generator)
    return drawn * embed_scale(embedding)


def _arguments(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, whether they were passed by position or by keyword."""
    return inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments


def attach(
    model: nn.Module, noise: Noise, *, seed: int = 0, by_sequence: bool = False
) -> Attachment:
    """Add noise to a model's input embeddings until the attachment is detached.

    The noise is drawn from its own generator on each device, seeded by `seed` and the rank of the
    process. The global generators, and with them data order and dropout, are therefore the same
    with and without noise.

    Args:
        model: a transformers model, bare or inside DDP, PEFT or torch.compile.
        noise: the noise to add; with alpha 0 the results are bit-identical to not attaching.
        seed: of the noise's own generator.
        by_sequence: seed the noise of each sequence by `seed`, the attachment's `step` and the
            sequence's own tokens, instead of drawing all noise from one stream. The noise then does
            not depend on how a batch is split over processes, forward passes and rows, and a
            resumed training draws the same noise. One stream is faster for short sequences.

    Returns:
        The attachment, which is also a context manager.

    Raises:
        TypeError: `model` holds no transformers model.
        ValueError: `by_sequence` with the length rule `padded`, which depends on the batch; or, in
            a forward pass, noise on prompts or responses alone without labels.
        RuntimeError: the model has noise already, from this function or from the Trainer's own
            `neftune_noise_alpha`.

    Source:
        Algorithm 1 of Jain et al., ICLR 2024.
    """
    if by_sequence and noise.length_rule == "padded":
        raise ValueError("length_rule='padded' depends on the batch: use by_sequence=False")
    return Attachment(model, noise, seed, by_sequence)
