"""Trainings that stop and go on, and trainings on two processes: the same result as undisturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.neftune.models import tiny_llama
from tests.neftune.same_training import SAME, difference
from tests.paths import ROOT

pytestmark = pytest.mark.long
TRAINING = "tests.neftune.training.long_training"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(out: Path, *settings: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", TRAINING, str(out), *map(str, settings)],
        env=environment(),
        cwd=out.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_killed_training_goes_on_and_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    tiny_llama(tmp_path / "base", ["some words to learn from"])
    settings = (8, 4, 30, 5)  # 180 steps
    assert start(tmp_path / "undisturbed", *settings).wait() == 0
    killed = tmp_path / "killed"
    for kills in range(1, 4):
        process = start(killed, *settings)
        partial = tmp_path / "killed.partial"
        before = set(partial.glob("checkpoint-*"))
        while not set(partial.glob("checkpoint-*")) - before:
            assert process.poll() is None, f"the training ended before it was killed {kills} times"
            time.sleep(0.02)
        time.sleep(0.1 * kills)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not killed.exists()
    assert start(killed, *settings).wait() == 0
    undisturbed = contents(tmp_path / "undisturbed")
    assert {"training_log.jsonl", "model.safetensors", "epochs/29/model.safetensors"} <= set(
        undisturbed
    )
    assert contents(killed) == undisturbed
    assert {path.name for path in tmp_path.iterdir()} == {"base", "undisturbed", "killed"}


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    tiny_llama(tmp_path / "base", ["some words to learn from"])
    one, two = tmp_path / "one", tmp_path / "two"
    assert start(one, 8, 8, 3, 0, "float32").wait() == 0
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
            *("-m", TRAINING, str(two), "8", "4", "3", "0", "float32"),
        ],
        env=environment(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    logs = [
        [json.loads(line) for line in (out / "training_log.jsonl").read_text().splitlines()]
        for out in (one, two)
    ]
    assert [sorted(entry) for entry in logs[0]] == [sorted(entry) for entry in logs[1]]
    for ours, theirs in zip(*logs, strict=True):
        for key in set(ours) & {"loss", "eval_train_loss", "grad_norm"}:
            assert theirs[key] == pytest.approx(ours[key], rel=1e-3), (key, ours["step"])
    weights = [load_file(out / "model.safetensors") for out in (one, two, tmp_path / "base")]
    assert difference(*weights) < SAME
