"""Make a tokenizer and a model fit each other: a padding token, and an embedding for every token.

fit(model, tokenizer)                                # before encoding and fine-tuning
"""

from __future__ import annotations

from transformers import PreTrainedModel, PreTrainedTokenizerBase


def fit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the tokenizer a padding token, and the model as many embeddings as there are tokens.

    A tokenizer without a padding token pads with its end-of-sequence token: masks and labels tell
    padding from text here, never its token id, so no token has to be added and no weight changes.
    Where a tokenizer has more tokens than the model has embeddings, the model gets the missing ones
    (and output rows, also where these are untied), as the mean of those that are there.

    Args:
        model: changed in place where it has too few embeddings.
        tokenizer: changed in place where it has no padding token.

    Raises:
        ValueError: the tokenizer has neither a padding nor an end-of-sequence token.
    """
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise ValueError("this tokenizer has neither a padding nor an end-of-sequence token")
        tokenizer.pad_token = tokenizer.eos_token
    if model.get_input_embeddings().weight.shape[0] < len(tokenizer):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    model.config.pad_token_id = tokenizer.pad_token_id
