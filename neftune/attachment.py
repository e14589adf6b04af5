"""Add the noise to the input embeddings of any transformers model while it trains.

    with attach(model, Noise(alpha=5), seed=0):
        train(model)                                     # any loop, any trainer

Noise is added in training forward passes only: the model is in training mode and gradients are
recorded. Evaluation and `generate` never see it, not even from a model left in training mode.

Which side the noise is on. It is added to the vectors as they are looked up, before anything else
happens to them. Where the embedding layer multiplies what it looks up (Gemma and BART, by sqrt(d)),
the noise is multiplied too. In OPT, GPT-2 and BERT it comes before the position embeddings. In an
encoder-decoder (T5) both stacks get it, each with its own lengths. `inputs_embeds` are taken to be
what the embedding layer would have put out, and get the same noise.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from neftune.noise import sample, sample_by_sequence, sequence_lengths, tokens_of_sequences
from neftune.spec import Noise

_attached: WeakSet[nn.Module] = WeakSet()


def pretrained_model(model: nn.Module) -> PreTrainedModel:
    """The transformers model inside wrappers of DDP, torch.compile and PEFT.

    Raises:
        TypeError: there is none.
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
    """What is known of the forward pass under way."""

    lengths: Tensor | None = None
    labels: Tensor | None = None
    ids: Tensor | None = None
    sequences: list[tuple[int, Tensor]] | None = None


class Attachment:
    """Noise attached to a model; `detach` (or leaving the `with`) takes it off again."""

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
        """Take the noise off; the model is then as it was before. Twice does no harm."""
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

    def _before_stack(self, stack: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        self._pass.lengths = None
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
        if self.by_sequence:
            self._pass.ids = source
            self._pass.sequences = tokens_of_sequences(*where)
        if embeds is None:
            self._pass.lengths = lengths
            return None
        noisy = self._noisy(embeds, lengths, _embed_scale(stack))
        return tuple(noisy if value is embeds else value for value in args), {
            name: noisy if value is embeds else value for name, value in kwargs.items()
        }

    def _after_stack(self, stack: nn.Module, args: Any, output: Any) -> None:
        self._pass.lengths = None

    def _after_embedding(self, embedding: nn.Module, args: Any, output: Tensor) -> Tensor:
        lengths = self._pass.lengths
        if lengths is None or output.shape[:2] != lengths.shape:
            return output
        return self._noisy(output, lengths, getattr(embedding, "embed_scale", 1.0))

    def _noisy(self, embeddings: Tensor, lengths: Tensor, factor: float | Tensor) -> Tensor:
        d = embeddings.shape[-1]
        if self.by_sequence:
            assert self._pass.ids is not None
            assert self._pass.sequences is not None
            key = f"{self.seed} {self.step} "
            drawn = sample_by_sequence(self.noise, self._pass.ids, d, self._pass.sequences, key=key)
        else:
            drawn = sample(self.noise, d, lengths, self._generator(embeddings.device))
        return embeddings + drawn.mul_(factor).to(embeddings.dtype)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            generator = torch.Generator(device)
            generator.manual_seed(self.seed + 1_000_003 * rank)
            self._generators[device] = generator
        return self._generators[device]


def _embed_scale(stack: Any) -> float | Tensor:
    return getattr(stack.get_input_embeddings(), "embed_scale", 1.0)


def _arguments(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a module was called with, by name, however it was passed."""
    return inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments


def attach(
    model: nn.Module, noise: Noise, *, seed: int = 0, by_sequence: bool = False
) -> Attachment:
    """Add noise to a model's input embeddings until the attachment is detached.

    The noise comes from a generator of its own, one a device, seeded by `seed` and the rank of the
    process: the global generators, and with them data order and dropout, are the same with and
    without noise.

    Args:
        model: a transformers model, bare or inside DDP, PEFT or torch.compile.
        noise: what to add; with alpha 0 every bit is as without.
        seed: of the noise's own generator.
        by_sequence: draw each sequence's noise from the seed, the attachment's `step` (set it
            before each optimizer step) and the sequence's own tokens, in place of a stream: then it
            does not depend on how a batch is split over processes, passes and rows, and an
            interrupted training goes on exactly. A stream is faster on short rows.

    Returns:
        The attachment, also a context manager.

    Raises:
        TypeError: there is no transformers model in `model`.
        ValueError: noise by the rule `padded` is to be drawn by sequence.
        RuntimeError: noise is attached to it already, by this function or by a Trainer's own
            `neftune_noise_alpha`.
    """
    if by_sequence and noise.scale == "padded":
        raise ValueError("the rule 'padded' depends on the batch: draw its noise in a stream")
    return Attachment(model, noise, seed, by_sequence)
