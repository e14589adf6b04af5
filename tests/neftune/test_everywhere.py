"""Whatever a call tells of its sequences counts, and what is not told or wrong is refused."""

import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neftune import NEFTune, Noise, attach, detach, told
from neftune.drawing import Draws, Wanted
from tests.neftune.models import VOCABULARY, D, batch, llama, t5
from tests.neftune.test_attach import NOISE, expected_size, seen


def noise_of(embedding: nn.Module, ids: Tensor, outputs: list[Tensor]) -> Tensor:
    """What was added to a layer's output, on the side of the looked-up vectors."""
    (output,) = outputs
    scale = getattr(embedding, "embed_scale", 1.0)
    return ((output - embedding(ids)) / scale).detach()


def logits(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    found: Tensor = model(**inputs, use_cache=False).logits
    return found.detach()


def assert_own_scale(drawn: Tensor, mask: Tensor) -> None:
    torch.testing.assert_close(drawn.abs(), expected_size(mask), atol=1e-5, rtol=1e-5)


def test_the_decoder_called_without_its_head_gets_the_noise() -> None:
    """As losses do that compute the output layer themselves, in chunks or fused."""
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE), seen(embedding) as outputs:
        hidden = model.model(**inputs).last_hidden_state
    assert hidden.shape[-1] == D
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


@pytest.mark.parametrize("by_position", (False, True))
def test_arguments_may_be_given_by_position(by_position: bool) -> None:
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    given = (inputs["input_ids"], inputs["attention_mask"])
    with attach(model, NOISE), seen(embedding) as outputs:
        if by_position:
            model(*given)
        else:
            model(attention_mask=given[1], input_ids=given[0])
    assert_own_scale(noise_of(embedding, given[0], outputs), given[1])


def test_an_attachment_is_used_once() -> None:
    model = llama().train()
    attachment = attach(model, 5)
    with attachment:
        model(**batch())
    with pytest.raises(RuntimeError, match=r"this noise was detached.*call attach\(\) again"):
        attachment.__enter__()


@pytest.mark.parametrize("seed", (None, 1.5, "0", 2**70))
def test_what_is_no_seed_is_refused_at_once(seed: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="seed must be"):
        attach(llama(), 5, seed=seed)


@pytest.mark.parametrize("step", (0.5, "0"))
def test_what_is_no_step_is_refused_at_once(step: Any) -> None:
    model = llama()
    with pytest.raises(TypeError, match="step must be a whole number, not"):
        attach(model, 5, by_sequence=True, step=step)
    attachment = attach(model, 5, by_sequence=True, step=0)
    with pytest.raises(TypeError, match="step must be a whole number, not"):
        attachment.step = step
    attachment.detach()


@pytest.mark.parametrize("alpha", ("5", None, [5], True))
def test_what_is_no_alpha_is_refused_by_name(alpha: Any) -> None:
    with pytest.raises(TypeError, match="alpha must be a number of at least 0, not"):
        attach(llama(), alpha)


def test_noise_by_sequence_without_a_step_is_refused() -> None:
    model = llama().train()
    with (
        attach(model, NOISE, by_sequence=True),
        pytest.raises(ValueError, match=r"attachment\.step"),
    ):
        model(**batch())


def test_a_training_pass_without_the_embeddings_is_refused() -> None:
    model = llama().train()
    inner = model.model
    inner.forward = lambda input_ids=None, **_: torch.zeros(1)
    with attach(model, NOISE), pytest.raises(RuntimeError, match="got no noise"):
        inner(input_ids=torch.ones(1, 4, dtype=torch.int64))


def test_vectors_that_the_caller_looked_up_get_the_noise_once() -> None:
    model, inputs = llama().train(), batch()
    vectors = model.get_input_embeddings()(inputs["input_ids"])
    kept: list[Tensor] = []
    layer = model.model.layers[0]
    layer.register_forward_pre_hook(lambda m, args: kept.append(args[0].detach()))
    with attach(model, NOISE):
        for call in (model, model.model):
            call(inputs_embeds=vectors, attention_mask=inputs["attention_mask"])
    for given in kept:
        assert_own_scale(given - vectors.detach(), inputs["attention_mask"])


@pytest.mark.parametrize("name", ("cu_seq_lens_q", "seq_idx", "numbered mask"))
def test_packed_rows_are_told_by_what_the_kernels_are_told(name: str) -> None:
    lengths = [3, 6, 2]
    ids = torch.randint(3, VOCABULARY, (1, 11))
    given: dict[str, dict[str, Tensor]] = {
        "cu_seq_lens_q": {"cu_seq_lens_q": torch.tensor([0, 3, 9, 11], dtype=torch.int32)},
        "seq_idx": {"seq_idx": torch.tensor([[0] * 3 + [1] * 6 + [2] * 2])},
        "numbered mask": {"attention_mask": torch.tensor([[1] * 3 + [2] * 6 + [3] * 2])},
    }
    model = llama().train()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(input_ids=ids, **given[name])
    sizes = torch.cat([torch.full((n,), 5 / (n * D) ** 0.5) for n in lengths])
    drawn = noise_of(embedding, ids, outputs)[0].abs()
    torch.testing.assert_close(drawn, sizes[:, None].expand(11, D), atol=1e-5, rtol=1e-5)


def test_a_mask_that_tells_no_padding_is_refused_unless_it_is_told() -> None:
    model, inputs = llama().train(), batch()
    square = torch.ones(2, 1, 10, 10, dtype=torch.bool).tril()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE):
        with pytest.raises(ValueError, match=r"not \(2, 1, 10, 10\).*neftune.told"):
            model(input_ids=inputs["input_ids"], attention_mask=square)
        with (
            told(attention_mask=inputs["attention_mask"]),
            seen(embedding) as outputs,
        ):
            model(input_ids=inputs["input_ids"], attention_mask=square)
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_what_is_told_counts_in_every_thread() -> None:
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    thread = threading.Thread(target=model, kwargs={"input_ids": inputs["input_ids"]})
    mask = inputs["attention_mask"]
    with attach(model, NOISE), seen(embedding) as outputs, told(attention_mask=mask):
        thread.start()
        thread.join()
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_a_mask_longer_than_the_tokens_without_a_cache_is_refused() -> None:
    model, inputs = llama().train(), batch()
    longer = torch.ones(2, 12, dtype=torch.int64)
    with (
        attach(model, NOISE),
        told(attention_mask=longer),
        pytest.raises(ValueError, match="no token came before in a cache"),
    ):
        model(**inputs)


def test_what_is_told_is_a_tensor_and_a_mask_has_two_dimensions() -> None:
    with pytest.raises(TypeError, match="told\\(\\) needs attention_mask as a tensor, not as list"):
        told(attention_mask=[[1, 1, 0]]).__enter__()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="attention_mask of shape \\(batch, tokens\\)"):
        told(attention_mask=torch.zeros(1, 1, 3, 3)).__enter__()


def test_masks_by_kind_of_layer_are_refused_unless_they_are_told() -> None:
    """As `create_masks_for_generate` makes them."""
    model, inputs = llama().train(), batch()
    masks = {"full_attention": torch.zeros(2, 1, *2 * inputs["input_ids"].shape[1:])}
    with (
        attach(model, NOISE),
        pytest.raises(ValueError, match=r"neftune\.told\(attention_mask=…\)"),
    ):
        model(input_ids=inputs["input_ids"], attention_mask=masks)


def test_both_masks_of_an_encoder_decoder_can_be_told() -> None:
    model, inputs, target = t5().train(), batch((5, 9)), batch((4, 2))
    encoder, decoder = model.encoder.embed_tokens, model.decoder.embed_tokens
    masks = (inputs["attention_mask"], target["attention_mask"])
    with (
        attach(model, NOISE),
        seen(encoder) as read,
        seen(decoder) as written,
        told(attention_mask=masks[0], decoder_attention_mask=masks[1]),
    ):
        model(input_ids=inputs["input_ids"], decoder_input_ids=target["input_ids"])
    assert_own_scale(noise_of(encoder, inputs["input_ids"], read), masks[0])
    assert_own_scale(noise_of(decoder, target["input_ids"], written), masks[1])


@pytest.mark.parametrize("tokens", ("prompt", "response"))
def test_what_an_encoder_reads_is_all_prompt(tokens: str) -> None:
    model, inputs = t5().train(), batch((5, 9))
    labels = torch.randint(3, VOCABULARY, (2, 12))
    encoder, decoder = model.encoder.embed_tokens, model.decoder.embed_tokens
    with (
        attach(model, Noise(5, "bernoulli", tokens=tokens)),
        seen(encoder) as read,
        seen(decoder) as written,
    ):
        model(**inputs, labels=labels)
    shifted = nn.functional.pad(labels[:, :-1], (1, 0))
    prompt = tokens == "prompt"
    assert noise_of(encoder, inputs["input_ids"], read).any() == prompt
    assert noise_of(decoder, shifted, written).any() != prompt


def test_labels_that_begin_with_a_prompt_end_the_decoders_tokens_alone() -> None:
    model, inputs, ids = t5().train(), batch((5, 9)), torch.randint(3, VOCABULARY, (2, 4))
    labels = torch.tensor([[-100, -100, 7, 8], [-100, 7, -100, -100]])
    decoder = model.decoder.embed_tokens
    with attach(model, NOISE), seen(decoder) as written:
        model(**inputs, decoder_input_ids=ids, labels=labels)
    assert_own_scale(noise_of(decoder, ids, written), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]))


def test_what_cannot_be_told_is_named() -> None:
    with pytest.raises(TypeError, match="not lengths"), told(lengths=torch.ones(1)):
        pass


def test_a_continuation_of_a_cached_prompt_has_its_own_length() -> None:
    model, inputs = llama().train(), batch((9, 9))
    with torch.no_grad():
        past = model(inputs["input_ids"][:, :4], use_cache=True).past_key_values
    rest, mask = inputs["input_ids"][:, 4:9], inputs["attention_mask"][:, :9]
    embedding = model.get_input_embeddings()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(input_ids=rest, attention_mask=mask, past_key_values=past)
    assert_own_scale(noise_of(embedding, rest, outputs), mask[:, 4:])


def test_alpha_alone_is_a_noise() -> None:
    model = llama()
    with attach(model, 5) as attachment:
        assert attachment.noise == Noise(5)
    assert NEFTune(5).noise == Noise(5)
    with pytest.raises(ValueError, match="alpha must be"):
        attach(model, -1)


@pytest.mark.parametrize(("sharers", "same"), ((1, False), (2, True)))
def test_processes_that_share_rows_draw_the_same(
    sharers: int, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in tensor parallelism; those with rows of their own draw noise of their own."""
    found = []
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank in (0, 1):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        ids, ones = torch.ones(1, 4, dtype=torch.int64), torch.full((1, 4), 4)
        draws = Draws(seed=0, by_sequence=False, sharers=sharers)
        found.append(draws(Wanted(Noise(5), D, torch.float32), ids, ids - 1, ones))
    assert torch.equal(*found) == same


def test_relative_noise_of_entries_that_are_elsewhere_is_refused() -> None:
    model = llama()
    model.get_input_embeddings().weight.data = torch.empty(0)
    with pytest.raises(ValueError, match=r"relative noise needs the embeddings' entries"):
        attach(model, Noise.relative(0.1))


def test_whatever_was_left_on_a_model_can_be_removed() -> None:
    model, inputs = llama().train(), batch()
    clean = logits(model, inputs)
    attach(model, NOISE)
    detach(model)
    detach(model)
    assert torch.equal(logits(model, inputs), clean)
    with attach(model, NOISE):
        assert not torch.equal(logits(model, inputs), clean)
