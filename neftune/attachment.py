"""Add the noise to the input embeddings of any transformers model while it trains.

    with attach(model, 5, seed=0):                       # alpha, or Noise(5, "gaussian")
        train(model)                                     # any training loop or trainer

With the model's `attention_mask` of shape (B, T), the hook on the embedding layer does this to the
layer's output of shape (B, T, d):

    lengths = attention_mask.sum(dim=1, keepdim=True)                # real tokens of each sequence
    scale = attention_mask * alpha / torch.sqrt(lengths * d)         # 0 on padding
    embeddings = embeddings + scale[..., None] * torch.empty_like(embeddings).uniform_(-1, 1)

The rest of this module follows the calls around the layer, from which the lengths are told
(`neftune/calls.py`, `neftune/sequences.py`), and removes the hooks again.

Noise is added only in training forward passes, that is, in training mode with gradients enabled.
Evaluation, `generate` and scoring without gradients never see it, even if the model was left in
training mode. A training pass that is to be clean goes into `attachment.paused()`.

The noise is added to the embeddings as they are looked up, before any other operation. Where the
embedding layer multiplies its output by a factor (sqrt(d) in Gemma and BART), the noise is
multiplied by it too. In OPT, GPT-2 and BERT the noise comes before the position embeddings. In an
encoder-decoder model (T5) both stacks get noise, each with its own lengths. Where images or learnt
vectors are put among the looked-up ones, the text alone gets noise. `inputs_embeds` of the caller
are treated as an output of the embedding layer and get the same noise.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neftune.calls import Call, Calls, sequences_of, tokens_of
from neftune.distributions import Noise, noise_of, not_negative, whole
from neftune.drawing import (
    Draws,
    Wanted,
    computed_again,
    drawn_in_a_graph,
    known_in_graphs,
    sharers_of,
)
from neftune.embeddings import embed_scale, find, size_of
from neftune.first_pass import FirstPass, summarized
from neftune.hooks import Hook, forget_compiled
from neftune.noise import sample
from neftune.sequences import lengths_of, numbered, sequence_lengths

_attached: WeakKeyDictionary[nn.Module, ref[Attachment]] = WeakKeyDictionary()
"""The attachment of each embedding layer that has one."""


class Attachment:
    """Noise that is attached to a model, until `detach` is called or its `with` block ends.

    Made by `attach`. Noise by sequence depends on the attachment's `step`. A copy of a model with
    noise, in memory or on disk, has none.
    """

    def __init__(self, model: nn.Module, noise: Noise, seed: int, by_sequence: bool) -> None:
        self.noise = noise
        self.of_a_training: object = None
        self._read_size: Tensor | None = None
        self._begun = False
        self._number = known_in_graphs(self)
        self._calls = Calls()
        self._traced = self._calls.open
        self._paused = self._opposite = False
        self._hooks: list[RemovableHandle] = []
        self._place = place = find(model)
        self.draws = Draws(seed, by_sequence, 1 if by_sequence else sharers_of(place.model))
        for embedding in place.embeddings:
            if embedding in _attached:
                raise RuntimeError(
                    f"noise is attached to this {type(place.model).__name__} already: end that "
                    "with neftune.detach(model)"
                )
            if hasattr(embedding, "neftune_noise_alpha"):
                raise RuntimeError(
                    f"this {type(place.model).__name__} has the noise of a trainer's own "
                    "neftune_noise_alpha: unset that; where an interrupted training left it, load "
                    "the model anew"
                )
        self._sizes = {each: _size(each, noise) for each in place.embeddings}
        for module, names in place.around.items():
            owner = module in place.owners
            outermost = module is next(iter(place.around))
            before = Hook(self._before, names, owner, module is place.decoder, outermost)
            self._hooks += [
                module.register_forward_pre_hook(before, with_kwargs=True),
                module.register_forward_hook(Hook(self._check, owner)),
                module.register_forward_hook(Hook(self._after), always_call=True),
            ]
        for module, embedding in place.reads.items():
            self._hooks.append(module.register_forward_hook(Hook(self._looked_up, embedding)))
            _attached[embedding] = ref(self)
        self._model = model
        forget_compiled(model, self._hooked())

    def _hooked(self) -> list[nn.Module]:
        return [*self._place.around, *self._place.reads]

    @property
    def attached(self) -> bool:
        """Whether the noise is on the model, until `detach`."""
        return bool(self._hooks)

    @property
    def step(self) -> int | None:
        """The number of the optimizer step, which noise by sequence depends on."""
        return self.draws.step

    @step.setter
    def step(self, step: int) -> None:
        self.draws.step = whole(step, "step")

    @property
    def passes(self) -> int:
        """How many readings of embeddings got noise so far."""
        return self.draws.passes

    @property
    def strength(self) -> float:
        """What alpha is multiplied by, 1 at first; a schedule changes it during a training."""
        return self.draws.strength

    @strength.setter
    def strength(self, strength: float) -> None:
        self.draws.strength = not_negative(strength, "strength")

    def first_pass(self) -> FirstPass | None:
        """What the first reading with noise was like; None before it. Waits for the device."""
        first, layer = self.draws.first, self._place.embeddings[0]
        if first is None:
            return None
        factor = float(torch.as_tensor(embed_scale(layer)))
        return summarized(first, self.noise, factor, self._sizes[layer], self._read_size)

    def detach(self) -> None:
        """Remove all hooks from the model; calling it again has no effect."""
        if self._hooks:
            for hook in self._hooks:
                hook.remove()
            self._hooks.clear()
            for embedding in self._place.embeddings:
                _attached.pop(embedding, None)
            forget_compiled(self._model, self._hooked())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Add no noise within the block, in training passes neither."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @contextmanager
    def opposite(self) -> Iterator[None]:
        """Give passes within the block the noise of the last pass over the same batch, negated.

        SymNoise (Yadav and Singh, 2023) trains on both, with noise of -1 and 1:

            with attach(model, Noise(5, "bernoulli")) as attachment:
                loss = model(**batch).loss
                with attachment.opposite():
                    loss = (loss + model(**batch).loss) / 2

        Each pass's noise is negated once. A model whose whole pass is checkpointed needs a backward
        pass after each of the two.
        """
        before, self._opposite = self._opposite, True
        try:
            yield
        finally:
            self._opposite = before

    def __enter__(self) -> Attachment:
        if not self.attached:
            raise RuntimeError("this noise was detached from its model: call attach() again")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach()
        if kind is None and self.noise.alpha > 0 and not self._begun:
            warnings.warn(
                "no training pass of the model was seen while noise was attached: it is in "
                "evaluation mode, another model was trained, or what calls it was compiled before "
                "attach(): attach to the compiled model, or call torch.compiler.reset() first",
                stacklevel=2,
            )

    @property
    def _open(self) -> list[Call]:
        """The calls in progress in this thread; a compiler follows those of the attaching one."""
        return self._traced if torch.compiler.is_compiling() else self._calls.open

    def _before(
        self,
        names: tuple[str, ...],
        owner: bool,
        decoder: bool,
        outermost: bool,
        module: nn.Module,
        args: Any,
        kwargs: dict[str, Any],
    ) -> Any:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        training = self._place.model.training and torch.is_grad_enabled() and self.noise.alpha > 0
        paused = self._paused and not computed_again()
        active = training and not paused
        # An interrupted pass has left its calls behind: torch tells hooks of no KeyboardInterrupt.
        for place, each in enumerate(self._open):
            if each.module is module or outermost:
                del self._open[place:]
                break
        self._open.append(Call(module, active, "decoder_input_ids" in names, decoder, given))
        embeds = given.get("inputs_embeds")
        if training and paused and owner:
            self._remember_clean(given.get("input_ids") if embeds is None else embeds)
        if not active or embeds is None or not owner or self._done():
            return None
        if any(each.given.get("pixel_values") is not None for each in self._open):
            raise ValueError(
                "images and inputs_embeds in one call: which vectors are of text cannot be told; "
                "pass input_ids, or inputs_embeds without noise within attachment.paused()"
            )
        layer = self._place.embeddings[0]
        noisy = self._noisy(embeds, embeds, layer)
        return tuple(noisy if value is embeds else value for value in args), {
            name: noisy if value is embeds else value for name, value in kwargs.items()
        }

    def _looked_up(
        self, embedding: nn.Module, module: nn.Module, args: Any, output: Tensor
    ) -> Tensor:
        calls = self._open
        if not calls or not calls[-1].active:
            return output
        given = calls[-1].given
        ids, embeds = given.get("input_ids"), given.get("inputs_embeds")
        tokens = ids if isinstance(ids, Tensor) else embeds
        if not isinstance(tokens, Tensor) or output.shape[:2] != tokens.shape[:2]:
            return output
        return self._noisy(output, tokens, embedding)

    def _check(self, owner: bool, module: nn.Module, args: Any, output: Any) -> None:
        """Called after the module's call, if it ended well."""
        if owner and self._open[-1].active and not self._done():
            raise RuntimeError(
                f"{type(module).__name__} made a training pass in which the embeddings of its "
                "tokens were not read, so it got no noise: give it input_ids or inputs_embeds; "
                "where its embedding layer was replaced after attach(), attach again; or put a "
                "pass that is to be clean into attachment.paused()"
            )

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        """Called after the module's call, also where it raised an error."""
        if self._open and self._open[-1].module is module:
            self._open.pop()

    def _remember_clean(self, tokens: Any) -> None:
        if isinstance(tokens, Tensor) and not torch.compiler.is_compiling():
            self.draws.clean(tokens)

    def _done(self) -> bool:
        return any(call.done for call in self._open)

    def _noisy(self, embeddings: Tensor, tokens: Tensor, layer: nn.Module) -> Tensor:
        """Embeddings with noise.

        Args:
            embeddings: (B, T, d).
            tokens: what the innermost call got: ids or vectors.
            layer: of the embeddings.
        """
        if hasattr(layer, "neftune_noise_alpha"):
            raise RuntimeError(
                "this model gets noise twice, from neftune and from a trainer's own "
                "neftune_noise_alpha: unset that"
            )
        self._open[-1].done = self._begun = True
        factor, size = embed_scale(layer), self._sizes[layer]
        shape, d = embeddings.shape[:2], embeddings.shape[-1]
        sequences, real = (
            each.to(embeddings.device) for each in numbered(shape, sequences_of(self._open, shape))
        )
        lengths = lengths_of(sequences, real)
        chosen = None
        if self.noise.tokens != "all":
            labelled = self._place.decoder is None or self._open[-1].decoder
            chosen = tokens_of(self._open, self.noise.tokens, lengths, labelled)
        if torch.compiler.is_compiling():
            factor = torch.as_tensor(factor, device=embeddings.device)
            drawn = drawn_in_a_graph(
                self._number,
                self.draws.ticket,
                tokens.detach(),
                sequences,
                lengths,
                d,
                embeddings.dtype,
                factor,
                size,
                self._opposite,
                chosen,
            )
        else:
            wanted = Wanted(self.noise, d, embeddings.dtype, factor, size, self._opposite)
            drawn = self.draws(wanted, tokens, sequences, lengths, chosen)
            if self._read_size is None:
                self._read_size = _root_mean_square(embeddings.detach(), lengths)
        return embeddings + drawn


def _root_mean_square(embeddings: Tensor, lengths: Tensor) -> Tensor:
    """Of the entries of real tokens' embeddings; on the device, which is not waited for."""
    real = lengths.gt(0)
    wide = torch.promote_types(embeddings.dtype, torch.float32)
    norms = torch.linalg.vector_norm(embeddings, dim=-1, dtype=wide)
    squares = (norms.square() * real).sum() / (real.sum() * embeddings.shape[-1])
    return squares.sqrt()


def attach(
    model: nn.Module,
    noise: Noise | float,
    *,
    seed: int = 0,
    by_sequence: bool = False,
    step: int | None = None,
) -> Attachment:
    """Add noise to a model's input embeddings until the attachment is detached.

    The noise is drawn from its own generator on each device, seeded by `seed` and the rank of the
    process. The global generators, and with them data order and dropout, are therefore the same
    with and without noise.

    Args:
        model: a transformers model, bare or inside DDP, PEFT or torch.compile.
        noise: the noise to add, or its alpha; with alpha 0 the results are bit-identical to not
            attaching.
        seed: of the noise's own generator.
        by_sequence: seed the noise of each sequence by `seed`, the attachment's `step` and the
            sequence's own tokens, instead of drawing all noise from one stream. The noise then does
            not depend on how a batch is split over processes, forward passes and rows, and a
            resumed training draws the same noise; drawn from one stream, it begins a stream anew.
            One stream is faster for short sequences.
        step: the number of the first optimizer step, for noise by sequence; set the attachment's
            `step` before each further one.

    Returns:
        The attachment, which is also a context manager.

    Raises:
        TypeError: `model` holds no transformers model, or one without token embeddings; or the seed
            or the step is no integer.
        ValueError: `by_sequence` with the length rule `padded`, which depends on the batch; or, in
            a forward pass, the sequences cannot be told apart, noise on prompts or responses alone
            has no labels, or `step` was not set.
        RuntimeError: the model has noise already, from this function or from the Trainer's own
            `neftune_noise_alpha`; or, in a training pass, no embeddings were read.

    Source:
        Algorithm 1 of Jain et al., ICLR 2024.
    """
    wanted, seed = noise_of(noise), whole(seed, "seed")
    step = None if step is None else whole(step, "step")
    if by_sequence and wanted.length_rule == "padded":
        raise ValueError("length_rule='padded' depends on the batch: use by_sequence=False")
    attachment = Attachment(model, wanted, seed, by_sequence)
    attachment.draws.step = step
    return attachment


def detach(model: nn.Module) -> None:
    """Remove whatever noise `attach` or `NEFTune` has left on a model; without any, do nothing.

    Args:
        model: as of `attach`.
    """
    for attachment in attachments_of(model):
        attachment.detach()


def attachments_of(model: nn.Module) -> list[Attachment]:
    """What is attached to a model.

    Args:
        model: as of `attach`.
    """
    found = (_attached.get(embedding) for embedding in find(model).embeddings)
    attached = (each() for each in found if each is not None)
    return [each for each in dict.fromkeys(attached) if each is not None]


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
    d, factor, size = embedding.weight.shape[1], embed_scale(embedding), _size(embedding, noise)
    return sample(noise, d, lengths, generator, factor=factor, size=size)


def _size(embedding: nn.Module, noise: Noise) -> float:
    """The size of a layer's entries, where the noise is a share of it."""
    return size_of(embedding) if noise.length_rule == "relative" else 1.0
