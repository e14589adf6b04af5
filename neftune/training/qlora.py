"""QLoRA: a low-rank adapter trained on a base model of 4-bit weights (the paper's Table 3).

    model = load(base, seed=0)                           # NF4 weights and a trainable adapter
    finetune(model, tokenizer, examples, recipe, noise, …)
    merged(model).save_pretrained("tuned")               # an ordinary checkpoint

Dettmers et al. 2023 (arXiv 2305.14314): NormalFloat4 with double quantization through bitsandbytes,
and an adapter on every linear layer of the blocks through peft, scaled by 1/4 (16 / 64 in their
paper).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import BitsAndBytesConfig, PreTrainedModel, set_seed

from neftune.training import precision
from neftune.training.weights import load_weights

SCALING = 0.25


def load(
    base: Path | str,
    *,
    seed: int,
    rank: int = 64,
    dropout: float = 0.05,
    attention: str | None = None,
) -> PeftModel:
    """Load a base model with NF4 weights, and add a fresh adapter.

    Args:
        base: a checkpoint folder, or the name of a model on the Hugging Face hub.
        seed: of the adapter's initial weights.
        rank: of the adapter; 64 in the QLoRA paper.
        dropout: in the adapter; the QLoRA paper uses 0.1 for models up to 13B, and 0.05 above.
        attention: transformers' attention implementation; by default its own choice.

    Returns:
        The model; only its adapter is trainable.

    Raises:
        ModelFolderError: its weights are not those that its configuration asks for.
    """
    model = _quantized(base, attention)
    set_seed(seed)
    adapter = LoraConfig(
        r=rank,
        lora_alpha=round(SCALING * rank),
        lora_dropout=dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():  # peft reads a property that transformers has renamed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        return get_peft_model(model, adapter)


def _quantized(base: Path | str, attention: str | None) -> PreTrainedModel:
    model = load_weights(
        base,
        attn_implementation=attention,
        dtype=precision.for_training(),
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=precision.for_training(),
        ),
    )
    # On a CPU with bfloat16, a forward pass in evaluation would repack the weights for good. There
    # is no gradient through repacked weights, so a training would go on with wrong ones.
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return model


@torch.no_grad()
def merged(model: PeftModel) -> PreTrainedModel:
    """Merge a quantized base and its adapter into an ordinary float32 model.

    Args:
        model: from `load`; it is not changed.

    Returns:
        A model that computes the same as `model`, up to rounding.
    """
    base = model.peft_config["default"].base_model_name_or_path
    plain: Any = load_weights(base, dtype=torch.float32)
    for name, layer in model.get_base_model().named_modules():
        if isinstance(layer, LoraLayer):
            quantized = layer.get_base_layer().weight
            weight = dequantize_4bit(quantized.data, quantized.quant_state).float()
            target = plain.get_submodule(name).weight
            target.copy_(weight + layer.get_delta_weight("default").float())
    return plain
