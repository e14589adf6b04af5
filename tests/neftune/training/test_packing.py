"""Packed batches: the loss, the gradients and the noise of padded ones, or a refusal."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from neftune import Noise
from neftune.attachment import attach
from neftune.training.data import IGNORED, Example, checked, collator, encode
from neftune.training.finetune import finetune
from neftune.training.packing import keeps_apart, pack
from neftune.training.recipe import Execution, FreeLB, Recipe
from tests.neftune.models import VOCABULARY, gpt_neox, instructions, llama, opt
from tests.neftune.same_training import float32
from tests.paths import BASE


def example(prompt: int, response: int, first: int) -> Example:
    ids = [1 + (first + 3 * place) % (VOCABULARY - 1) for place in range(prompt + response)]
    return {"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]}


def loss_and_gradients(
    model: PreTrainedModel, batch: dict[str, object], noise: Noise
) -> tuple[float, list[torch.Tensor]]:
    model = copy.deepcopy(model).train()
    with attach(model, noise, seed=3, by_sequence=True, step=0):
        loss = model(**batch).loss
        loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return float(loss.detach()), gradients


SIZES = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 60)), min_size=1, max_size=4
)


@pytest.mark.parametrize("make", [llama, gpt_neox])
@settings(max_examples=15)
@given(sizes=SIZES, alpha=st.sampled_from([0, 15]))
def test_a_packed_batch_has_the_loss_and_gradients_of_the_padded_one(
    make: Callable[[], PreTrainedModel], sizes: list[tuple[int, int, int]], alpha: float
) -> None:
    torch.manual_seed(0)
    model = make()
    examples = [example(*size) for size in sizes]
    padded = loss_and_gradients(model, collator(0)(examples), Noise(alpha))
    packed = loss_and_gradients(model, pack(examples), Noise(alpha))
    assert packed[0] == pytest.approx(padded[0], rel=1e-5)
    for one, other in zip(packed[1], padded[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_no_arithmetic_is_spent_on_padding() -> None:
    examples = [example(2, 30, 0), example(2, 3, 1)]
    batch = pack(examples)
    assert batch["input_ids"].shape == batch["position_ids"].shape == (1, 37)
    assert collator(0)(examples)["input_ids"].numel() == 64
    # The loss needs the logits of the responses and of the tokens before them.
    assert len(batch["logits_to_keep"]) == batch["labels"].shape[1] == 31 + 4


def test_models_that_mix_packed_sequences_are_recognized() -> None:
    torch.manual_seed(0)
    assert keeps_apart(llama())
    assert keeps_apart(gpt_neox())
    assert not keeps_apart(opt())
    assert keeps_apart(AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32))


def tuned(out: Path, recipe: Recipe, *, packed: bool) -> list[dict[str, object]]:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(instructions(32), "here")
    examples = encode(rows, tokenizer, "alpaca", 256)
    return finetune(
        AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32),
        tokenizer,
        examples,
        recipe,
        Noise(5),
        seed=0,
        out=out,
        probes={"same": examples},
        execution=Execution(group_by_length=False, noise_by_sequence=True, packed=packed),
    )


def test_a_packed_training_is_the_padded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    float32(monkeypatch)
    recipe = Recipe(lr=5e-4, epochs=1, batch=16, micro_batch=8)
    packed = tuned(tmp_path / "packed", recipe, packed=True)
    padded = tuned(tmp_path / "padded", recipe, packed=False)
    assert len(packed) == len(padded) > 3
    for one, other in zip(packed, padded, strict=True):
        for name in set(one) & {"loss", "grad_norm", "eval_same_loss"}:
            assert one[name] == pytest.approx(other[name], rel=2e-3), (one["step"], name)


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    for model, recipe, error in (
        (opt(), Recipe(batch=2, micro_batch=2), "OPTForCausalLM.*does not keep packed.*apart"),
        (
            llama(),
            Recipe(batch=2, micro_batch=2, freelb=FreeLB()),
            "FreeLB and the penalty train padded batches",
        ),
    ):
        with pytest.raises(ValueError, match=error):
            finetune(
                model,
                tokenizer,
                [example(2, 5, 0), example(2, 3, 1)],
                recipe,
                Noise(5),
                seed=0,
                out=tmp_path / "tuned",
                execution=Execution(packed=True),
            )
        assert not (tmp_path / "tuned").exists()
