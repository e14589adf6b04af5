"""Fine-tuning on a file of one's own: the losses reported, and nothing overwritten."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from experiments.__main__ import main, parser
from experiments.commands.finetune.inputs import read_inputs
from experiments.commands.finetune.training import check_converged
from experiments.nano.instructions import instruction_set
from tests.paths import BASE, ROOT, shared


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
    printed = capsys.readouterr().out
    assert printed.startswith(f"Fine-tuning llama-2-7b once, on {own} (80 rows, one in ten held")
    assert (
        "2,410,176 parameters, on 72 examples in 6 steps, with uniform noise of alpha 10" in printed
    )
    assert "| trained on (72) | 10    |" in printed
    answers = json.loads((out / "answers.json").read_text())
    assert len(answers) == 8
    assert all(0 < each["tokens"] <= 256 for each in answers)
    assert AutoModelForCausalLM.from_pretrained(out).num_parameters() > 1e6

    before = (out / "model.safetensors").read_bytes()
    assert main(arguments) == 1
    assert "exists already; name another folder with --out" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == before


@pytest.mark.long
def test_the_real_alpaca_file(tmp_path: Path) -> None:
    arguments = ["finetune", "--dataset-file", str(shared("alpaca52k/alpaca_data.json"))]
    arguments += [
        "--model",
        str(BASE),
        "--limit",
        "100",
        "--epochs",
        "1",
        "--lr",
        "1e-3",
        "--out",
        str(tmp_path / "tuned"),
    ]
    assert main(arguments) == 0
    losses = json.loads((tmp_path / "tuned" / "clean_losses.json").read_text())
    assert losses["after"]["held_out"] < losses["before"]["held_out"]


@pytest.mark.parametrize(("model", "rate"), (("llama-2-7b", 1e-3), (str(BASE), 5e-5)))
def test_a_model_of_ones_own_is_tuned_at_the_papers_rate(
    tmp_path: Path, model: str, rate: float
) -> None:
    asked = [*rows(tmp_path), "--model", model]
    assert read_inputs(parser().parse_args(asked)).recipe.lr == rate
    assert read_inputs(parser().parse_args([*asked, "--lr", "2e-4"])).recipe.lr == 2e-4


def rows(folder: Path, count: int = 12, words: int = 1) -> list[str]:
    path = folder / "own.json"
    long = {"instruction": "word " * words, "output": "Yes."}
    path.write_text(json.dumps([long, *instruction_set("open-platypus", "train")[: count - 1]]))
    return ["finetune", "--dataset-file", str(path), "--out", str(folder / "new" / "tuned")]


@pytest.mark.parametrize("lr", ("1", "0.5"))
def test_a_training_that_diverges_is_an_error_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lr: str
) -> None:
    arguments = rows(tmp_path)
    assert main([*arguments, "--model", "llama-2-7b", "--lr", lr]) == 1
    error = capsys.readouterr().err.split("\r")[-1].splitlines()[-1]
    assert error.startswith("error: the training with alpha 5 diverged: its loss went from ")
    assert "give a lower --lr than" in error
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_losses_that_rise_a_little_are_no_divergence() -> None:
    model = torch.nn.Linear(2, 2)
    check_converged(model, {"train": [2.0, 3.0], "held_out": [2.0, 9.0]}, 100, "alpha 5", 1e-3)
    for points in ([5.0, 5.1], [2.0, math.nan], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="the training with alpha 5 diverged"):
            check_converged(model, {"train": points}, 100, "alpha 5", 1e-3)
    model.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="not every number stayed finite"):
        check_converged(model, {"train": [2.0, 1.0]}, 100, "alpha 5", 1e-3)


def test_files_get_the_usual_permissions_and_the_arguments_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = rows(tmp_path, words=600)
    mask = os.umask(0o027)
    try:
        assert main([*arguments, "--model", "llama-2-7b", "--epochs", "1", "--lr", "1e-4"]) == 0
    finally:
        os.umask(mask)
    out = tmp_path / "new" / "tuned"
    assert {oct(path.stat().st_mode & 0o777) for path in out.iterdir()} == {oct(0o640)}
    assert oct(out.stat().st_mode & 0o777) == oct(0o750)
    assert list(out.parent.iterdir()) == [out]
    record = json.loads((out / "clean_losses.json").read_text())
    assert record["arguments"]["lr"] == 1e-4
    assert record["arguments"]["limit"] is None
    assert record["dropped_as_too_long"] == {"own": 1}
    assert "own.json: 1 of 12 rows dropped: their prompts alone have 512" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words", "says"),
    (
        (("--limit", "1"), 1, "own.json: 1 row (with --limit 1), but at least 2 are needed"),
        (("--limit", "2"), 600, "own.json: only 1 row has a prompt of fewer than 512 tokens"),
        (("--other-file", "."), 1, ".: is a folder; give a file"),
        (("--alpha", "5", "0", "5.0"), 1, "--alpha 5 is given twice; each alpha is trained once"),
        (("--alpha", "0", "-1"), 1, "alpha must be a finite number of at least 0, not -1.0"),
        (("--alpha", "nan"), 1, "alpha must be a finite number of at least 0, not nan"),
        (("--seed", "-1"), 1, "--seed must be between 0 and 2**32 - 1, not -1"),
        (("--model", "."), 1, ".: no config.json; a model's folder holds"),
        (("--model", "README.md"), 1, "README.md: is a file, not a folder"),
        (("--model", "~/model"), 1, "unknown model '~/model'"),
        (("--out", "/dev/null/x"), 1, "/dev/null/x: cannot be made in /dev/null"),
    ),
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: int,
    says: str,
) -> None:
    assert main([*rows(tmp_path, words=words), "--model", "llama-2-7b", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_rows_that_are_all_too_long_or_of_several_exchanges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*rows(tmp_path), "--model", "llama-2-7b"]
    long = [{"instruction": "word " * 600, "output": "Yes."}] * 3
    (tmp_path / "own.json").write_text(json.dumps(long))
    assert main(arguments) == 1
    assert "own.json: all of its 3 rows are too long" in capsys.readouterr().err
    turns = [{"from": who, "value": "hello"} for who in ("human", "gpt") * 2]
    (tmp_path / "own.json").write_text(json.dumps([{"conversations": turns}] * 3))
    assert main(arguments) == 1
    assert "own.json: row 1: Alpaca's prompt holds a single" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_files_are_checked_before_torch_is_imported(tmp_path: Path) -> None:
    arguments = rows(tmp_path)
    (tmp_path / "own.json").write_text("[{}]")
    script = (
        "import sys\n"
        "from experiments.__main__ import main\n"
        "assert main(sys.argv[1:]) == 1\n"
        "assert not {'torch', 'transformers'} & sys.modules.keys()\n"
    )
    for model in ("llama-2-7b", str(tmp_path)):
        command = [sys.executable, "-c", script, *arguments, "--model", model]
        subprocess.run(command, cwd=ROOT, check=True)


def test_a_model_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["finetune", "--dataset-file", "own.json", "--out", "tuned"])
    assert "the following arguments are required: --model" in capsys.readouterr().err
