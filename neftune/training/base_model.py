"""Load a base model and its tokenizer for fine-tuning.

    recipe = Recipe()
    model, tokenizer = load_model_and_tokenizer("meta-llama/Llama-2-7b-hf", recipe, seed=0)

After loading, the tokenizer has a padding token, and the model has an embedding for every token of
the tokenizer. LLaMA-2, for example, has no padding token of its own.

A model is refused, with one line that names it, if its weights are not exactly those that its
configuration asks for, or are not finite numbers: otherwise random or broken weights would be
trained. No code of a model is run, and no pickle is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from huggingface_hub import logging as hub_logging
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)
from transformers.utils import logging

from neftune.training.foreign_messages import hide
from neftune.training.model_folder import CONTENT, ModelFolderError, check_model_folder
from neftune.training.recipe import Recipe
from neftune.training.weights import ONE_PLACE, load_weights

if TYPE_CHECKING:
    from peft import PeftModel

# What it says of added tokens is said at `fit_vocabulary`.
hide("transformers.modeling_utils", "The new embeddings will be initialized from")
hide("transformers.modeling_utils", "The new lm_head weights will be initialized from")

LONGEST_REASON = 200
"""Characters of another package's error message that are repeated."""


def load_tokenizer(source: Path | str) -> PreTrainedTokenizerBase:
    """Load a tokenizer that can pad batches and end responses.

    Args:
        source: a checkpoint folder, or the name of a model on the Hugging Face hub.

    Returns:
        The tokenizer; its padding token is its end-of-sequence token if it had none.

    Raises:
        ValueError: the tokenizer cannot be read, or has no end-of-sequence token.
    """
    if not Path(source).exists() or (Path(source) / "config.json").exists():
        with _loading(source, "config.json"):
            AutoConfig.from_pretrained(source, trust_remote_code=False)
    with _loading(source, "tokenizer"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source, trust_remote_code=False
        )
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
        seed: of weights that are drawn: an adapter's, and embeddings of added tokens.
        attention: transformers' attention implementation; by default its own choice.

    Returns:
        The model and the tokenizer, fitted to each other by `fit_vocabulary`.

    Raises:
        ValueError: the model or its tokenizer cannot be loaded, its weights are not those of its
            configuration, or the tokenizer has no end-of-sequence token.
    """
    stored = check_model_folder(Path(source)) if Path(source).exists() else None
    tokenizer = load_tokenizer(source)
    if stored is not None:
        _check_size(Path(source), stored)
    model: PreTrainedModel | PeftModel
    if recipe.adapter == "qlora":
        from neftune.training import qlora

        with _loading(source, "model"):
            model = qlora.load(
                source,
                seed=seed,
                rank=recipe.adapter_rank,
                dropout=recipe.adapter_dropout,
                attention=attention,
            )
    else:
        with _loading(source, "model"):
            model = load_weights(source, dtype=torch.float32, attn_implementation=attention)
    _check_finite(model, source)
    set_seed(seed)
    fit_vocabulary(model, tokenizer)
    return model, tokenizer


@contextmanager
def _loading(source: Path | str, what: str) -> Iterator[None]:
    """Turn any error of loading into one line; transformers' own warnings and bars are not shown.

    Raises:
        ModelFolderError: names the source.
    """
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    of_hub = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.ERROR)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, ModelFolderError):
        raise
    except BaseException as error:  # A panic of the tokenizers package is not an Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        text = " ".join(f"{error}".split())
        if "ignore_mismatched_sizes" in text:
            raise ModelFolderError(
                f"{source}: weights have another shape than config.json says: {ONE_PLACE}"
            ) from None
        reason = f"{type(error).__name__}: {text[:LONGEST_REASON]}"
        if Path(source).exists():
            raise ModelFolderError(
                f"{source}: its {what} cannot be loaded ({reason}); {CONTENT}"
            ) from None
        raise ModelFolderError(
            f"{source}: neither a folder here nor a model of the hub that can be reached "
            f"({reason}); give a folder, or check the name and the network"
        ) from None
    finally:
        logging.set_verbosity(verbosity)
        hub_logging.set_verbosity(of_hub)
        if bar:
            logging.enable_progress_bar()


def _check_size(folder: Path, stored: int) -> None:
    """Refuse a configuration that asks for more weights than there are, before they are made.

    Args:
        folder: of the model.
        stored: the number of values in its weights.
    """
    with _loading(folder, "model"), torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if getattr(config, "quantization_config", None):
            return  # Quantized weights are packed, so there are fewer values.
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    asked = sum(value.numel() for value in model.parameters())
    if asked > stored:
        raise ModelFolderError(
            f"{folder}: {asked - stored} of {asked} weights are missing, and would be random: "
            f"{ONE_PLACE}"
        )


def _check_finite(model: PreTrainedModel | PeftModel, source: Path | str) -> None:
    for name, value in model.named_parameters():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelFolderError(
                f"{source}: the weight {name} holds NaN or infinity; its file is damaged, or is of "
                "a training that diverged: take another copy"
            )


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
