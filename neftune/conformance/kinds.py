"""Situations of models: what scales its embeddings, has two stacks, sees pictures, or is PEFT's."""

from __future__ import annotations

import math
import tempfile

import torch

from neftune.conformance import models
from neftune.conformance.libraries import Library
from neftune.conformance.measuring import (
    SHORT,
    SHORT_ONE,
    Situation,
    drawn_ids,
    first_layer,
    into,
    measured,
    padded,
    weights,
)
from neftune.conformance.models import IMAGE, D

VIRTUAL = 4
"""Learnt vectors before the tokens."""
SITUATIONS: dict[str, Situation] = {}
situation = into(SITUATIONS)


@situation("embeddings scaled inside their layer", "Gemma 3: times sqrt(d)")
def _(library: Library) -> float:
    batch = padded()
    return measured(
        library,
        models.gemma3().train(),
        lambda m: m(**batch),
        factor=math.sqrt(D),
    )


@situation("embeddings scaled after their layer", "Granite: times 12")
def _(library: Library) -> float:
    batch = padded()
    return measured(library, models.granite().train(), lambda m: m(**batch), factor=12)


def _bart(library: Library, decoder: bool) -> float:
    batch, model = padded(), models.bart().train()
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


@situation("an encoder", "BART's, times sqrt(d), a short sequence in a padded batch")
def _(library: Library) -> float:
    return _bart(library, decoder=False)


@situation("a decoder beside an encoder", "BART's, whose padding the labels alone tell")
def _(library: Library) -> float:
    return _bart(library, decoder=True)


def _with_picture(library: Library, tokens: slice) -> float:
    ids = drawn_ids(1, SHORT)
    ids[:, 2:6] = IMAGE
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": torch.ones(1, 3, 8, 8),
    }
    return measured(library, models.llava().train(), lambda m: m(**batch), tokens)


@situation("the text beside a picture", "LLaVA")
def _(library: Library) -> float:
    return _with_picture(library, slice(6, None))


@situation("the picture", "LLaVA", right=0)
def _(library: Library) -> float:
    return _with_picture(library, slice(2, 6))


@situation("a model with LoRA", "PEFT, noise switched on for the PEFT model", needs=("peft",))
def _(library: Library) -> float:
    from peft import LoraConfig, get_peft_model

    batch, inner = padded(), models.llama()
    model = get_peft_model(inner, LoraConfig(target_modules=["q_proj"])).train()
    return measured(
        library,
        model,
        lambda m: m(**batch),
        layer=first_layer(inner),
    )


@situation("bfloat16", "a model in bfloat16")
def _(library: Library) -> float:
    batch = padded()
    model = models.llama().to(torch.bfloat16).train()
    # Embeddings of 0 round nothing away.
    weights(model).zero_()
    return measured(library, model, lambda m: m(**batch))


@situation(
    "a quantized model with LoRA", "bitsandbytes in 4 bits, PEFT", needs=("peft", "bitsandbytes")
)
def _(library: Library) -> float:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    batch = padded()
    with tempfile.TemporaryDirectory() as folder:
        models.llama().save_pretrained(folder)
        inner = AutoModelForCausalLM.from_pretrained(
            folder, quantization_config=BitsAndBytesConfig(load_in_4bit=True)
        )
    model = get_peft_model(inner, LoraConfig(target_modules=["q_proj"])).train()
    return measured(library, model, lambda m: m(**batch), layer=first_layer(inner))


def _with_learnt_vectors(library: Library, kind: str, tokens: slice) -> float:
    import peft

    batch, inner = padded(), models.llama()
    config = getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=VIRTUAL)
    model = peft.get_peft_model(inner, config).train()
    return measured(library, model, lambda m: m(**batch), tokens, layer=first_layer(inner))


@situation("text after learnt vectors", "PEFT's prompt tuning", needs=("peft",))
def _(library: Library) -> float:
    tokens = slice(VIRTUAL, VIRTUAL + SHORT)
    return _with_learnt_vectors(library, "PromptTuningConfig", tokens)


@situation("learnt vectors before text", "PEFT's prompt tuning", right=0, needs=("peft",))
def _(library: Library) -> float:
    return _with_learnt_vectors(library, "PromptTuningConfig", slice(0, VIRTUAL))


@situation("text after a learnt cache", "PEFT's prefix tuning", needs=("peft",))
def _(library: Library) -> float:
    return _with_learnt_vectors(library, "PrefixTuningConfig", SHORT_ONE)
