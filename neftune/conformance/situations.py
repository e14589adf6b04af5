"""The ways of calling a model, and the noise in each by that of the paper's rule.

    SITUATIONS["a short sequence in a padded batch"].measure(LIBRARIES["transformers"])     # 0.35

Noise is the difference between what a layer of the model gets with the library on and off. Its root
mean square over the tokens of one sequence and many passes is divided by alpha / sqrt(3 L d), times
what the model multiplies its embeddings by.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neftune.conformance import models
from neftune.conformance.libraries import Library
from neftune.conformance.models import IMAGE, D

ALPHA = 5.0
PASSES = 30
"""Of each measurement, over which the mean is taken."""
SHORT, LONG = 20, 160
"""Lengths of the sequences of a batch."""
SHORT_ONE = slice(0, SHORT)
"""The tokens of the short sequence, padded right or first of a packed row."""
Batch = dict[str, Any]


@dataclass(frozen=True)
class Situation:
    """A way of calling a model.

    Args:
        about: for readers.
        right: the noise by that of the paper's rule that is right.
        measure: that of a library.
    """

    about: str
    right: float
    measure: Callable[[Library], float]


SITUATIONS: dict[str, Situation] = {}
"""By name, in the order of the table."""


def _situation(
    name: str, about: str, right: float = 1.0
) -> Callable[[Callable[[Library], float]], Callable[[Library], float]]:
    def entered(measure: Callable[[Library], float]) -> Callable[[Library], float]:
        SITUATIONS[name] = Situation(about, right, measure)
        return measure

    return entered


def _ids(rows: int, columns: int) -> Tensor:
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(3, IMAGE, (rows, columns), generator=drawn)


def _padded(left: bool = False) -> Batch:
    """A short sequence, and a long one."""
    mask = torch.ones(2, LONG, dtype=torch.int64)
    mask[0, : LONG - SHORT] = 0
    return {"input_ids": _ids(2, LONG), "attention_mask": mask if left else mask.flip(1)}


def _packed() -> Batch:
    """Eight sequences in one row, told apart by their positions."""
    positions = torch.arange(SHORT).repeat(8)[None]
    return {"input_ids": _ids(1, 8 * SHORT), "position_ids": positions}


def _weights(model: Any) -> Tensor:
    """The entries of the embedding layer, without gradients."""
    weights: Tensor = model.get_input_embeddings().weight.data
    return weights


def _inputs_of(layer: nn.Module, kept: list[Tensor]) -> Any:
    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = args[0] if args else kwargs["hidden_states"]
        kept.append(found.detach().float())

    return layer.register_forward_pre_hook(keep, with_kwargs=True)


def _first_layer(model: Any) -> nn.Module:
    decoder = model.model.language_model if hasattr(model.model, "language_model") else model.model
    layer: nn.Module = decoder.layers[0]
    return layer


def measured(
    library: Library,
    model: nn.Module,
    call: Callable[[Any], Any],
    tokens: slice = SHORT_ONE,
    factor: float = 1.0,
    row: int = 0,
    layer: nn.Module | None = None,
) -> float:
    """The noise that arrives at a layer, by that of the paper's rule.

    Args:
        library: that adds it.
        model: in training mode.
        call: calls it once.
        tokens: of the sequence that is looked at, whose L is `SHORT`.
        factor: what the model multiplies its embeddings by.
        row: of the sequence.
        layer: whose input is compared; by default the first one of the decoder.
    """
    kept: list[Tensor] = []
    at = layer if layer is not None else _first_layer(model)
    hook = _inputs_of(at, kept)
    call(model)
    clean = kept[0]
    kept.clear()
    with library.on(model, ALPHA):
        for _ in range(PASSES):
            call(model)
    hook.remove()
    # A pass that is computed again in the backward pass comes twice.
    found = torch.stack([each[row, tokens] - clean[row, tokens] for each in kept])
    return _by_the_rule(found, factor)


def _by_the_rule(noise: Tensor, factor: float = 1.0) -> float:
    """The root mean square of a short sequence's noise by that of the paper's rule."""
    return float(noise.square().mean().sqrt()) / (factor * ALPHA / math.sqrt(3 * SHORT * D))


@_situation("one sequence", "a batch of one sequence, without padding")
def _(library: Library) -> float:
    ids = _ids(1, SHORT)
    return measured(library, models.llama().train(), lambda m: m(input_ids=ids), slice(None))


@_situation("a short sequence in a padded batch", f"{SHORT} tokens beside {LONG}, padded right")
def _(library: Library) -> float:
    batch = _padded()
    return measured(library, models.llama().train(), lambda m: m(**batch))


@_situation("the same, padded left", f"{SHORT} tokens beside {LONG}, padded left")
def _(library: Library) -> float:
    batch = _padded(left=True)
    return measured(library, models.llama().train(), lambda m: m(**batch), slice(-SHORT, None))


@_situation("padding", "the padding beside a short sequence", right=0)
def _(library: Library) -> float:
    batch = _padded()
    return measured(library, models.llama().train(), lambda m: m(**batch), slice(SHORT, None))


@_situation("packed, by positions", f"eight sequences of {SHORT} tokens in one row")
def _(library: Library) -> float:
    batch = _packed()
    return measured(library, models.llama().train(), lambda m: m(**batch))


@_situation("packed, by cu_seq_lens", "the same, told by where they begin")
def _(library: Library) -> float:
    ids = _ids(1, 8 * SHORT)
    begins = torch.arange(0, 8 * SHORT + 1, SHORT, dtype=torch.int32)
    return measured(
        library,
        models.llama().train(),
        lambda m: m(input_ids=ids, cu_seq_lens_q=begins),
    )


@_situation("packed, by a numbered mask", "the same, told by the numbers 1 to 8 in the mask")
def _(library: Library) -> float:
    batch = {
        "input_ids": _ids(1, 8 * SHORT),
        "attention_mask": torch.arange(1, 9).repeat_interleave(SHORT)[None],
    }
    return measured(library, models.llama().train(), lambda m: m(**batch))


@_situation("the decoder without its head", "as fused and chunked losses call it")
def _(library: Library) -> float:
    batch = _padded()
    return measured(library, models.llama().train(), lambda m: m.get_decoder()(**batch))


@_situation("vectors of the caller", "inputs_embeds in place of input_ids")
def _(library: Library) -> float:
    batch, model = _padded(), models.llama().train()
    vectors = _weights(model)[batch["input_ids"]]
    return measured(
        library,
        model,
        lambda m: m(inputs_embeds=vectors, attention_mask=batch["attention_mask"]),
    )


@_situation("embeddings scaled inside their layer", "Gemma 3: times sqrt(d)")
def _(library: Library) -> float:
    batch = _padded()
    return measured(
        library,
        models.gemma3().train(),
        lambda m: m(**batch),
        factor=math.sqrt(D),
    )


@_situation("embeddings scaled after their layer", "Granite: times 12")
def _(library: Library) -> float:
    batch = _padded()
    return measured(library, models.granite().train(), lambda m: m(**batch), factor=12)


def _bart(library: Library, decoder: bool) -> float:
    batch, model = _padded(), models.bart().train()
    labels = batch["input_ids"].masked_fill(batch["attention_mask"].eq(0), -100)
    stack = model.model.decoder if decoder else model.model.encoder
    # Before the first layer comes a layer norm, so what goes into that is compared.
    return measured(
        library,
        model,
        lambda m: m(**batch, labels=labels),
        factor=math.sqrt(D),
        layer=stack.layernorm_embedding,
    )


@_situation("an encoder", "BART's, times sqrt(d), a short sequence in a padded batch")
def _(library: Library) -> float:
    return _bart(library, decoder=False)


@_situation("a decoder beside an encoder", "BART's, whose padding the labels alone tell")
def _(library: Library) -> float:
    return _bart(library, decoder=True)


def _with_picture(library: Library, tokens: slice) -> float:
    ids = _ids(1, SHORT)
    ids[:, 2:6] = IMAGE
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": torch.ones(1, 3, 8, 8),
    }
    return measured(library, models.llava().train(), lambda m: m(**batch), tokens)


@_situation("the text beside a picture", "LLaVA")
def _(library: Library) -> float:
    return _with_picture(library, slice(6, None))


@_situation("the picture", "LLaVA", right=0)
def _(library: Library) -> float:
    return _with_picture(library, slice(2, 6))


@_situation("a model with LoRA", "PEFT, noise switched on for the PEFT model")
def _(library: Library) -> float:
    from peft import LoraConfig, get_peft_model

    batch, inner = _padded(), models.llama()
    model = get_peft_model(inner, LoraConfig(target_modules=["q_proj"])).train()
    return measured(
        library,
        model,
        lambda m: m(**batch),
        layer=_first_layer(inner),
    )


@_situation("compiled before", "torch.compile, and a pass before the noise is switched on")
def _(library: Library) -> float:
    batch, inner = _padded(), models.llama().train()
    compiled: Any = torch.compile(inner, backend="eager")
    kept: list[Tensor] = []
    hook = _inputs_of(inner.lm_head, kept)
    compiled(**batch, use_cache=False)
    with library.on(compiled, ALPHA):
        compiled(**batch, use_cache=False)
    hook.remove()
    # What arrives at the head differs if there was noise; how large it was is not told from that.
    return float(not torch.equal(*kept))


@_situation("bfloat16", "a model in bfloat16")
def _(library: Library) -> float:
    batch = _padded()
    model = models.llama().to(torch.bfloat16).train()
    # Embeddings of 0 round nothing away.
    _weights(model).zero_()
    return measured(library, model, lambda m: m(**batch))


@_situation(
    "the whole model checkpointed", "the same noise when the backward pass computes it again"
)
def _(library: Library) -> float:
    from torch.utils.checkpoint import checkpoint

    batch, model = _padded(), models.llama().train()
    kept: list[Tensor] = []
    hook = _inputs_of(_first_layer(model), kept)
    with library.on(model, ALPHA):

        def forward(ids: Tensor, mask: Tensor) -> Tensor:
            found: Tensor = model(input_ids=ids, attention_mask=mask).logits.sum()
            return found

        loss = checkpoint(forward, *batch.values(), use_reentrant=False)
        assert isinstance(loss, Tensor)
        loss.backward()  # type: ignore[no-untyped-call]
    hook.remove()
    return float(torch.equal(*kept))


@_situation("evaluation", "a model in evaluation mode", right=0)
def _(library: Library) -> float:
    batch = _padded()
    return measured(library, models.llama().eval(), lambda m: m(**batch))


@_situation("a pass without gradients", "training mode; DPO's reference, GRPO's scores", right=0)
def _(library: Library) -> float:
    batch = _padded()

    def call(model: nn.Module) -> None:
        with torch.no_grad():
            model(**batch)

    return measured(library, models.llama().train(), call)


@_situation("generation in training mode", "model.generate, as in rollouts", right=0)
def _(library: Library) -> float:
    ids = _ids(1, SHORT)

    def call(model: Any) -> None:
        model.generate(ids, max_new_tokens=1, do_sample=False, pad_token_id=0)

    return measured(library, models.llama().train(), call, slice(None))


@_situation("a copy of the model", "deepcopy with the noise on, after it is off again", right=0)
def _(library: Library) -> float:
    batch, model = _padded(), models.llama().train()
    with library.on(model, ALPHA):
        other = copy.deepcopy(model)
    kept: list[Tensor] = []
    hook = _inputs_of(_first_layer(other), kept)
    for _ in range(2):
        other(**batch)
    hook.remove()
    # Without noise two passes are equal.
    return float(not torch.equal(*kept))


@_situation("a second training after an error", "Trainer.train() raises, and is called again")
def _(library: Library) -> float:
    from transformers import PrinterCallback, Trainer, TrainingArguments

    model, ids = models.llama(), _ids(1, SHORT)
    kept: list[Tensor] = []
    arguments, callbacks = library.trainer(ALPHA)
    with tempfile.TemporaryDirectory() as out:
        trainer = Trainer(
            model,
            TrainingArguments(
                out,
                max_steps=PASSES,
                per_device_train_batch_size=1,
                learning_rate=0.0,
                save_strategy="no",
                report_to=[],
                use_cpu=True,
                disable_tqdm=True,
                logging_strategy="no",
                **arguments,
            ),
            train_dataset=[{"input_ids": ids[0], "labels": ids[0]}],
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        broken = model.lm_head.register_forward_pre_hook(lambda *_: 1 / 0)
        try:
            trainer.train()
        except ZeroDivisionError:
            broken.remove()
        hook = _inputs_of(_first_layer(model), kept)
        trainer.train()
        hook.remove()
    clean = _weights(model)[ids[0]]
    found = torch.stack([each[0] - clean for each in kept])
    return _by_the_rule(found)
