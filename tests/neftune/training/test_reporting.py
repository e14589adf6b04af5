"""Logs in TensorBoard and Weights & Biases, real ones; one line where the package is missing."""

import json
import sys
from pathlib import Path

import pytest
import torch

from neftune import Noise
from neftune.training.base_model import load_tokenizer
from neftune.training.data import Example
from neftune.training.finetune import finetune
from neftune.training.recipe import Recipe
from neftune.training.reporting import ReporterError
from tests.neftune.models import instructions, llama, tiny_llama


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [row["instruction"] + row["output"] for row in instructions(40)]
    return tiny_llama(tmp_path_factory.mktemp("base") / "llama", texts, 300)


def command(arguments: list[str]) -> int:
    """The laboratory's command line."""
    pytest.importorskip("lm_eval", reason="needs the laboratory: make setup")
    from experiments.__main__ import main

    return main(arguments)


def tune(base: Path, out: Path, report_to: str | None = None) -> list[dict[str, object]]:
    torch.manual_seed(0)
    examples: list[Example] = [
        {"input_ids": [2 + start, 5, 6, 7], "labels": [-100, 5, 6, 7]} for start in range(12)
    ]
    return finetune(
        llama(),
        load_tokenizer(base),
        examples,
        Recipe(epochs=1, batch=4, micro_batch=4),
        Noise(5),
        seed=0,
        out=out,
        probes={"same": examples},
        report_to=report_to,
    )


def test_tensorboard_reads_the_log(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = tune(base, tmp_path / "tuned", "tensorboard")
    assert log == tune(base, tmp_path / "plain")
    events = EventAccumulator(str(tmp_path / "tuned" / "tensorboard"))
    events.Reload()
    for ours, theirs in (("loss", "train/loss"), ("eval_same_loss", "eval/same_loss")):
        expected = [(entry["step"], entry[ours]) for entry in log if ours in entry]
        assert expected
        shown = [(scalar.step, scalar.value) for scalar in events.Scalars(theirs)]
        assert shown == [(step, pytest.approx(value)) for step, value in expected]


def test_finetune_reports_each_training_to_a_folder_of_its_own(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "rows.json").write_text(json.dumps(instructions(20)))
    arguments = ["finetune", "--dataset-file", str(tmp_path / "rows.json"), "--model", str(base)]
    arguments += ["--epochs", "1", "--alpha", "0", "5", "--report-to", "tensorboard"]
    assert command([*arguments, "--out", str(tmp_path / "out")]) == 0
    for alpha in "05":
        assert len(list((tmp_path / "out" / f"alpha-{alpha}" / "tensorboard").iterdir())) == 1


def test_wandb_writes_offline(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb")
    key = "0123456789abcdef0123456789abcdef01234567"
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("REPORT_TO", "wandb")
    for name in ("first", "second"):
        tune(base, tmp_path / name)
        assert len(list((tmp_path / name / "wandb").glob("offline-run-*/*.wandb"))) == 1
    assert key not in "".join(capfd.readouterr())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(key.encode() in path.read_bytes() for path in files)


def test_a_reporter_that_is_unknown_or_not_installed_is_one_line_before_anything_is_loaded(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(instructions(20)))
    arguments = ["finetune", "--dataset-file", str(tmp_path / "rows.json"), "--model", str(base)]
    arguments += ["--out", str(tmp_path / "out")]
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as if it were not installed
    says = "reporting to tensorboard needs the package tensorboard, which is not installed: pip"
    assert command([*arguments, "--report-to", "tensorboard"]) == 1
    assert says in capsys.readouterr().err
    with pytest.raises(ReporterError, match=says):
        tune(base, tmp_path / "tuned", "tensorboard")
    for value, problem in (("tensorboard", says), ("mlflow", "unknown reporter 'mlflow'; known: ")):
        monkeypatch.setenv("REPORT_TO", value)
        assert command(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert problem in error
        assert error.count("\n") == 1
        with pytest.raises(ReporterError, match=problem):
            tune(base, tmp_path / "tuned")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]
