"""Losses in chunks are the losses of all logits, and hold a bounded part of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, linear
from transformers import CohereConfig, CohereForCausalLM, PreTrainedModel

from eval.losses import example_losses
from neftune import Noise
from neftune.attachment import attach
from neftune.training import token_losses
from neftune.training.data import IGNORED, Example, collator
from neftune.training.packing import pack
from neftune.training.token_losses import (
    OutputHead,
    _chunk_losses,
    _SummedLoss,
    added_loss,
    mean_loss,
    output_head,
    summed_loss,
)
from tests.neftune.models import gemma, gemma2, gpt2, gpt_neox, llama, opt
from tests.paths import ROOT

Make = Callable[[], PreTrainedModel]


def cohere() -> PreTrainedModel:
    config = CohereConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        logit_scale=0.3,
    )
    return CohereForCausalLM(config)


MODELS: dict[str, Make] = {
    "llama": llama,
    "tied llama": lambda: llama(tied=True),
    "opt": opt,
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "gemma": gemma,
    "gemma2": gemma2,
    "cohere": cohere,
}


def example(prompt: int, response: int, start: int) -> Example:
    ids = [3 + (start + 7 * place) % 60 for place in range(prompt + response)]
    return {"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]}


EXAMPLES = [example(2 + i % 5, 1 + 3 * i % 11, i) for i in range(9)]


@settings(max_examples=60)
@given(
    st.integers(1, 20),
    st.integers(1, 6),
    st.integers(2, 30),
    st.integers(1, 25),
    st.booleans(),
    st.sampled_from([None, 0.5, 30.0]),
    st.integers(0, 1000),
)
def test_loss_and_gradients_in_chunks_are_those_of_all_logits(
    tokens: int, d: int, vocabulary: int, chunk: int, biased: bool, cap: float | None, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, d, generator=generator)
    weight = torch.randn(vocabulary, d, generator=generator)
    bias = torch.randn(vocabulary, generator=generator) if biased else None
    labels = torch.randint(vocabulary, (tokens,), generator=generator)

    def after(logits: torch.Tensor) -> torch.Tensor:
        return logits if cap is None else torch.tanh(logits / cap) * cap

    leaves = [each for each in (hidden, weight, bias) if each is not None]
    for leaf in leaves:
        leaf.requires_grad_()
    each = cross_entropy(after(linear(hidden, weight, bias)), labels, reduction="none")
    expected = torch.autograd.grad(3 * each.sum(), leaves)
    losses = _chunk_losses(hidden, weight, bias, labels, after, chunk)
    torch.testing.assert_close(losses, each, rtol=1e-5, atol=1e-5)
    total = _SummedLoss.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, labels, after, chunk
    )
    torch.testing.assert_close(total, each.sum(), rtol=1e-5, atol=1e-5)
    found = torch.autograd.grad(3 * total, leaves)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("packed", (False, True), ids=("padded", "packed"))
@pytest.mark.parametrize("name", MODELS)
def test_a_model_with_noise_gets_the_same_gradients(
    name: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_losses, "CHUNK_LOGITS", 64 * 3)
    torch.manual_seed(0)
    model = MODELS[name]().train()
    head = output_head(model)
    assert head is not None
    inputs = (pack if packed else collator(0))(EXAMPLES)
    found = []
    for chunked in (False, True):
        given = dict(inputs)
        torch.manual_seed(0)
        with attach(model, Noise(5), seed=1):
            if chunked:
                labels = given.pop("labels")
                loss = summed_loss(model, given, labels, head)
                loss = loss / labels[:, 1:].ne(IGNORED).sum()
            else:
                loss = model(**given).loss
        loss.backward()
        found.append([loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
        model.zero_grad()
    for whole, chunk in zip(*found, strict=True):
        torch.testing.assert_close(chunk, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("slopes", (2, 100), ids=("many groups", "one group"))
@pytest.mark.parametrize("name", ("llama", "tied llama", "gemma2", "cohere"))
def test_gradients_that_are_added_at_once_are_the_same_over_several_passes(
    name: str, slopes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_losses, "CHUNK_LOGITS", 64 * 3)
    monkeypatch.setattr(token_losses, "SLOPE_BYTES", 4 * 64 * slopes)
    monkeypatch.setattr(token_losses, "OUTPUT_ROWS", 10)
    torch.manual_seed(0)
    model = MODELS[name]().train()
    head = output_head(model)
    assert head is not None
    found = []
    for at_once in (False, True):
        model.zero_grad()
        losses = []
        for examples in (EXAMPLES[:4], EXAMPLES[4:]):
            inputs = collator(0)(examples)
            labels = inputs.pop("labels")
            if at_once:
                loss = added_loss(model, inputs, labels, head, divisor=7.0)
            else:
                loss = summed_loss(model, inputs, labels, head) / 7
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        found.append([*losses, *(p.grad.clone() for p in model.parameters() if p.grad is not None)])
    for added, usual in zip(*found, strict=True):
        torch.testing.assert_close(added, usual, rtol=1e-4, atol=1e-6)


def test_a_loss_whose_gradients_were_added_cannot_be_scaled() -> None:
    model = llama().train()
    head = output_head(model)
    assert head is not None
    inputs = collator(0)(EXAMPLES)
    labels = inputs.pop("labels")
    with pytest.raises(RuntimeError, match=r"was scaled by 0\.5"):
        (added_loss(model, inputs, labels, head, divisor=7.0) / 2).backward()  # type: ignore[no-untyped-call]


# GPT-2 counts padding on the left into its positions, so its losses depend on the padding.
@pytest.mark.parametrize("name", [name for name in MODELS if name != "gpt2"])
def test_a_mean_loss_does_not_depend_on_batches_or_chunks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    model.config.pad_token_id = 0
    head = output_head(model)
    expected = example_losses(model, EXAMPLES)
    tokens = [sum(label != IGNORED for label in each["labels"]) for each in EXAMPLES]
    mean = sum(a * b for a, b in zip(expected, tokens, strict=True)) / sum(tokens)
    for rows, most, logits in ((1, 9, 64 * 2), (4, 50, 64 * 5), (64, 10**6, 10**6)):
        monkeypatch.setattr(token_losses, "READ_ROWS", rows)
        monkeypatch.setattr(token_losses, "READ_TOKENS", most)
        monkeypatch.setattr(token_losses, "READ_LOGITS", logits)
        assert example_losses(model, EXAMPLES) == pytest.approx(expected, abs=2e-5)
        assert mean_loss(model, EXAMPLES, 0, head) == pytest.approx(mean, abs=2e-5)
        assert mean_loss(model, EXAMPLES, 0, None) == pytest.approx(mean, abs=2e-5)


def test_a_head_that_is_not_all_between_hidden_states_and_loss_is_not_used() -> None:
    torch.manual_seed(0)
    model = llama()
    assert isinstance(output_head(model), OutputHead)
    model.lm_head.register_forward_hook(lambda layer, args, logits: 2 * logits)
    assert output_head(model) is None
    other = llama()
    other.set_output_embeddings(torch.nn.Sequential(torch.nn.Linear(16, 64)))
    assert output_head(other) is None


def test_the_output_layer_is_as_before_even_after_an_error() -> None:
    model = llama()
    head = output_head(model)
    assert head is not None
    batch = collator(0)(EXAMPLES)
    labels = batch.pop("labels")
    model.model.norm.register_forward_hook(lambda layer, args, hidden: hidden.sum(-1))
    with pytest.raises(IndexError):
        summed_loss(model, batch, labels, head)
    assert "forward" not in vars(model.lm_head)


def test_the_loss_in_chunks_is_autocast_like_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_losses, "CHUNK_LOGITS", 64 * 3)
    torch.manual_seed(0)
    model = llama(tied=True).train()
    head = output_head(model)
    assert head is not None
    inputs = collator(0)(EXAMPLES)
    labels = inputs["labels"]
    count = labels[:, 1:].ne(IGNORED).sum()
    with torch.autocast("cpu", torch.bfloat16):
        whole = model(**inputs).loss
        chunked = summed_loss(model, {**inputs, "labels": None}, labels, head) / count
    torch.testing.assert_close(chunked, whole, rtol=1e-3, atol=0)
    weight = model.get_input_embeddings().weight
    ours, theirs = (torch.autograd.grad(loss, weight)[0] for loss in (chunked, whole))
    assert ours.dtype == torch.float32
    assert (ours - theirs).norm() < 0.02 * theirs.norm()


@pytest.mark.long
def test_two_processes_get_the_gradients_of_one(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
        *("-m", "tests.neftune.training.sharded_losses", str(tmp_path / "found.json")),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) == 4
    assert max(found.values()) < 1e-5, found  # a hundred roundings of float32


VOCABULARY, ROWS, COLUMNS = 200_000, 5, 512
SCRIPT = f"""
import resource, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from neftune.training.token_losses import mean_loss, output_head, summed_loss
torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(vocab_size={VOCABULARY}, hidden_size=64, intermediate_size=64,
    num_hidden_layers=1, num_attention_heads=1, tie_word_embeddings=True))
head = output_head(model)
ids = torch.randint({VOCABULARY}, ({ROWS}, {COLUMNS}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
summed_loss(model, {{"input_ids": ids}}, ids, head).backward()
rows = [{{"input_ids": row, "labels": [-100, *row[1:]]}} for row in ids.tolist()]
mean_loss(model.eval(), rows, 0, head)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.long
def test_a_step_and_an_evaluation_hold_a_small_part_of_the_logits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    logits = ROWS * COLUMNS * VOCABULARY * 4  # bytes: 2 GB, of which the plain way holds several
    assert int(done.stdout) * unit < logits / 3
