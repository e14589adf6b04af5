"""Passes of every kind: compiled, computed again, copied models, threads, errors, interrupts."""

import copy
import io
import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend

from neftune import Noise, attach
from tests.neftune.models import VOCABULARY, batch, llama, t5
from tests.neftune.test_attach import NOISE, seen
from tests.neftune.test_everywhere import assert_own_scale, logits, noise_of


@pytest.mark.parametrize("whole", (True, False), ids=("torch.compile", "model.compile"))
def test_a_model_that_ran_compiled_before_gets_the_noise_and_loses_it_again(whole: bool) -> None:
    plain, inputs = llama().train(), batch()
    model: Any = torch.compile(plain, backend="aot_eager") if whole else plain
    if not whole:
        plain.compile(backend="aot_eager")
    clean = logits(model, inputs)
    with attach(model, NOISE):
        noisy = logits(model, inputs)
        assert not torch.allclose(noisy, clean, atol=1e-3)
        assert not torch.equal(logits(model, inputs), noisy)
    torch.testing.assert_close(logits(model, inputs), clean)


@pytest.mark.parametrize("whole", (True, False), ids=("torch.compile", "a function"))
def test_what_calls_the_model_and_ran_compiled_before_is_named_with_the_remedy(whole: bool) -> None:
    """The noise is attached to the model within."""
    model, inputs = llama().train(), batch()
    called: Any = model if whole else lambda **inputs: model(**inputs)
    called = torch.compile(called, backend="aot_eager")
    clean = logits(called, inputs)
    with pytest.warns(UserWarning, match=r"call torch\.compiler\.reset"), attach(model, NOISE):
        assert torch.equal(logits(called, inputs), clean)
    torch.compiler.reset()
    with attach(model, NOISE):
        assert not torch.allclose(logits(called, inputs), clean, atol=1e-3)
    torch.testing.assert_close(logits(called, inputs), clean)


def test_compiled_blocks_are_not_compiled_anew() -> None:
    """They cost much, and kernels depend on the first shapes that they were compiled for."""
    counter = CompileCounterWithBackend("aot_eager")
    model, inputs = llama().train(), batch()
    for block in model.model.layers:
        block.compile(backend=counter)
    logits(model, inputs)
    before = counter.frame_count
    with attach(model, NOISE):
        logits(model, inputs)
    logits(model, inputs)
    assert counter.frame_count == before > 0


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
