"""Fine-tuning on a file of one's own: the losses reported, and nothing overwritten."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from experiments.__main__ import main
from experiments.nano.instructions import instruction_set
from tests.paths import BASE, shared


def test_a_file_in_each_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, other, out = tmp_path / "own.json", tmp_path / "other.jsonl", tmp_path / "tuned"
    own.write_text(json.dumps(instruction_set("open-platypus", "train")[:80]))
    talks = instruction_set("sharegpt", "train")[:40]
    other.write_text("\n".join(json.dumps(row) for row in talks))
    arguments = ["finetune", "--dataset-file", str(own), "--other-file", str(other)]
    arguments += ["--model", "llama-2-7b", "--alpha", "10", "--epochs", "2", "--out", str(out)]
    assert main(arguments) == 0
    losses = json.loads((out / "clean_losses.json").read_text())
    assert losses["after"]["train"] < losses["before"]["train"]
    assert set(losses["after"]) == {"train", "held_out", "other"}
    assert "72 examples, alpha 10" in capsys.readouterr().out
    assert AutoModelForCausalLM.from_pretrained(out).num_parameters() > 1e6

    before = (out / "model.safetensors").read_bytes()
    assert main(arguments) == 1
    assert "exists already; name another folder with --out" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == before


def test_the_real_alpaca_file(tmp_path: Path) -> None:
    arguments = ["finetune", "--dataset-file", str(shared("alpaca52k/alpaca_data.json"))]
    arguments += [
        "--model",
        str(BASE),
        "--limit",
        "100",
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "tuned"),
    ]
    assert main(arguments) == 0
    losses = json.loads((tmp_path / "tuned" / "clean_losses.json").read_text())
    assert losses["after"]["held_out"] < losses["before"]["held_out"]


def test_a_model_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["finetune", "--dataset-file", "own.json", "--out", "tuned"])
    assert "the following arguments are required: --model" in capsys.readouterr().err
