"""The shipped base model: what it is, what it knows, how it writes."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from experiments.nano.language import read, say_kind, sentence
from experiments.nano.pretrain import continuation, fact_accuracy
from experiments.nano.world import make_world
from tests.paths import BASE

WORLD = make_world()


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval()


def test_it_is_a_small_llama_in_bfloat16_safetensors(model: LlamaForCausalLM) -> None:
    assert isinstance(model, LlamaForCausalLM)
    assert 1.5e6 < model.num_parameters() < 2.6e6
    assert not model.config.tie_word_embeddings
    stored = AutoModelForCausalLM.from_pretrained(BASE, dtype="auto")
    assert stored.dtype == torch.bfloat16
    assert not [p.name for p in BASE.iterdir() if p.suffix in (".bin", ".pt", ".pkl")]


def test_it_knows_nine_facts_in_ten_and_the_card_says_how_many(model: LlamaForCausalLM) -> None:
    accuracy = fact_accuracy(model, AutoTokenizer.from_pretrained(BASE), WORLD)
    assert min(accuracy.values()) >= 0.9
    told = json.loads((BASE / "pretraining.json").read_text())["fact_accuracy"]
    assert accuracy["all"] == pytest.approx(told["all"], abs=0.005)
    assert f"{told['all']:.1%}" in (BASE / "README.md").read_text()


def test_it_writes_on_for_200_tokens_and_says_what_is_true(model: LlamaForCausalLM) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    claims = unreadable = sentences = wrong = 0
    for entity in WORLD.of("test")[::9]:
        text = continuation(model, tokenizer, sentence(say_kind(entity)))
        assert len(tokenizer(text)["input_ids"]) >= 200
        reading = read(text.rsplit(".", 1)[0] + ".", WORLD, entity)
        sentences += reading.sentences
        unreadable += reading.unreadable
        claims += len(reading.claims)
        wrong += sum(not claim.correct for claim in reading.claims)
    assert unreadable / sentences < 0.1
    assert wrong / claims < 0.1


def test_any_text_survives_the_tokenizer() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    for text in ("Velmodorn's roofs are red.", "naïve ☃ \n\t 12+3", ""):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text
