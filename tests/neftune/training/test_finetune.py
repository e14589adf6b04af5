"""The real Trainer on the shipped base model: batches, noise, log, bytes."""

import gc
import hashlib
import json
import os
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from neftune import NEFTune, Noise
from neftune.attachment import attach
from neftune.training.compilation import blocks
from neftune.training.data import Example, checked, encode
from neftune.training.epochs import EPOCHS
from neftune.training.finetune import finetune, freeze
from neftune.training.recipe import Execution, Part, Recipe
from tests.neftune.models import instructions, llama
from tests.paths import BASE

RECIPE = Recipe(lr=1e-3, epochs=1, batch=16, micro_batch=8)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(instructions(48), "here")
    return encode(rows, tokenizer, "alpaca", 256)


def load() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(BASE)


def tune(examples: list[Example], noise: Noise, out: Path) -> list[dict[str, object]]:
    model, tokenizer = load()
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


def test_files_get_the_usual_permissions(examples: list[Example], tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        tune(examples, Noise(0), tmp_path / "tuned")
    finally:
        os.umask(mask)
    files = (tmp_path / "tuned").iterdir()
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {oct(0o640)}


@pytest.mark.parametrize(("alpha", "says"), ((0, "no noise"), (5, "uniform noise of alpha 5")))
def test_one_line_says_what_is_trained(
    alpha: float,
    says: str,
    examples: list[Example],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tune(examples, Noise(alpha), tmp_path / "tuned")
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        f"Training {BASE}, 2,410,176 parameters, on 48 examples in 3 steps, with {says} on the "
        "embeddings."
    )


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
    model, tokenizer = load()
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


def test_without_epochs_the_model_stays_as_it_is(examples: list[Example], tmp_path: Path) -> None:
    model, tokenizer = load()
    log = finetune(
        model,
        tokenizer,
        examples,
        Recipe(epochs=0),
        Noise(5),
        seed=0,
        out=tmp_path / "same",
        probes={"same": examples},
    )
    assert len(log) == 1
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "same", dtype=torch.float32)
    before = load()[0].state_dict()
    assert all(torch.equal(before[name], value) for name, value in saved.state_dict().items())


@pytest.mark.parametrize(
    ("part", "still"),
    (
        ("embedding", ["embed_tokens"]),
        ("lm_head", ["lm_head"]),
        ("attention", ["q_proj", "k_proj", "v_proj", "o_proj"]),
        ("blocks", ["_proj", "layernorm"]),
    ),
)
def test_a_frozen_part_does_not_change_and_the_rest_does(
    part: Part, still: list[str], examples: list[Example], tmp_path: Path
) -> None:
    model, tokenizer = load()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    recipe = replace(RECIPE, frozen=(part,))
    finetune(model, tokenizer, examples, recipe, Noise(5), seed=0, out=tmp_path / "tuned")
    for name, value in model.state_dict().items():
        frozen = any(word in name for word in still)
        assert torch.equal(before[name], value) == frozen, name


def test_the_settings_are_written_beside_the_checkpoint(
    examples: list[Example], tmp_path: Path
) -> None:
    tune(examples, Noise(5), tmp_path / "tuned")
    text = (tmp_path / "tuned" / "training_settings.json").read_text()
    settings = json.loads(text)
    assert text == json.dumps(settings, indent=1, sort_keys=True) + "\n"
    assert settings == {
        "examples": 48,
        "tokens": sum(len(example["input_ids"]) for example in examples),
        "steps": 3,
        "parameters": 2_410_176,
        "seed": 0,
        "recipe": asdict(RECIPE) | {"frozen": []},
        "noise": {
            "alpha": 5.0,
            "distribution": "uniform",
            "length_rule": "sequence",
            "tokens": "all",
        },
        "execution": asdict(Execution()),
    }


def test_half_of_tied_embeddings_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="untie them first"):
        freeze(llama(tied=True), ("embedding",))
    freeze(llama(tied=True), ("embedding", "lm_head"))


def test_a_kept_epoch_is_what_a_shorter_training_at_the_same_rate_gives(
    examples: list[Example], tmp_path: Path
) -> None:
    constant = replace(RECIPE, schedule="constant", epochs=2)
    for epochs in (2, 1):
        model, tokenizer = load()
        finetune(
            model,
            tokenizer,
            examples,
            replace(constant, epochs=epochs),
            Noise(5),
            seed=0,
            out=tmp_path / str(epochs),
            execution=Execution(keep_epochs=epochs == 2),
        )
    kept = tmp_path / "2" / EPOCHS
    assert [path.name for path in kept.iterdir()] == ["1"]
    weights = [folder / "model.safetensors" for folder in (kept / "1", tmp_path / "1")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not (tmp_path / "1" / EPOCHS).exists()
    with pytest.raises(ValueError, match="keep_epochs needs a whole model"):
        finetune(
            model,
            tokenizer,
            examples,
            replace(RECIPE, adapter="qlora"),
            Noise(5),
            seed=0,
            out=tmp_path / "none",
            execution=Execution(keep_epochs=True),
        )


def test_compiled_blocks_train_alike_and_are_taken_off_again(
    examples: list[Example], tmp_path: Path
) -> None:
    logs = []
    for compiled in (True, False):
        model, tokenizer = load()
        out = tmp_path / str(compiled)
        log = finetune(
            model,
            tokenizer,
            examples,
            RECIPE,
            Noise(5),
            seed=0,
            out=out,
            execution=Execution(compile_blocks=compiled),
        )
        assert all("forward" not in vars(block) for block in blocks(model))
        logs.append(log)
    for ours, plain in zip(*logs, strict=True):
        for key in set(plain) & {"loss", "grad_norm"}:
            # In bfloat16, which rounds to 2**-8, compiled blocks round less often.
            assert ours[key] == pytest.approx(plain[key], rel=0.02)


@pytest.mark.parametrize(
    ("field", "value"),
    (("lr", 0), ("lr", float("nan")), ("epochs", -1), ("warmup", 2), ("micro_batch", 48)),
)
def test_impossible_recipes_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        Recipe(**{field: value})  # type: ignore[arg-type]


class Optimizer(TrainerCallback):
    """Keeps a weak reference to the optimizer of a training."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.optimizer = weakref.ref(unwrapped(kwargs["optimizer"]))


def unwrapped(optimizer: Any) -> Any:
    """The optimizer within accelerate's."""
    return getattr(optimizer, "optimizer", optimizer)


def test_the_optimizers_state_and_the_gradients_are_gone_afterwards(
    examples: list[Example], tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(BASE)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    kept = Optimizer()
    gc.disable()
    try:
        finetune(
            *(model, tokenizer, examples[:16], RECIPE, Noise(0)),
            seed=0,
            out=tmp_path / "model",
            callbacks=[kept],
        )
        assert kept.optimizer() is None
    finally:
        gc.enable()
    assert all(parameter.grad is None for parameter in model.parameters())
