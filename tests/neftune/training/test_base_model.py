"""Loading: a padding token without new tokens, embeddings for all tokens, and what is trained."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from neftune.training.base_model import fit_vocabulary, load_model_and_tokenizer, load_tokenizer
from neftune.training.recipe import Recipe
from tests.neftune.models import tiny_llama
from tests.paths import BASE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_llama(tmp_path / "llama", ["a few words of text"])


def test_a_missing_padding_token_is_the_end_token_and_no_weight_changes(folder: Path) -> None:
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit_vocabulary(model, tokenizer)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == model.config.pad_token_id
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_added_tokens_get_the_mean_of_the_embeddings(folder: Path) -> None:
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    old = model.get_input_embeddings().weight.detach().clone()
    tokenizer.add_tokens(["<extra>"])
    fit_vocabulary(model, tokenizer)
    new = model.get_input_embeddings().weight.detach()
    assert model.get_output_embeddings().weight.shape[0] == len(new) == len(old) + 1
    assert torch.equal(new[:-1], old)
    # drawn around the mean, much closer to it than embeddings are
    assert (new[-1] - old.mean(0)).norm() < 0.5 * (old - old.mean(0)).norm(dim=1).mean()


def test_a_tokenizer_without_either_token_is_refused(folder: Path) -> None:
    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="neither a padding nor an end-of-sequence token"):
        fit_vocabulary(model, tokenizer)


@pytest.mark.parametrize(
    ("pad", "says"),
    ((None, "neither a padding nor an end-of-sequence token"), ("<s>", "no end-of-sequence token")),
)
def test_loading_a_tokenizer_that_cannot_end_a_response_names_it(
    folder: Path, pad: str | None, says: str
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.eos_token, tokenizer.pad_token = None, pad
    tokenizer.save_pretrained(folder)
    with pytest.raises(ValueError, match=f"llama has {says}"):
        load_tokenizer(folder)


def test_full_fine_tuning_loads_float32_and_qlora_an_adapter(folder: Path) -> None:
    pytest.importorskip("bitsandbytes")
    model, tokenizer = load_model_and_tokenizer(folder, Recipe(), seed=0, attention="eager")
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert all(value.requires_grad for value in model.parameters())
    assert model.config._attn_implementation == "eager"
    assert tokenizer.pad_token_id == model.config.pad_token_id == tokenizer.eos_token_id

    recipe = Recipe(adapter="qlora", adapter_rank=4, adapter_dropout=0.5)
    model, tokenizer = load_model_and_tokenizer(BASE, recipe, seed=0)
    assert model.peft_config["default"].r == 4
    assert model.peft_config["default"].lora_dropout == 0.5
    trained = [name for name, value in model.named_parameters() if value.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
