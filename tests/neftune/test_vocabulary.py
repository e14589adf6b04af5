"""Tokenizer and model fit each other: padding without new tokens, embeddings for all."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from neftune.vocabulary import fit
from tests.experiments.hub_models import tiny_llama


def test_a_missing_padding_token_is_the_end_token_and_no_weight_changes(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "llama", ["a few words of text"])
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, tokenizer)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == model.config.pad_token_id
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_added_tokens_get_the_mean_of_the_embeddings(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "llama", ["a few words of text"])
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    old = model.get_input_embeddings().weight.detach().clone()
    tokenizer.add_tokens(["<extra>"])
    fit(model, tokenizer)
    new = model.get_input_embeddings().weight.detach()
    assert model.get_output_embeddings().weight.shape[0] == len(new) == len(old) + 1
    assert torch.equal(new[:-1], old)
    # drawn around the mean, much closer to it than embeddings are
    assert (new[-1] - old.mean(0)).norm() < 0.5 * (old - old.mean(0)).norm(dim=1).mean()


def test_a_tokenizer_without_either_token_is_told(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "llama", ["a few words of text"])
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="neither a padding nor an end-of-sequence token"):
        fit(model, tokenizer)
