"""The dose: what is measured of one example, against other ways to compute it."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, kl_div, log_softmax
from transformers import PreTrainedModel

from analysis import dose
from analysis.crowding import geometry
from analysis.dose import (
    clean_distributions,
    compared,
    mirrored_noise,
    only_noise,
    reading,
    share_estimate,
)
from neftune.distributions import Noise
from neftune.training.data import IGNORED, Example
from tests.neftune.models import SINGLE_STACK, VOCABULARY, gemma, llama, opt

DECODERS = sorted(set(SINGLE_STACK) - {"bert"})


def made(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return SINGLE_STACK[name]()


def example(prompt: int = 5, answer: int = 4, seed: int = 0) -> Example:
    drawn = np.random.default_rng(seed).integers(3, VOCABULARY, prompt + answer).tolist()
    return {"input_ids": drawn, "labels": [IGNORED] * prompt + drawn[prompt:]}


@settings(max_examples=30)
@given(
    st.integers(1, 9), st.integers(2, 50), st.integers(0, 10**6), st.sampled_from((1, 64, 2**20))
)
def test_logits_are_compared_as_torch_would_in_chunks_of_any_size(
    tokens: int, vocabulary: int, seed: int, chunk: int
) -> None:
    torch.manual_seed(seed)
    clean, noisy = 3 * torch.randn(2, tokens, vocabulary)
    targets = torch.randint(0, vocabulary, (tokens,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dose, "CHUNK_LOGITS", chunk)
        loss, kl, changed = compared(clean_distributions(clean, targets), noisy)
    p, q = log_softmax(clean.double(), 1), log_softmax(noisy.double(), 1)
    own = float(cross_entropy(noisy.double(), targets, reduction="sum"))
    assert loss == pytest.approx(own, rel=1e-5, abs=1e-5)
    assert kl == pytest.approx(
        float(kl_div(q, p, log_target=True, reduction="sum")), rel=1e-5, abs=1e-5
    )
    assert changed == int((p.argmax(1) != q.argmax(1)).sum())


@pytest.mark.parametrize("name", DECODERS)
def test_no_noise_is_no_dose_and_noise_has_the_papers_norm(name: str) -> None:
    model, text = made(name), example()
    found = reading(model, text, (0.0, 5.0), draws=16, seed=0)
    ids = torch.tensor([text["input_ids"]])
    with torch.no_grad():
        logits = model.eval()(input_ids=ids).logits[0, 4:-1]
        norm = model.get_input_embeddings()(ids).norm(dim=-1).mean()
    own = cross_entropy(logits, ids[0, 5:], reduction="sum")
    assert found.loss == pytest.approx(float(own), rel=1e-5)
    assert (found.length, found.tokens) == (9, 4)
    assert found.norm == pytest.approx(float(norm), rel=1e-5)
    none, some = found.noisy[0.0], found.noisy[5.0]
    assert (none.kl, none.changed, none.ratio) == (0, 0, 0)
    assert none.loss == found.loss
    assert some.kl > 0
    # Before an embedding layer's own factor, a token's noise has the norm alpha / sqrt(3 L).
    factor = float(getattr(model.get_input_embeddings(), "embed_scale", 1.0))
    assert some.ratio == pytest.approx(factor * 5 / (3 * 9) ** 0.5 / float(norm), rel=0.05)


def test_dropout_is_off_and_the_model_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = opt(dropout=0.5)
    model.train()
    model.model.decoder.layers[0].eval()
    model.lm_head.weight.requires_grad_(False)
    modes = [module.training for module in model.modules()]
    wanted = [value.requires_grad for value in model.parameters()]
    first, second = (reading(model, example(), (0.0, 2.0), draws=2, seed=3) for _ in range(2))
    assert first == second
    assert first.noisy[0.0].loss == first.loss
    assert [module.training for module in model.modules()] == modes
    assert [value.requires_grad for value in model.parameters()] == wanted


def test_draws_are_mirrored_and_the_same_at_every_alpha_but_for_their_scale() -> None:
    model = made("gemma")
    ids = torch.tensor([example()["input_ids"]]).expand(4, -1)
    noises = []
    with only_noise(model):
        clean = model.get_input_embeddings()(ids)
        for alpha in (1.0, 3.0):
            with mirrored_noise(model, Noise(alpha), seed=7):
                seen: list[torch.Tensor] = []
                hook = model.get_input_embeddings().register_forward_hook(
                    lambda module, args, output, seen=seen: seen.append(output)
                )
                model(input_ids=ids, use_cache=False)
                hook.remove()
            noises.append(seen[0] - clean)
    for noise in noises:
        assert torch.allclose(noise[:2], -noise[2:], atol=1e-6)
        assert not torch.allclose(noise[0], noise[1])
    assert torch.allclose(3 * noises[0], noises[1], atol=1e-5)


def test_a_pass_is_split_where_its_logits_would_be_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, rows = made("llama"), []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    whole = reading(model, example(), (5.0,), draws=400, seed=0)
    assert rows == [1, 400]
    rows.clear()
    monkeypatch.setattr(dose, "PASS_LOGITS", 100 * 4 * VOCABULARY)
    split = reading(model, example(), (5.0,), draws=400, seed=0)
    assert rows == [1, 100, 100, 100, 100]
    assert split.noisy[5.0].kl == pytest.approx(whole.noisy[5.0].kl, rel=0.1)


def test_draws_must_be_pairs_and_noise_must_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    for draws in (0, 1, 3):
        with pytest.raises(ValueError, match="mirrored pairs"):
            reading(made("llama"), example(), (5.0,), draws=draws, seed=0)
    monkeypatch.setattr(dose, "attach", lambda model, noise, seed: nullcontext())
    with pytest.raises(RuntimeError, match="no noise arrived"):
        reading(made("llama"), example(), (5.0,), draws=2, seed=0)


def test_an_estimate_is_a_sum_by_a_sum_and_its_interval_is_over_examples() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 50, 400)
    parts = tokens * rng.normal(2, 0.5, 400)
    found = share_estimate(parts, tokens)
    assert found.value == pytest.approx(parts.sum() / tokens.sum())
    assert found.low < 2 < found.high
    # The delta method's standard error of a ratio of sums.
    error = np.sqrt(np.sum((parts - found.value * tokens) ** 2)) / tokens.sum()
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_the_geometry_is_that_of_all_pairs_of_the_tokens_that_occur() -> None:
    model = gemma()
    texts = [example(seed=seed) for seed in range(3)]
    found = geometry(model, texts, chunk=4)
    ids = sorted({token for text in texts for token in text["input_ids"]})
    vectors = model.get_input_embeddings().weight.detach()[ids].double()
    units = vectors / vectors.norm(dim=1, keepdim=True)
    others = ~torch.eye(len(ids), dtype=torch.bool)
    distances = torch.cdist(units, units) + torch.diag(torch.full((len(ids),), torch.inf))
    assert found.tokens == len(ids)
    assert found.cosine == pytest.approx(float((units @ units.T)[others].mean()), abs=1e-6)
    assert found.nearest == pytest.approx(float(distances.min(1).values.mean()), rel=1e-4)


def test_responses_in_several_places_are_all_measured_and_nothing_else() -> None:
    model, text = llama(), example(4, 8)
    labels = [IGNORED] * 4 + text["input_ids"][4:6] + [IGNORED] * 3 + text["input_ids"][9:]
    found = reading(model, {"input_ids": text["input_ids"], "labels": labels}, (), draws=2, seed=0)
    ids = torch.tensor([text["input_ids"]])
    with torch.no_grad():
        losses = cross_entropy(model.eval()(ids).logits[0, :-1], ids[0, 1:], reduction="none")
    assert found.tokens == 5
    assert found.loss == pytest.approx(float(losses[[3, 4, 8, 9, 10]].sum()), rel=1e-5)
