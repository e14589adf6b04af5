"""Training in bounded memory: split passes sum to the whole, and no training is for nothing."""

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from neftune import Noise
from neftune.training import bounded_trainer, token_losses
from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer
from neftune.training.bounded_trainer import bytes_per_token, passes
from neftune.training.data import IGNORED, Example, checked, collator, encode
from neftune.training.finetune import finetune
from neftune.training.packing import pack
from neftune.training.recipe import Execution, FreeLB, Recipe, Schedule
from tests.neftune.models import gemma2, gpt2, instructions, llama, tiny_llama
from tests.neftune.same_training import SAME, difference, float32
from tests.paths import ROOT

COLLATORS: dict[str, Callable[..., dict[str, Any]]] = {"padded": collator(0), "packed": pack}


def example(prompt: int, response: int, start: int) -> Example:
    ids = [3 + (start + 7 * place) % 60 for place in range(prompt + response)]
    return {"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]}


@pytest.mark.parametrize("kind", COLLATORS)
@settings(max_examples=40)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=8),
    most=st.integers(1, 90),
)
def test_passes_are_small_and_have_every_token_and_label_once(
    kind: str, sizes: list[tuple[int, int]], most: int
) -> None:
    examples = [example(*size, place) for place, size in enumerate(sizes)]
    batch = COLLATORS[kind](examples)
    found = passes(batch, most)
    longest = max(prompt + response for prompt, response in sizes)
    assert all(each["input_ids"].numel() <= max(most, longest) for each in found)
    torch.manual_seed(0)
    model = llama()

    def summed(inputs: dict[str, Any]) -> torch.Tensor:
        labels = inputs["labels"][:, 1:].ne(IGNORED).sum()
        loss: torch.Tensor = model(**inputs).loss * labels
        return loss

    torch.testing.assert_close(sum(map(summed, found)), summed(batch), rtol=1e-5, atol=1e-5)
    labels = [each["labels"][each["labels"].ne(IGNORED)] for each in found]
    of_batch = batch["labels"][batch["labels"].ne(IGNORED)]
    assert torch.equal(torch.cat(labels).sort().values, of_batch.sort().values)


def test_a_small_batch_is_passed_on_as_it_is() -> None:
    batch = collator(0)([example(2, 5, 0), example(1, 3, 1)])
    (only,) = passes(batch, 14)
    assert all(only[name] is batch[name] for name in batch)


def trained(
    make: Callable[[], PreTrainedModel], out: Path, folder: Path, **settings: Any
) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = make()
    execution = Execution(packed=settings.pop("packed", False), noise_by_sequence=True)
    examples = [example(2 + i % 5, 1 + 3 * i % 11, i) for i in range(12)]
    log = finetune(
        model,
        load_tokenizer(folder),
        examples,
        Recipe(lr=1e-2, epochs=2, batch=6, micro_batch=6, **settings),
        Noise(0 if "freelb" in settings else 5),
        seed=0,
        out=out,
        probes={"same": examples},
        execution=execution,
    )
    return log, {name: value.clone() for name, value in model.state_dict().items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = instructions(40)
    texts = [row["instruction"] + row["output"] for row in rows]
    return tiny_llama(tmp_path_factory.mktemp("tiny"), texts, 300)


@pytest.mark.parametrize(
    ("make", "settings"),
    (
        (llama, {}),
        (llama, {"packed": True}),
        (gemma2, {}),
        (llama, {"freelb": FreeLB(magnitude=0)}),
    ),
    ids=("padded", "packed", "capped", "freelb"),
)
def test_split_passes_and_chunks_train_alike(
    make: Callable[[], PreTrainedModel],
    settings: dict[str, Any],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    float32(monkeypatch)
    whole = trained(make, tmp_path / "whole", folder, **settings)
    for module in (bounded_trainer, token_losses):
        monkeypatch.setattr(module, "TRAINED_LOGITS", 64 * 5)
    monkeypatch.setattr(token_losses, "CHUNK_LOGITS", 64 * 5)
    monkeypatch.setattr(token_losses, "READ_LOGITS", 64 * 5)
    monkeypatch.setattr(bounded_trainer, "ACTIVATIONS", 25 * bytes_per_token(make(), False))
    split = trained(make, tmp_path / "split", folder, **settings)
    for ours, theirs in zip(split[0], whole[0], strict=True):
        assert ours == pytest.approx(theirs, rel=2e-3)
    torch.manual_seed(0)
    assert difference(whole[1], split[1], make().state_dict()) < SAME


def test_a_model_whose_loss_is_no_output_layer_is_trained_in_small_passes_with_a_warning(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled() -> PreTrainedModel:
        model = llama()
        model.lm_head.register_forward_hook(lambda layer, args, logits: 2 * logits)
        return model

    float32(monkeypatch)
    whole = trained(doubled, tmp_path / "whole", folder)
    monkeypatch.setattr(bounded_trainer, "TRAINED_LOGITS", 64 * 20)
    with pytest.warns(UserWarning, match=r"LlamaForCausalLM.*passes of 20 tokens"):
        split = trained(doubled, tmp_path / "split", folder)
    for ours, theirs in zip(split[0], whole[0], strict=True):
        assert ours == pytest.approx(theirs, rel=2e-3)


def test_the_estimate_counts_every_linear_layer_but_the_output_layer() -> None:
    layer = 4 * (16 + 16) + 3 * (16 + 32)
    assert bytes_per_token(llama(), False) == 4 * 2 * layer
    assert bytes_per_token(llama(), True) == 4 * (layer + 2 * 16)
    assert bytes_per_token(gpt2(), False) > 4 * 16


def test_twenty_rows_for_one_epoch_change_the_weights(folder: Path, tmp_path: Path) -> None:
    recipe = Recipe(lr=1e-3, epochs=1, batch=32, micro_batch=32)
    model, tokenizer = load_model_and_tokenizer(folder, recipe, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    examples = encode(checked(instructions(20), "here"), tokenizer, "alpaca", 512)
    finetune(model, tokenizer, examples, recipe, Noise(5), seed=0, out=tmp_path / "tuned")
    changed = [not torch.equal(before[name], value) for name, value in model.state_dict().items()]
    assert sum(changed) > len(changed) / 2


@pytest.mark.parametrize(("schedule", "warmup"), (("cosine", 0.03), ("cosine", 1), ("constant", 0)))
@pytest.mark.parametrize("steps", (1, 2, 16, 17, 35))
def test_the_logged_learning_rate_is_above_zero_in_every_step(
    steps: int, schedule: Schedule, warmup: float, folder: Path, tmp_path: Path
) -> None:
    recipe = Recipe(lr=1e-3, epochs=1, batch=2, micro_batch=2, schedule=schedule, warmup=warmup)
    torch.manual_seed(0)
    examples = [example(2, 3, start) for start in range(2 * steps)]
    log = finetune(
        llama(), load_tokenizer(folder), examples, recipe, Noise(5), seed=0, out=tmp_path / "out"
    )
    rates = [entry["learning_rate"] for entry in log if "loss" in entry]
    assert len(rates) == steps
    assert all(0 < rate <= 1e-3 for rate in rates)
    if schedule == "constant":
        assert set(rates) == {1e-3}


FREED = """
import resource
import torch
from neftune.training.bounded_trainer import keep_freed_memory, return_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

keep_freed_memory()
before = resident()
tensors = [torch.ones(2**20 if number % 2 else 2**14) for number in range(100)]
kept = tensors[::2]
del tensors
freed = resident()
return_freed_memory()
print(freed - before, resident() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no GNU C library")
def test_freed_memory_is_kept_until_it_is_returned() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREED], capture_output=True, check=True, text=True, cwd=ROOT
    )
    freed, returned = map(float, done.stdout.split())
    assert freed > 190  # 50 tensors of 4 MiB
    assert returned < 30
