"""The noise is there in every way of calling a model, and is off or refused where it must be."""

import copy
import io
import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlavaConfig,
    LlavaForConditionalGeneration,
    SiglipVisionConfig,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from neftune import NEFTune, Noise, attach, detach, told
from neftune.drawing import Draws, Wanted
from tests.neftune.models import VOCABULARY, D, batch, llama, t5
from tests.neftune.test_attach import NOISE, expected_size, seen

VISION: dict[str, Any] = {
    "hidden_size": D,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}


def noise_of(embedding: nn.Module, ids: Tensor, outputs: list[Tensor]) -> Tensor:
    """What was added to a layer's output, on the side of the looked-up vectors."""
    (output,) = outputs
    scale = getattr(embedding, "embed_scale", 1.0)
    return ((output - embedding(ids)) / scale).detach()


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


def logits(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    found: Tensor = model(**inputs, use_cache=False).logits
    return found.detach()


def compiled_in(model: Any, way: str) -> tuple[Any, Any]:
    """What noise is attached to, and what is called."""
    if way == "model.compile":
        model.compile(backend="aot_eager")
        return model, model
    if way == "a function that calls it":
        return model, torch.compile(lambda **inputs: model(**inputs), backend="aot_eager")
    wrapper = torch.compile(model, backend="aot_eager")
    return (model if way == "the model within torch.compile" else wrapper), wrapper


@pytest.mark.parametrize(
    "way",
    (
        "torch.compile",
        "the model within torch.compile",
        "model.compile",
        "a function that calls it",
    ),
)
def test_a_model_that_ran_compiled_before_gets_the_noise_and_loses_it_again(way: str) -> None:
    inputs = batch()
    model, called = compiled_in(llama().train(), way)
    clean = logits(called, inputs)
    with attach(model, NOISE):
        noisy = logits(called, inputs)
        assert not torch.allclose(noisy, clean, atol=1e-3)
        assert not torch.equal(logits(called, inputs), noisy)
    torch.testing.assert_close(logits(called, inputs), clean)


@pytest.mark.parametrize("noise", (Noise(5), Noise(5, tokens="response"), Noise(5, "gaussian")))
def test_a_model_with_noise_compiles_into_one_graph(noise: Noise) -> None:
    model, inputs = llama().train(), batch()
    labels = inputs["input_ids"].clone()
    labels[:, :3] = -100
    with attach(model, noise, seed=1):
        loss = model(**inputs, labels=labels, use_cache=False).loss.detach()
    compiled: Any = torch.compile(model, backend="aot_eager", fullgraph=True)
    with attach(compiled, noise, seed=1):
        found = compiled(**inputs, labels=labels, use_cache=False).loss
        found.backward()
    torch.testing.assert_close(found.detach(), loss)


def test_noise_by_sequence_is_the_same_in_a_graph() -> None:
    model, inputs = llama().train(), batch()
    found = []
    compiled: Any = torch.compile(model, backend="aot_eager", fullgraph=True)
    for each in (model, compiled):
        with attach(each, Noise(5), by_sequence=True) as attachment:
            attachment.step = 3
            found.append(logits(each, inputs))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("way", ("deepcopy", "saved"))
def test_a_copy_of_a_model_with_noise_has_none(way: str) -> None:
    model, inputs = llama().train(), batch()
    clean = logits(model, inputs)
    with attach(model, NOISE):
        if way == "deepcopy":
            other = copy.deepcopy(model)
        else:
            file = io.BytesIO()
            torch.save(model, file)
            file.seek(0)
            other = torch.load(file, weights_only=False)
        assert torch.equal(logits(other, inputs), clean)
        assert not torch.equal(logits(model, inputs), clean)
        with attach(other, NOISE):
            assert not torch.equal(logits(other, inputs), clean)
    assert torch.equal(logits(other, inputs), clean)


def _shifted(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Ids that are made within the pass."""
    found: Tensor = model(input_ids=ids[:, :-1].contiguous(), attention_mask=mask[:, :-1]).logits
    return found


def _plain(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    found: Tensor = model(input_ids=ids, attention_mask=mask).logits
    return found


def _with_decoder(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Decoder ids that the model makes from the labels."""
    found: Tensor = model(input_ids=ids, attention_mask=mask, labels=ids).logits
    return found


@pytest.mark.parametrize(
    ("make", "forward"),
    ((llama, _plain), (llama, _shifted), (t5, _with_decoder)),
    ids=("plain", "ids made within", "encoder-decoder"),
)
def test_a_pass_computed_again_in_the_backward_pass_has_the_same_noise(
    make: Any, forward: Any
) -> None:
    from torch.utils.checkpoint import checkpoint

    def gradients(whole: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model = make().train()
        with attach(model, Noise(5), seed=3):
            losses = []
            for count in (5, 7):
                ids, mask = batch((count, 9)).values()
                given = (model, (ids + count) % VOCABULARY, mask)
                found = (
                    checkpoint(forward, *given, use_reentrant=False) if whole else forward(*given)
                )
                assert isinstance(found, Tensor)
                losses.append(found.square().mean())
            for loss in losses:
                loss.backward()  # type: ignore[no-untyped-call]
        return [p.grad for p in model.parameters() if p.grad is not None]

    for plain, again in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(plain, again)


def test_a_pass_that_had_no_noise_at_first_is_not_computed_again_with_some() -> None:
    """As torch's older checkpoints do, which compute the first pass without gradients."""
    from torch.utils.checkpoint import checkpoint

    model, start = llama().train(), torch.zeros((), requires_grad=True)
    inputs = batch()

    def forward(start: Tensor) -> Tensor:
        found: Tensor = model(**inputs).logits
        return found + start

    with attach(model, Noise(5)):
        found = checkpoint(forward, start, use_reentrant=True)
        assert isinstance(found, Tensor)
        with pytest.raises(RuntimeError, match="use use_reentrant=False"):
            found.sum().backward()  # type: ignore[no-untyped-call]


def test_passes_over_the_same_tokens_are_not_taken_for_each_other() -> None:
    from torch.utils.checkpoint import checkpoint

    model, given = llama().train(), batch().values()
    with attach(model, Noise(5)):
        found = [checkpoint(_plain, model, *given, use_reentrant=False) for _ in range(2)]
        loss: Any = sum(each.square().mean() for each in found)
        with pytest.raises(RuntimeError, match="2 passes over the same tokens are computed again"):
            loss.backward()
        for _ in range(2):
            again: Any = checkpoint(_plain, model, *batch((4, 8)).values(), use_reentrant=False)
            again.square().mean().backward()


@pytest.mark.parametrize("way", ({}, {"by_sequence": True, "step": 0}), ids=("stream", "sequence"))
@pytest.mark.parametrize("within", (True, False), ids=("backward within", "backward after"))
def test_a_clean_pass_that_is_computed_again_stays_clean(way: Any, within: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    def gradients(whole: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model, given = llama().train(), tuple(batch().values())
        with attach(model, Noise(50), **way) as attachment:
            with attachment.paused():
                found: Any = (
                    checkpoint(_plain, model, *given, use_reentrant=False)
                    if whole
                    else _plain(model, *given)
                )
                if within:
                    found.square().mean().backward()
            if not within:
                found.square().mean().backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    for plain, again in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(plain, again)


@pytest.mark.parametrize("way", ({}, {"by_sequence": True, "step": 0}), ids=("stream", "sequence"))
def test_a_clean_and_a_noisy_pass_over_the_same_tokens_are_not_taken_for_each_other(
    way: Any,
) -> None:
    from torch.utils.checkpoint import checkpoint

    model, given = llama().train(), batch().values()
    with attach(model, Noise(5), **way) as attachment:
        noisy: Any = checkpoint(_plain, model, *given, use_reentrant=False)
        with attachment.paused():
            clean: Any = checkpoint(_plain, model, *given, use_reentrant=False)
        with pytest.raises(RuntimeError, match="2 passes over the same tokens are computed again"):
            (noisy + clean).square().mean().backward()


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


@pytest.mark.long
def test_two_passes_in_one_graph_have_noise_of_their_own() -> None:
    """Also where the compiler looks for what is computed twice."""
    model, inputs = llama().train(), batch()
    with attach(model, Noise(5)) as attachment:

        def both(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            return _plain(model, ids, mask), _plain(model, ids, mask)

        first, second = torch.compile(both)(*inputs.values())
        (first.sum() + second.sum()).backward()  # type: ignore[no-untyped-call]
        assert attachment.passes == 2
    assert not torch.equal(first, second)


def test_two_threads_each_follow_their_own_call() -> None:
    model, embedding = llama().train(), None
    embedding = model.get_input_embeddings()
    found: dict[int, list[tuple[Tensor, Tensor]]] = {5: [], 8: []}

    def train(length: int) -> None:
        inputs = batch((length, length + 1))
        for _ in range(20):
            model(**inputs)

    def keep(module: nn.Module, args: tuple[Tensor], output: Tensor) -> None:
        found[args[0].shape[1] - 2].append((args[0], output.detach()))

    with attach(model, NOISE):
        embedding.register_forward_hook(keep)
        threads = [threading.Thread(target=train, args=(length,)) for length in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for length, outputs in found.items():
        assert len(outputs) == 20
        mask = batch((length, length + 1))["attention_mask"]
        for ids, output in outputs:
            assert_own_scale(output - embedding.weight[ids].detach(), mask)


def test_noise_by_sequence_without_a_step_is_refused() -> None:
    model = llama().train()
    with (
        attach(model, NOISE, by_sequence=True),
        pytest.raises(ValueError, match=r"attachment\.step"),
    ):
        model(**batch())


def test_an_error_in_a_pass_leaves_the_next_one_right() -> None:
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE):
        hook = model.lm_head.register_forward_pre_hook(lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model(**inputs)
        hook.remove()
        assert torch.equal(embedding(inputs["input_ids"]), embedding.weight[inputs["input_ids"]])
        with seen(embedding) as outputs:
            model(**inputs)
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_an_interrupt_in_a_pass_leaves_the_next_one_right() -> None:
    """Torch tells hooks of errors, and not of Ctrl-C."""
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with attach(model, NOISE):
        hook = model.model.layers[0].register_forward_pre_hook(interrupt)
        with pytest.raises(KeyboardInterrupt):
            model(**inputs)
        hook.remove()
        other = batch((4, 6))
        vectors = embedding.weight[other["input_ids"]].detach()
        kept: list[Tensor] = []
        model.model.layers[0].register_forward_pre_hook(lambda m, args: kept.append(args[0]))
        model(inputs_embeds=vectors, attention_mask=other["attention_mask"])
        model(input_ids=other["input_ids"])
    assert_own_scale(kept[0].detach() - vectors, other["attention_mask"])
    assert_own_scale(kept[1].detach() - vectors, torch.ones_like(other["attention_mask"]))


def test_a_block_without_a_training_pass_says_so() -> None:
    model, inputs = llama().eval(), batch()
    with (
        pytest.warns(UserWarning, match="no training pass of the model was seen"),
        attach(model, 5),
    ):
        model(**inputs)


def test_a_pass_may_be_clean_on_purpose() -> None:
    model, inputs = llama().train(), batch()
    clean = logits(model, inputs)
    with attach(model, NOISE) as attachment:
        with attachment.paused():
            assert torch.equal(logits(model, inputs), clean)
        assert not torch.equal(logits(model, inputs), clean)


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


@pytest.mark.parametrize(
    "kind", ("PrefixTuningConfig", "PromptTuningConfig", "PromptEncoderConfig")
)
def test_learnt_vectors_before_the_text_get_no_noise(kind: str) -> None:
    peft = pytest.importorskip("peft")
    inputs = batch()
    config = getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=4)
    model = peft.get_peft_model(llama(), config).train()
    embedding = model.get_base_model().get_input_embeddings()
    clean = []
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
        clean = outputs[:]
    assert_own_scale(noise_of(embedding, inputs["input_ids"], clean), inputs["attention_mask"])


def test_a_model_that_classifies_gets_the_noise() -> None:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=0,
    )
    model, inputs = LlamaForSequenceClassification(config).train(), batch()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs, labels=torch.tensor([0, 1])).loss.backward()
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_labels_of_rows_are_not_taken_for_those_of_tokens() -> None:
    from transformers import BartForSequenceClassification

    model = BartForSequenceClassification(small_bart()).train()
    ids = torch.randint(3, VOCABULARY, (2, 10))
    ids[:, -1] = 2  # The end of a sequence, by which it is classified.
    with attach(model, NOISE) as attachment:
        model(input_ids=ids, labels=torch.tensor([0, 1])).loss.backward()
        assert attachment.passes == 2
    with (
        attach(model, Noise(5, tokens="response")),
        pytest.raises(ValueError, match=r"needs labels of tokens, \(B, K\), not of shape \(2,\)"),
    ):
        model(input_ids=ids, labels=torch.tensor([0, 1]))


@pytest.mark.parametrize("tied", (False, True))
def test_a_model_of_which_single_tokens_are_trained_gets_the_noise(tied: bool) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["q_proj"], trainable_token_indices=[3, 5])
    model, inputs = peft.get_peft_model(llama(tied), config).train(), batch()
    embedding = model.get_base_model().model.embed_tokens
    clean = embedding(inputs["input_ids"]).detach()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
    assert_own_scale(outputs[0].detach() - clean, inputs["attention_mask"])


@pytest.mark.parametrize("dora", (False, True), ids=("LoRA", "DoRA"))
def test_the_noise_is_added_to_what_an_adapter_makes_of_the_embeddings(dora: bool) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["embed_tokens"], use_dora=dora)
    model, inputs = peft.get_peft_model(llama(), config).train(), batch()
    adapted = model.get_base_model().model.embed_tokens
    with torch.no_grad():
        adapted.lora_embedding_B["default"].normal_()
        if dora:
            adapted.lora_magnitude_vector["default"].weight.mul_(1.7)
    clean = adapted(inputs["input_ids"]).detach()
    with attach(model, NOISE), seen(adapted) as outputs:
        model(**inputs)
    assert_own_scale(outputs[0].detach() - clean, inputs["attention_mask"])


class Rewards(LlamaForCausalLM):
    """As some reward models are, which do not say where their embeddings are."""

    def get_input_embeddings(self) -> Any:
        return None


def test_a_model_that_does_not_name_its_embeddings_gets_the_noise() -> None:
    model, inputs = Rewards(llama().config).train(), batch()
    embedding = model.model.embed_tokens
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_a_model_without_token_embeddings_is_refused_by_name() -> None:
    from transformers import CLIPVisionModel

    vision = CLIPVisionConfig(**VISION)
    with pytest.raises(TypeError, match="CLIPVisionModel: it has no layer that looks up token"):
        attach(CLIPVisionModel(vision), NOISE)


class Normed(nn.Embedding):
    """As Inkling's, which normalizes what it looks up."""

    def __init__(self) -> None:
        super().__init__(VOCABULARY, D)
        self.norm = nn.RMSNorm(D)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.norm(super().forward(ids))
        return found


@pytest.mark.parametrize("lora", (False, True))
def test_a_layer_that_normalizes_its_embeddings_is_refused(lora: bool) -> None:
    model: Any = llama()
    model.set_input_embeddings(Normed())
    if lora:
        peft = pytest.importorskip("peft")
        model = peft.get_peft_model(model, peft.LoraConfig(target_modules=["embed_tokens"]))
    with pytest.raises(TypeError, match=r"its embedding layer, a Normed, .* look up \(norm\)"):
        attach(model, NOISE)


def test_a_model_that_transposes_its_tokens_is_refused() -> None:
    from transformers import XLNetConfig, XLNetLMHeadModel

    config = XLNetConfig(vocab_size=VOCABULARY, d_model=D, n_layer=1, n_head=2, d_inner=32)
    with pytest.raises(TypeError, match="XLNetLMHeadModel: it reads its embeddings by column"):
        attach(XLNetLMHeadModel(config), NOISE)


def test_whispers_decoder_gets_the_noise_and_its_sound_does_not() -> None:
    config = WhisperConfig(
        vocab_size=VOCABULARY,
        d_model=D,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_mel_bins=8,
        max_source_positions=10,
        max_target_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        dropout=0.0,
    )
    model = WhisperForConditionalGeneration(config).train()
    labels = torch.tensor([[5, 6, 7, 8], [9, 10, -100, -100]])
    embedding = model.model.decoder.embed_tokens
    conv: list[Tensor] = []
    sound = torch.randn(2, 8, 20)
    model.model.encoder.conv1.register_forward_hook(lambda m, i, o: conv.append(o.detach()))
    model(input_features=sound, labels=labels)
    with attach(model, NOISE), seen(embedding) as outputs:
        model(input_features=sound, labels=labels)
    assert torch.equal(*conv)
    shifted = torch.tensor([[1, 5, 6, 7], [1, 9, 10, 0]])
    assert_own_scale(noise_of(embedding, shifted, outputs), labels.ne(-100).long())


def small_bart() -> BartConfig:
    return BartConfig(
        vocab_size=VOCABULARY,
        d_model=D,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=32,
        scale_embedding=True,
        dropout=0.0,
    )


def test_bart_scales_the_noise_as_its_embeddings() -> None:
    model, inputs = BartForConditionalGeneration(small_bart()).train(), batch()
    encoder = model.model.encoder.embed_tokens
    assert encoder.embed_scale == D**0.5
    with attach(model, NOISE), seen(encoder) as outputs:
        model(**inputs, labels=inputs["input_ids"])
    assert_own_scale(noise_of(encoder, inputs["input_ids"], outputs[:1]), inputs["attention_mask"])


IMAGE = 60


def llava() -> Any:
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**VISION),
            text_config=llama().config,
            image_token_id=IMAGE,
            image_seq_length=4,
            vision_feature_layer=-1,
        )
    )


def gemma3() -> Any:
    text = Gemma3TextConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=8,
    )
    vision = SiglipVisionConfig(**VISION)
    return Gemma3ForConditionalGeneration(
        Gemma3Config(
            text_config=text,
            vision_config=vision,
            mm_tokens_per_image=4,
            image_token_index=IMAGE,
            image_token_id=IMAGE,
        )
    )


@pytest.mark.parametrize("make", (llava, gemma3))
def test_beside_pictures_the_text_alone_gets_noise(make: Any) -> None:
    torch.manual_seed(0)
    model = make().train()
    ids = torch.tensor([[5, IMAGE, IMAGE, IMAGE, IMAGE, 7, 8, 0], [3, 4] + [IMAGE] * 4 + [5, 6]])
    mask = torch.tensor([[1] * 7 + [0], [1] * 8])
    kept: list[Tensor] = []
    text = model.model.language_model
    layer = text.layers[0]
    layer.register_forward_pre_hook(
        lambda m, args, kwargs: kept.append(
            (args[0] if args else kwargs["hidden_states"]).detach()
        ),
        with_kwargs=True,
    )
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "pixel_values": torch.randn(2, 3, 8, 8),
        "token_type_ids": ids.eq(IMAGE).long(),
    }
    if make is llava:
        del inputs["token_type_ids"]
    model(**inputs)
    with attach(model, NOISE):
        model(**inputs)
    clean, noisy = kept
    scale = getattr(model.get_input_embeddings(), "embed_scale", 1.0)
    wanted = expected_size(mask) * ids.ne(IMAGE)[..., None]
    torch.testing.assert_close((noisy - clean).abs() / scale, wanted, atol=1e-5, rtol=1e-4)


def test_vectors_of_text_and_pictures_together_are_refused() -> None:
    model = llava().train()
    vectors = model.get_input_embeddings()(torch.tensor([[3, IMAGE, IMAGE, IMAGE, IMAGE, 5]]))
    with attach(model, NOISE), pytest.raises(ValueError, match="images and inputs_embeds"):
        model(inputs_embeds=vectors, pixel_values=torch.randn(1, 3, 8, 8))


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
