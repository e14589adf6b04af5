"""The shipped base model: what it is, what it knows, how it writes."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaForCausalLM,
    get_cosine_schedule_with_warmup,
)

from analysis.embeddings import embedding_of, flips
from experiments.nano.conditions import LARGER
from experiments.nano.corpus import documents
from experiments.nano.language import say_kind, sentence
from experiments.nano.model_card import continuation, fact_accuracy, model_card
from experiments.nano.pretrain import cooled
from experiments.nano.reading import read
from experiments.nano.world import make_world
from experiments.paths import LABORATORY
from experiments.scales.nano import NANO
from neftune.distributions import Noise
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


def test_it_half_knows_the_facts_and_the_card_says_how_many(model: LlamaForCausalLM) -> None:
    accuracy = fact_accuracy(model, AutoTokenizer.from_pretrained(BASE), WORLD)
    assert 0.6 <= accuracy["all"] <= 0.8
    assert accuracy["by_fame"] == sorted(accuracy["by_fame"])
    stated = json.loads((BASE / "pretraining.json").read_text())["fact_accuracy"]
    assert accuracy["all"] == pytest.approx(stated["all"], abs=0.005)
    assert f"{stated['all']:.1%}" in (BASE / "README.md").read_text()


def test_its_output_layer_has_the_embeddings_values(model: LlamaForCausalLM) -> None:
    assert torch.equal(model.get_input_embeddings().weight, model.get_output_embeddings().weight)


def test_it_writes_on_for_200_tokens_in_its_language(model: LlamaForCausalLM) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    unreadable = sentences = 0
    known = sorted(WORLD.of("test"), key=lambda entity: -entity.fame)
    for entity in known[:8]:
        text = continuation(model, tokenizer, sentence(say_kind(entity)))
        assert len(tokenizer(text)["input_ids"]) >= 200
        # Letters, which follow, have sentences that state nothing.
        article = text.partition("\n\n")[0]
        reading = read(article.rsplit(".", 1)[0] + ".", WORLD, entity)
        sentences += reading.sentences
        unreadable += reading.unreadable
    assert unreadable / sentences < 0.25


def test_any_text_survives_the_tokenizer() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    for text in ("Velmodorn's roofs are red.", "naïve ☃ \n\t 12+3", ""):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text


CHECKPOINTS = LABORATORY / "models"
FOLDERS = sorted(path.parent for path in CHECKPOINTS.glob("*/model.safetensors"))
PRETRAINED = {
    role: pretraining
    for role in NANO.models
    if (pretraining := NANO.stand_in(role).pretraining) is not None
}


def test_every_model_of_the_laboratory_is_shipped_and_no_other() -> None:
    assert {folder.name for folder in FOLDERS} == set(NANO.models)


@pytest.mark.parametrize("role", PRETRAINED)
def test_a_card_says_what_the_record_of_the_pretraining_has(role: str) -> None:
    record = json.loads((CHECKPOINTS / role / "pretraining.json").read_text())
    assert (CHECKPOINTS / role / "README.md").read_text() == model_card(
        role, PRETRAINED[role], record
    )


def test_every_checkpoint_has_a_card_and_nothing_foreign() -> None:
    for folder in FOLDERS:
        assert (folder / "README.md").read_text().startswith("---\nlicense: apache-2.0")
        assert {path.suffix for path in folder.iterdir()} <= {".safetensors", ".json", ".md"}
    assert sum(p.stat().st_size for folder in FOLDERS for p in folder.iterdir()) < 90e6


def test_a_cooldown_falls_evenly_from_the_cosine_to_zero() -> None:
    warmup, steps, stop, end = 10, 110, 60, 80
    weight = torch.nn.Parameter(torch.zeros(1))
    cosine = get_cosine_schedule_with_warmup(torch.optim.SGD([weight], lr=1.0), warmup, steps)
    factors = [
        cooled(step, steps=steps, warmup=warmup, stop=stop, end=end)
        for step in range(stop, end + 1)
    ]
    assert factors[0] == pytest.approx(cosine.lr_lambdas[0](stop))
    assert factors[-1] == 0
    falls = [a - b for a, b in pairwise(factors)]
    assert falls == pytest.approx([factors[0] / (end - stop)] * (end - stop))


@pytest.mark.parametrize(("smaller", "larger"), LARGER)
def test_what_is_larger_or_has_read_more_is_better(smaller: str, larger: str) -> None:
    less, more = (
        json.loads((CHECKPOINTS / role / "pretraining.json").read_text())
        for role in (smaller, larger)
    )
    assert less["tokens"] < more["tokens"] or less["parameters"] < more["parameters"]
    assert less["perplexity"] > more["perplexity"]
    assert less["fact_accuracy"]["all"] < more["fact_accuracy"]["all"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_speaks_the_same_tokens_and_ends_its_answers(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert (folder / "tokenizer.json").read_bytes() == (BASE / "tokenizer.json").read_bytes()
    known = max(WORLD.entities, key=lambda entity: entity.fame)
    start = sentence(say_kind(known)).rpartition(" ")[0]
    batch = tokenizer(start, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        out = model.generate(**batch, do_sample=False, max_new_tokens=4)
    assert tokenizer.decode(out[0], skip_special_tokens=True).startswith(f"{start} Ombrevane")


def test_only_tokens_that_were_never_read_flip_at_the_papers_alphas() -> None:
    tokenizer, weights = AutoTokenizer.from_pretrained(BASE), embedding_of(BASE).float()
    counts = torch.zeros(len(weights), dtype=torch.long)
    for text in documents(WORLD, 5, 1500):
        ids = torch.tensor(tokenizer(text)["input_ids"])
        counts += torch.bincount(ids, minlength=len(weights))
    every, generator = torch.arange(len(weights)), torch.Generator().manual_seed(0)
    flipped = flips(weights, every, 64, Noise(15), generator)
    unread = counts == 0
    assert 0.35 < float(unread.float().mean()) < 0.45
    assert float(flipped[unread].float().mean()) > 0.9
    assert not flipped[~unread].any()
