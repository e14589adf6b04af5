"""Situations of passes: what is called how, in which mode, and on which copy of the model."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

import torch
from torch import Tensor, nn

from neftune.conformance import models
from neftune.conformance.libraries import Library
from neftune.conformance.measuring import (
    ALPHA,
    SHORT,
    Situation,
    drawn_ids,
    first_layer,
    inputs_of,
    into,
    measured,
    padded,
    weights,
)

SITUATIONS: dict[str, Situation] = {}
situation = into(SITUATIONS)


@situation("the decoder without its head", "as fused and chunked losses call it")
def _(library: Library) -> float:
    batch = padded()
    return measured(library, models.llama().train(), lambda m: m.get_decoder()(**batch))


@situation("vectors of the caller", "inputs_embeds in place of input_ids")
def _(library: Library) -> float:
    batch, model = padded(), models.llama().train()
    vectors = weights(model)[batch["input_ids"]]
    return measured(
        library,
        model,
        lambda m: m(inputs_embeds=vectors, attention_mask=batch["attention_mask"]),
    )


@situation("compiled before", "torch.compile, and a pass before the noise is switched on")
def _(library: Library) -> float:
    batch, inner = padded(), models.llama().train()
    compiled: Any = torch.compile(inner, backend="eager")
    kept: list[Tensor] = []
    hook = inputs_of(inner.lm_head, kept)
    compiled(**batch, use_cache=False)
    with library.on(compiled, ALPHA):
        compiled(**batch, use_cache=False)
    hook.remove()
    # What arrives at the head differs if there was noise; how large it was is not told from that.
    return float(not torch.equal(*kept))


@situation(
    "the whole model checkpointed", "the same noise when the backward pass computes it again"
)
def _(library: Library) -> float:
    from torch.utils.checkpoint import checkpoint

    batch, model = padded(), models.llama().train()
    kept: list[Tensor] = []
    hook = inputs_of(first_layer(model), kept)
    with library.on(model, ALPHA):

        def forward(ids: Tensor, mask: Tensor) -> Tensor:
            found: Tensor = model(input_ids=ids, attention_mask=mask).logits.sum()
            return found

        loss = checkpoint(forward, *batch.values(), use_reentrant=False)
        assert isinstance(loss, Tensor)
        loss.backward()  # type: ignore[no-untyped-call]
    hook.remove()
    return float(torch.equal(*kept))


@situation("layers checkpointed", "gradient_checkpointing_enable and enable_input_require_grads")
def _(library: Library) -> float:
    batch, model = padded(), models.llama().train()
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()

    def call(model: Any) -> None:
        model(**batch).logits.sum().backward()

    return measured(library, model, call)


@situation("evaluation", "a model in evaluation mode", right=0)
def _(library: Library) -> float:
    batch = padded()
    return measured(library, models.llama().eval(), lambda m: m(**batch))


@situation("a pass without gradients", "training mode; DPO's reference, GRPO's scores", right=0)
def _(library: Library) -> float:
    batch = padded()

    def call(model: nn.Module) -> None:
        with torch.no_grad():
            model(**batch)

    return measured(library, models.llama().train(), call)


@situation("generation in training mode", "model.generate, as in rollouts", right=0)
def _(library: Library) -> float:
    ids = drawn_ids(1, SHORT)

    def call(model: Any) -> None:
        model.generate(ids, max_new_tokens=1, do_sample=False, pad_token_id=0)

    return measured(library, models.llama().train(), call, slice(None))


@situation("a copy of the model", "deepcopy with the noise on, after it is off again", right=0)
def _(library: Library) -> float:
    model = models.llama().train()
    with library.on(model, ALPHA):
        model(**padded())
        other = copy.deepcopy(model)
    return _differs(other)


@situation("a model that was saved", "save_pretrained with the noise on, loaded again", right=0)
def _(library: Library) -> float:
    model = models.llama().train()
    with tempfile.TemporaryDirectory() as folder:
        with library.on(model, ALPHA):
            model(**padded())
            model.save_pretrained(folder)
        other = type(model).from_pretrained(folder).train()
    return _differs(other)


def _differs(model: Any) -> float:
    """1 if two passes of a model without noise of its own differ, else 0."""
    batch, kept = padded(), list[Tensor]()
    hook = inputs_of(first_layer(model), kept)
    for _ in range(2):
        model(**batch)
    hook.remove()
    return float(not torch.equal(*kept))
