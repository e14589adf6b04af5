"""A pass can have the noise of the pass before, negated, as SymNoise has it."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from neftune import Noise, attach
from tests.neftune.models import batch, llama
from tests.neftune.test_attach import NOISE, seen
from tests.neftune.test_everywhere import assert_own_scale, noise_of

WAYS: dict[str, dict[str, Any]] = {
    "one stream": {},
    "by sequence": {"by_sequence": True, "step": 0},
}


def both(model: Any, inputs: dict[str, Tensor], **way: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The noise of three passes: one, its opposite, and the next one of its own."""
    embedding = model.model.embed_tokens
    found = []
    with attach(model, NOISE, **way) as attachment:
        for number in range(3):
            if number == 2 and way.get("by_sequence"):
                attachment.step = 1
            with seen(embedding) as outputs:
                if number == 1:
                    with attachment.opposite():
                        model(**inputs)
                else:
                    model(**inputs)
            found.append(noise_of(embedding, inputs["input_ids"], outputs))
    first, second, third = found
    return first, second, third


@pytest.mark.parametrize("way", WAYS)
def test_the_opposite_pass_has_the_same_noise_negated(way: str) -> None:
    model, inputs = llama().train(), batch((5, 7))
    first, second, third = both(model, inputs, **WAYS[way])
    torch.testing.assert_close(first, -second)
    assert_own_scale(first, inputs["attention_mask"])
    assert not any(torch.equal(third, each) for each in (first, second))


def test_the_stream_goes_on_as_if_there_had_been_no_opposite_pass() -> None:
    model, inputs = llama().train(), batch((5, 7))
    embedding = model.model.embed_tokens
    *_, third = both(model, inputs)
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
        del outputs[:]
        model(**inputs)
    assert torch.equal(noise_of(embedding, inputs["input_ids"], outputs), third)


def test_an_opposite_pass_without_one_before_it_is_refused() -> None:
    model = llama().train()
    with attach(model, Noise(5)) as attachment:
        model(**batch((5, 7)))
        with (
            attachment.opposite(),
            pytest.raises(RuntimeError, match="make a training pass with noise over the same"),
        ):
            model(**batch((4, 8)))


def test_each_noise_is_negated_once_and_a_clean_pass_has_none_to_negate() -> None:
    model, inputs = llama().train(), batch((5, 7))
    with attach(model, Noise(5)) as attachment:
        model(**inputs)
        with attachment.opposite():
            model(**inputs)
            with pytest.raises(RuntimeError, match="before each one within"):
                model(**inputs)
        model(**inputs)
        with attachment.paused():
            model(**inputs)
        with attachment.opposite(), pytest.raises(RuntimeError, match="a training pass with noise"):
            model(**inputs)


@pytest.mark.long
def test_both_passes_can_be_in_one_graph() -> None:
    model, inputs = llama().train(), batch((5, 7))
    embedding = model.model.embed_tokens

    def step(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        one = embedding_of(ids, mask)
        with attachment.opposite():
            return one, embedding_of(ids, mask)

    def embedding_of(ids: Tensor, mask: Tensor) -> Tensor:
        found = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        first: Tensor = found.hidden_states[0]
        return first

    with attach(model, NOISE) as attachment:
        one, other = torch.compile(step, backend="aot_eager")(*inputs.values())
    clean = embedding(inputs["input_ids"])
    assert not torch.allclose(one, clean)
    torch.testing.assert_close(one - clean, clean - other)


def test_an_opposite_pass_that_is_computed_again_stays_opposite() -> None:
    def gradients(whole: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model, inputs = llama().train(), batch((5, 7))

        def forward(ids: Tensor, mask: Tensor) -> Tensor:
            found: Tensor = model(input_ids=ids, attention_mask=mask).logits
            return found

        def backward() -> None:
            given = tuple(inputs.values())
            found: Any = (
                checkpoint(forward, *given, use_reentrant=False) if whole else forward(*given)
            )
            found.square().mean().backward()

        with attach(model, Noise(50)) as attachment:
            backward()
            with attachment.opposite():
                backward()
        return [each.grad for each in model.parameters() if each.grad is not None]

    for plain, again in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(plain, again)
