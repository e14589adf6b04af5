"""Load a base model and its tokenizer for fine-tuning.

    recipe = Recipe()
    model, tokenizer = load_model_and_tokenizer("meta-llama/Llama-2-7b-hf", recipe, seed=0)

After loading, the tokenizer has a padding token, and the model has an embedding for every token of
the tokenizer. LLaMA-2, for example, has no padding token of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from neftune.training.recipe import Recipe

if TYPE_CHECKING:
    from peft import PeftModel


def load_tokenizer(source: Path | str) -> PreTrainedTokenizerBase:
    """Load a tokenizer that can pad batches and end responses.

    Args:
        source: a checkpoint folder, or the name of a model on the Hugging Face hub.

    Returns:
        The tokenizer; its padding token is its end-of-sequence token if it had none.

    Raises:
        ValueError: the tokenizer has no end-of-sequence token.
    """
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source)
    _set_padding_token(tokenizer, source)
    if tokenizer.eos_token_id is None:
        raise ValueError(
            f"the tokenizer of {source} has no end-of-sequence token, which every response of the "
            "training data must end with"
        )
    return tokenizer


def load_model_and_tokenizer(
    source: Path | str, recipe: Recipe, *, seed: int, attention: str | None = None
) -> tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]:
    """Load a model as its recipe trains it, and its tokenizer.

    Args:
        source: a checkpoint folder, or the name of a model on the Hugging Face hub.
        recipe: decides between full fine-tuning, which gets float32 weights, and QLoRA, which gets
            4-bit weights with a fresh adapter of the recipe's rank and dropout.
        seed: of the adapter's initial weights.
        attention: transformers' attention implementation; by default its own choice.

    Returns:
        The model and the tokenizer, fitted to each other by `fit_vocabulary`.

    Raises:
        ValueError: the tokenizer has no end-of-sequence token.
    """
    tokenizer = load_tokenizer(source)
    model: PreTrainedModel | PeftModel
    if recipe.adapter == "qlora":
        from neftune.training import qlora

        model = qlora.load(
            source,
            seed=seed,
            rank=recipe.adapter_rank,
            dropout=recipe.adapter_dropout,
            attention=attention,
        )
    else:
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=torch.float32, use_safetensors=True, attn_implementation=attention
        )
    fit_vocabulary(model, tokenizer)
    return model, tokenizer


def fit_vocabulary(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the tokenizer a padding token, and the model an embedding for every token.

    A tokenizer without a padding token pads with its end-of-sequence token. Attention masks and
    labels separate padding from text in this package, never the token id, so no token is added and
    no weight changes. If the tokenizer has more tokens than the model has embeddings, the missing
    input embeddings and output rows (also of untied ones) are added, drawn around the mean of the
    existing ones.

    Args:
        model: changed in place if it has too few embeddings.
        tokenizer: changed in place if it has no padding token.

    Raises:
        ValueError: the tokenizer has neither a padding nor an end-of-sequence token.
    """
    _set_padding_token(tokenizer, tokenizer.name_or_path)
    if model.get_input_embeddings().weight.shape[0] < len(tokenizer):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    model.config.pad_token_id = tokenizer.pad_token_id


def _set_padding_token(tokenizer: PreTrainedTokenizerBase, source: Path | str) -> None:
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise ValueError(
                f"the tokenizer of {source} has neither a padding nor an end-of-sequence token"
            )
        tokenizer.pad_token = tokenizer.eos_token
