"""The real Trainer on the shipped base model: batches, noise, log, bytes."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

from experiments.nano.instructions import instruction_set
from neftune import NEFTune, Noise, Recipe
from neftune.attachment import attach
from neftune.data import Example, checked, encode
from neftune.finetune import finetune
from tests.paths import BASE

RECIPE = Recipe(lr=1e-3, epochs=1, batch=16, micro_batch=8)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(instruction_set("alpaca", "train")[:48], "alpaca")
    return encode(rows, tokenizer, "alpaca", 256)


def tune(examples: list[Example], noise: Noise, out: Path) -> list[dict[str, object]]:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    return finetune(
        model, tokenizer, examples, RECIPE, noise, seed=0, out=out, probes={"same": examples}
    )


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_same_seed_same_bytes_and_noise_changes_them(
    examples: list[Example], tmp_path: Path
) -> None:
    for name, alpha in (("a", 5), ("b", 5), ("clean", 0)):
        tune(examples, Noise(alpha), tmp_path / name)
    first, second, clean = (digests(tmp_path / name) for name in ("a", "b", "clean"))
    assert first == second
    assert first["model.safetensors"] != clean["model.safetensors"]
    assert not [name for name in first if name.endswith((".bin", ".pt", ".pkl"))]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "clean"]


def test_the_log_has_clean_losses_from_start_to_end(
    examples: list[Example], tmp_path: Path
) -> None:
    log = tune(examples, Noise(10), tmp_path / "tuned")
    lines = (tmp_path / "tuned" / "training_log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == log
    clean = [(entry["step"], entry["eval_same_loss"]) for entry in log if "eval_same_loss" in entry]
    assert clean[0][0] == 0
    assert clean[-1][0] == 3
    assert clean[-1][1] < clean[0][1]  # type: ignore[operator]
    assert not any("runtime" in key for entry in log for key in entry)


def batches_and_weights(
    examples: list[Example], alpha: float | None, out: Path
) -> tuple[list[list[int]], dict[str, torch.Tensor]]:
    """What a Trainer with our callback saw, and what it made of the model."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    seen: list[list[int]] = []
    model.register_forward_pre_hook(
        lambda m, args, kwargs: seen.append(kwargs["input_ids"].flatten().tolist()),
        with_kwargs=True,
    )
    Trainer(
        model,
        TrainingArguments(
            str(out),
            per_device_train_batch_size=8,
            num_train_epochs=1,
            use_cpu=True,
            seed=7,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=examples,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        callbacks=[] if alpha is None else [NEFTune(Noise(alpha))],
    ).train()
    attach(model, Noise(5)).detach()  # raises if the callback had left the noise attached
    return seen, model.state_dict()


def test_the_same_seed_gives_the_same_batches_with_and_without_noise(
    examples: list[Example], tmp_path: Path
) -> None:
    plain = batches_and_weights(examples, None, tmp_path)
    zero = batches_and_weights(examples, 0, tmp_path)
    noisy = batches_and_weights(examples, 10, tmp_path)
    assert plain[0] == zero[0] == noisy[0]
    assert all(torch.equal(plain[1][name], zero[1][name]) for name in plain[1])
    assert not all(torch.equal(plain[1][name], noisy[1][name]) for name in plain[1])


@pytest.mark.parametrize(
    ("field", "value"),
    (("lr", 0), ("lr", float("nan")), ("epochs", 0), ("warmup", 2), ("micro_batch", 48)),
)
def test_impossible_recipes_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        Recipe(**{field: value})  # type: ignore[arg-type]
