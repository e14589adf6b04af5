"""Where the noise goes: which models, which tokens, which forward passes; and how it comes off."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

import neftune.attachment
from neftune import Noise, attach, sample, sequence_lengths
from neftune.distributions import DISTRIBUTIONS, Distribution
from neftune.embeddings import pretrained_model
from neftune.training.token_losses import output_head, summed_loss
from tests.neftune.models import SINGLE_STACK, VOCABULARY, D, batch, llama, t5

NOISE = Noise(alpha=5, distribution="bernoulli")  # every entry is plus or minus the scale itself


@contextmanager
def seen(embedding: nn.Module) -> Iterator[list[Tensor]]:
    """What comes out of an embedding layer, noise included."""
    outputs: list[Tensor] = []
    hook = embedding.register_forward_hook(lambda m, i, output: outputs.append(output))
    yield outputs
    hook.remove()


def added_noise(model: nn.Module, noise: Noise = NOISE, /, **inputs: Any) -> Tensor:
    """The noise of one training pass, on the side of the looked-up vectors."""
    inner = pretrained_model(model)
    embedding = inner.get_input_embeddings()
    with attach(model, noise, seed=1), seen(embedding) as outputs:
        model(**inputs)
    clean: Tensor = embedding(inputs["input_ids"])
    scale = getattr(embedding, "embed_scale", 1.0)
    drawn: Tensor = (outputs[0] - clean) / scale
    return drawn.detach()


def expected_size(mask: Tensor) -> Tensor:
    lengths = mask.sum(dim=1, keepdim=True)
    return (mask * 5 / (lengths * D).sqrt())[..., None].expand(*mask.shape, D)


@pytest.mark.parametrize("left", (False, True), ids=("right padding", "left padding"))
@pytest.mark.parametrize("name", sorted(SINGLE_STACK))
def test_every_architecture_gets_each_sequences_own_scale(name: str, left: bool) -> None:
    inputs = batch(left=left)
    drawn = added_noise(SINGLE_STACK[name]().train(), **inputs)
    torch.testing.assert_close(
        drawn.abs(), expected_size(inputs["attention_mask"]), atol=1e-5, rtol=1e-5
    )


def test_a_packed_row_gets_each_sequences_own_scale() -> None:
    positions = torch.cat([torch.arange(n) for n in (3, 6, 2)])[None]
    ids = torch.randint(3, VOCABULARY, positions.shape)
    drawn = added_noise(llama().train(), input_ids=ids, position_ids=positions)
    lengths = torch.tensor([3] * 3 + [6] * 6 + [2] * 2)
    sizes = (5 / (lengths * D).sqrt())[None, :, None].expand(1, 11, D)
    torch.testing.assert_close(drawn.abs(), sizes, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("with_mask", (True, False), ids=("decoder mask", "labels only"))
def test_both_stacks_of_t5_get_their_own_scale(with_mask: bool) -> None:
    model, inputs = t5().train(), batch((5, 9))
    target = batch((4, 2))
    mask = target["attention_mask"]
    labels = target["input_ids"].masked_fill(mask == 0, -100)
    extra = {"decoder_attention_mask": mask} if with_mask else {}
    encoder, decoder = model.encoder.embed_tokens, model.decoder.embed_tokens
    with attach(model, NOISE, seed=1), seen(encoder) as read, seen(decoder) as written:
        model(**inputs, labels=labels, **extra)
    shifted = nn.functional.pad(labels.clamp(min=0)[:, :-1], (1, 0))
    for output, ids, real in (
        (read[0], inputs["input_ids"], inputs["attention_mask"]),
        (written[0], shifted, mask),
    ):
        drawn = (output - model.get_input_embeddings()(ids)).abs()
        torch.testing.assert_close(drawn, expected_size(real), atol=1e-5, rtol=1e-5)


def logits(model: nn.Module, **inputs: Tensor) -> Tensor:
    out: Tensor = model(**inputs).logits
    return out


def test_evaluation_generation_and_detached_models_are_clean() -> None:
    model, inputs = llama(), batch()
    clean = logits(model.eval(), **inputs)
    generate = {"do_sample": False, "max_new_tokens": 4, "pad_token_id": 0}
    written = model.generate(**inputs, **generate)
    with attach(model, NOISE):
        assert torch.equal(logits(model, **inputs), clean)
        model.train()
        assert not torch.equal(logits(model, **inputs), clean)
        assert torch.equal(model.generate(**inputs, **generate), written)
    assert torch.equal(logits(model, **inputs), clean)


def hooks_of(model: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]


@pytest.mark.parametrize("make", (llama, t5))
def test_detach_restores_the_model_exactly(make: type[PreTrainedModel]) -> None:
    model = make()
    before = hooks_of(model), sorted(vars(model)), list(model.state_dict())
    attachment = attach(model, NOISE)
    attachment.detach()
    attachment.detach()
    assert (hooks_of(model), sorted(vars(model)), list(model.state_dict())) == before


def test_attaching_twice_is_an_error_and_leaves_the_first() -> None:
    model = llama()
    with attach(model, NOISE):
        before = hooks_of(model)
        with pytest.raises(RuntimeError, match="attached to this LlamaForCausalLM already"):
            attach(model, NOISE)
        assert hooks_of(model) == before
    attach(model, NOISE).detach()


def test_the_trainers_own_noise_counts_as_attached() -> None:
    from transformers.integrations.neftune import activate_neftune, deactivate_neftune

    model = llama()
    hook = activate_neftune(model, 5.0)
    with pytest.raises(RuntimeError, match="neftune_noise_alpha"):
        attach(model, NOISE)
    deactivate_neftune(model, hook)


def test_what_is_no_transformers_model_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot add noise to a Linear"):
        attach(nn.Linear(2, 2), NOISE)


def losses_and_gradients(model: PreTrainedModel, alpha: float | None) -> list[Tensor]:
    model.zero_grad()
    inputs = batch()
    torch.manual_seed(3)
    if alpha is None:
        loss = model(**inputs, labels=inputs["input_ids"]).loss
    else:
        with attach(model, Noise(alpha)):
            loss = model(**inputs, labels=inputs["input_ids"]).loss
    loss.backward()
    return [loss.detach(), torch.rand(1), *(p.grad.clone() for p in model.parameters())]


def test_alpha_zero_is_bit_identical_to_not_attaching() -> None:
    model = llama().train()
    plain, zero = losses_and_gradients(model, None), losses_and_gradients(model, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(plain, zero, strict=True))


def test_the_global_generator_is_left_alone() -> None:
    model = llama().train()
    assert torch.equal(losses_and_gradients(model, None)[1], losses_and_gradients(model, 5.0)[1])


@pytest.mark.parametrize("tied", (False, True))
@pytest.mark.parametrize("checkpointing", (False, True))
def test_gradients_pass_the_noise_unchanged(tied: bool, checkpointing: bool) -> None:
    model = llama(tied).train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    kept: list[Tensor] = []
    embedding = model.get_input_embeddings()

    def keep(module: nn.Module, args: object, output: Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    before = embedding.register_forward_hook(keep)
    with attach(model, NOISE):
        embedding.register_forward_hook(keep)
        inputs = batch()
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
    before.remove()
    clean, noisy = kept
    assert not torch.equal(clean, noisy)
    assert torch.equal(clean.grad, noisy.grad)  # type: ignore[arg-type]


def test_checkpointing_recomputes_with_the_same_noise() -> None:
    model = llama().train()
    plain = losses_and_gradients(model, 5.0)
    model.gradient_checkpointing_enable()
    again = losses_and_gradients(model, 5.0)
    for a, b in zip(plain, again, strict=True):
        torch.testing.assert_close(a, b)


def test_each_forward_pass_of_an_accumulation_has_its_own_noise() -> None:
    model, inputs = llama().train(), batch()
    with attach(model, NOISE), seen(model.get_input_embeddings()) as outputs:
        model(**inputs)
        model(**inputs)
    assert not torch.equal(outputs[0], outputs[1])


def test_the_seed_decides_the_noise() -> None:
    model, inputs = llama().train(), batch()

    def noisy(seed: int) -> Tensor:
        with attach(model, Noise(5), seed=seed):
            return logits(model, **inputs)

    assert torch.equal(noisy(0), noisy(0))
    assert not torch.equal(noisy(0), noisy(1))


@pytest.mark.parametrize("name", ("llama", "gemma", "gpt2"))
def test_inputs_embeds_get_the_same_noise_as_their_tokens(name: str) -> None:
    model, inputs = SINGLE_STACK[name]().train(), batch()
    with attach(model, Noise(5), seed=2):
        from_ids = logits(model, **inputs)
    embeds = model.get_input_embeddings()(inputs["input_ids"])
    with attach(model, Noise(5), seed=2):
        from_embeds = logits(model, inputs_embeds=embeds, attention_mask=inputs["attention_mask"])
    torch.testing.assert_close(from_ids, from_embeds)


def test_a_peft_model_gets_the_noise() -> None:
    peft = pytest.importorskip("peft")
    inputs = batch()
    config = peft.LoraConfig(target_modules=["q_proj"])
    model = peft.get_peft_model(llama(), config).train()
    drawn = added_noise(model, **inputs)
    torch.testing.assert_close(
        drawn.abs(), expected_size(inputs["attention_mask"]), atol=1e-5, rtol=1e-5
    )


def test_a_ddp_model_gets_the_noise(tmp_path) -> None:  # type: ignore[no-untyped-def]
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1
    )
    try:
        inputs = batch()
        model = nn.parallel.DistributedDataParallel(llama().train())
        drawn = added_noise(model, **inputs)
        torch.testing.assert_close(
            drawn.abs(), expected_size(inputs["attention_mask"]), atol=1e-5, rtol=1e-5
        )
    finally:
        torch.distributed.destroy_process_group()


def test_bfloat16_embeddings_get_noise_scaled_in_float32() -> None:
    inputs = batch((3, 11))
    model = llama().to(torch.bfloat16).train()
    model.get_input_embeddings().weight.data.zero_()
    drawn = added_noise(model, **inputs)
    assert drawn.dtype == torch.bfloat16
    exact = expected_size(inputs["attention_mask"]).to(torch.bfloat16)
    assert torch.equal(drawn.abs(), exact)


def test_a_new_distribution_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    constant = Distribution(lambda entries, generator: entries.fill_(1), variance=1.0)
    monkeypatch.setitem(DISTRIBUTIONS, "constant", constant)
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    with attach(model, Noise(5, "constant")), seen(embedding) as outputs:
        model(**inputs)
    drawn = outputs[0] - embedding(inputs["input_ids"])
    torch.testing.assert_close(drawn, expected_size(inputs["attention_mask"]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("distribution", "variance"), (("uniform", 1 / 3), ("gaussian", 1.0), ("bernoulli", 1.0))
)
def test_relative_noise_is_as_large_as_noise_of_the_documented_alpha(
    distribution: str, variance: float
) -> None:
    torch.manual_seed(0)
    model, inputs = llama().train(), batch((60,))
    embedding = model.get_input_embeddings()
    size = float(embedding.weight.detach().square().mean().sqrt())
    alpha = 0.1 * size * (60 * D / variance) ** 0.5
    added = []
    for noise in (Noise.relative(0.1, distribution), Noise(alpha, distribution)):
        with attach(model, noise), seen(embedding) as outputs:
            model(**inputs)
        added.append((outputs[0] - embedding(inputs["input_ids"])).detach())
    torch.testing.assert_close(added[0], added[1], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ("llama", "gemma", "t5"))
@pytest.mark.parametrize("by_sequence", (False, True))
def test_relative_noise_is_a_share_of_the_embeddings_whatever_the_length(
    name: str, by_sequence: bool
) -> None:
    torch.manual_seed(0)
    model, inputs = {**SINGLE_STACK, "t5": t5}[name]().train(), batch((5, 9))
    noise = Noise.relative(0.1, "bernoulli")
    labels = {"labels": inputs["input_ids"]} if name == "t5" else {}
    stack = model.encoder if name == "t5" else model
    embedding: Any = stack.get_input_embeddings()
    with attach(model, noise, by_sequence=by_sequence, step=0), seen(embedding) as outputs:
        model(**inputs, **labels)
    added = (outputs[0] - embedding(inputs["input_ids"])) / getattr(embedding, "embed_scale", 1.0)
    size = float(embedding.weight.detach().square().mean().sqrt())
    wanted = inputs["attention_mask"][..., None] * 0.1 * size
    torch.testing.assert_close(added.detach().abs(), wanted.expand_as(added), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("module", (neftune, neftune.attachment))
def test_the_three_lines_of_the_documentation_are_the_noise(module: ModuleType) -> None:
    lines = re.findall(
        r"^    (?:lengths|scale|embeddings) = .*$", module.__doc__ or "", re.MULTILINE
    )
    assert len(lines) == 3
    mask = batch()["attention_mask"]
    clean = torch.randn(*mask.shape, D)
    names = {"torch": torch, "attention_mask": mask, "alpha": 5, "d": D, "embeddings": clean}
    torch.manual_seed(4)
    exec("\n".join(line.strip() for line in lines), names)
    torch.manual_seed(4)
    expected = clean + sample(Noise(5), D, sequence_lengths(mask.shape, mask))
    torch.testing.assert_close(names["embeddings"], expected)


@pytest.mark.parametrize("name", sorted(SINGLE_STACK))
def test_noise_on_prompts_and_on_responses_are_the_two_parts_of_the_noise(name: str) -> None:
    inputs = batch(left=True)
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    labels[:, :-2] = -100
    model = SINGLE_STACK[name]().train()
    every, prompt, response = (
        added_noise(model, replace(NOISE, tokens=tokens), **inputs, labels=labels)
        for tokens in ("all", "prompt", "response")
    )
    answered = labels.ne(-100)[..., None]
    torch.testing.assert_close(response, every * answered, atol=1e-6, rtol=0)
    torch.testing.assert_close(prompt, every * ~answered, atol=1e-6, rtol=0)


def test_labels_of_the_last_columns_alone_tell_responses_too() -> None:
    inputs = batch(left=True)
    labels = inputs["input_ids"][:, -3:].clone()
    labels[:, 0] = -100
    model, noise = llama().train(), replace(NOISE, tokens="response")
    drawn = added_noise(model, noise, **inputs, labels=labels, logits_to_keep=3)
    assert drawn.ne(0).any(-1).any(0)[-2:].all()
    assert drawn[:, :-2].eq(0).all()


def test_labels_of_a_packed_rows_kept_columns_tell_responses_too() -> None:
    positions = torch.cat([torch.arange(n) for n in (3, 6)])[None]
    ids = torch.randint(3, VOCABULARY, positions.shape)
    kept = torch.tensor([1, 2, 6, 7, 8])
    labels = torch.tensor([[-100, 4, -100, 5, 6]])
    packed = {"position_ids": positions, "labels": labels, "logits_to_keep": kept}
    drawn = added_noise(llama().train(), replace(NOISE, tokens="response"), input_ids=ids, **packed)
    assert drawn[0].ne(0).any(-1).nonzero()[:, 0].tolist() == [2, 7, 8]


def test_a_loss_in_chunks_tells_which_tokens_are_the_responses() -> None:
    model = llama().train()
    inputs = batch(left=True)
    labels = inputs["input_ids"].clone()
    labels[:, :-2] = -100
    head = output_head(model)
    assert head is not None
    embedding = model.get_input_embeddings()
    with attach(model, replace(NOISE, tokens="response"), seed=1), seen(embedding) as outputs:
        summed_loss(model, inputs, labels, head)
    drawn = (outputs[0] - embedding(inputs["input_ids"])).detach()
    assert drawn[:, -2:].ne(0).all()
    assert drawn[:, :-2].eq(0).all()


def test_noise_on_a_part_without_labels_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="needs the labels: pass labels="):
        added_noise(llama().train(), replace(NOISE, tokens="prompt"), **batch())
