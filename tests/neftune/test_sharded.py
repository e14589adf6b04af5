"""Noise in models that two processes hold together: docs/sharded.md says what is shown here."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from neftune import NEFTune
from tests.neftune.models import llama
from tests.paths import ROOT

pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
from accelerate import ParallelismConfig

OF_TORCH = ["ddp", "fsdp1", "fsdp1, flat parameters", "fsdp1, embeddings alone", "fsdp2"]
ZERO = ["zero1", "zero2", "zero3"]
TENSOR_PARALLEL = ["tensor parallel", "tensor parallel by hand"]
NOT_WHOLE = [*OF_TORCH[1:4], "zero3"]
"""Ways that leave no process, once a model is sharded, the entries of its embedding layer."""

needs_deepspeed = pytest.mark.skipif(
    find_spec("deepspeed") is None,
    reason="DeepSpeed is not installed; with a C++ compiler: pip install deepspeed==0.19.8",
)
SAME = 1e-5
"""A hundred roundings of float32."""


def environment() -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "DS_ACCELERATOR": "cpu",
        "TRANSFORMERS_VERBOSITY": "error",
        # Ninja builds DeepSpeed's collectives at its first start.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def two_processes(out: Path, ways: list[str]) -> dict[str, list[Any]]:
    """For each way, what each of the two processes saw."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
            *("-m", "tests.neftune.sharded", str(out), *ways),
        ],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(out.read_text())
    assert list(found) == ways
    return found


def assert_right(way: str, seen: dict[str, Any]) -> None:
    """What holds of one process in every way."""
    if way != "tensor parallel by hand":
        stream = seen["stream"]
        assert stream["rule"] < SAME
        assert stream["evaluation"] == stream["no gradients"] == stream["detached"] == 0
    assert seen["by sequence"] < SAME < 0.1 < seen["noise by sequence"]
    if way != "fsdp1, flat parameters":  # Torch tells whole gradients of original ones alone.
        assert len(seen["gradients"]) == len(list(llama().parameters()))
        assert max(seen["gradients"]) < SAME
    if way in NOT_WHOLE:
        assert "attach the noise before the model is sharded, or give alpha" in seen["relative"]
    else:
        assert seen["relative"] == pytest.approx(1, rel=SAME)
    if way != "tensor parallel":  # It shards a model while it is loaded.
        assert seen["relative before"] == pytest.approx(1, rel=SAME)
        assert seen["attached before"] > 0.1
        assert seen["attachments known"] == 1
        assert seen["detached by name"] == 0


def equal_signs(both: list[Any]) -> float:
    """The share of entries in which both processes' noise on the same rows has one sign."""
    one, two = (seen["stream"]["signs"] for seen in both)
    return sum(a == b for a, b in zip(one, two, strict=True)) / len(one)


def assert_own_streams(both: list[Any]) -> None:
    # Of 384 independent entries half, with a standard deviation of .026.
    assert 0.37 < equal_signs(both) < 0.63


@pytest.mark.long
def test_sharded_models_get_the_noise_of_whole_ones(tmp_path: Path) -> None:
    found = two_processes(tmp_path / "found.json", [*OF_TORCH, *TENSOR_PARALLEL])
    for way, both in found.items():
        for seen in both:
            assert_right(way, seen)
        if way in OF_TORCH:
            assert_own_streams(both)
    # Processes that compute the same rows together need the same noise.
    assert equal_signs(found["tensor parallel"]) == 1
    for seen in found["tensor parallel by hand"]:
        assert "use by_sequence=True" in seen["stream"]["refused"]


@needs_deepspeed
@pytest.mark.long
def test_models_in_deepspeed_get_the_noise_of_whole_ones(tmp_path: Path) -> None:
    for way, both in two_processes(tmp_path / "found.json", ZERO).items():
        for seen in both:
            assert_right(way, seen)
        assert_own_streams(both)


TRAINING = """
import sys
from transformers import Trainer, TrainingArguments
from neftune import NEFTune
from neftune.attachment import attachments_of
from tests.neftune.models import llama
config = {
    "train_micro_batch_size_per_gpu": "auto",
    "zero_optimization": {"stage": int(sys.argv[2]), "stage3_param_persistence_threshold": 0},
    "optimizer": {"type": "AdamW", "params": {"lr": "auto", "torch_adam": True}},
}
arguments = TrainingArguments(
    sys.argv[1], max_steps=2, per_device_train_batch_size=2, save_strategy="no", report_to=[],
    eval_strategy="steps", eval_steps=1, disable_tqdm=True, deepspeed=config,
)
rows = [{"input_ids": [3, 4, 5, 6 + n], "labels": [3, 4, 5, 6 + n]} for n in range(8)]
trainer = Trainer(
    llama(), arguments, train_dataset=rows, eval_dataset=rows, callbacks=[NEFTune(5)]
)
trainer.train()
assert type(trainer.model_wrapped).__name__ == "DeepSpeedEngine"
assert trainer.state.log_history[-1]["neftune/passes"] == 2
assert attachments_of(trainer.model) == []
"""


@needs_deepspeed
@pytest.mark.long
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_trainer_in_deepspeed_has_noise_in_its_steps_alone(stage: int, tmp_path: Path) -> None:
    """In one process: without a GPU accelerate takes each of several for the only one."""
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(tmp_path), str(stage)],
        env=environment() | alone | {"MASTER_PORT": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "NEFTune: uniform noise of alpha 5 on 8 tokens of 2 sequences" in done.stderr


@pytest.mark.parametrize("split", ["cp_size", "sp_size"])
def test_parts_of_sequences_are_refused(split: str, tmp_path: Path) -> None:
    arguments = TrainingArguments(
        str(tmp_path), use_cpu=True, parallelism_config=ParallelismConfig(**{split: 2})
    )
    with pytest.raises(ValueError, match=f"{split}=2: each process gets a part of every sequence"):
        NEFTune(5).on_train_begin(arguments, TrainerState(), TrainerControl(), model=llama())
    NEFTune(0).on_train_begin(arguments, TrainerState(), TrainerControl(), model=llama())
