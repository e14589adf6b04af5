"""Fine-tuning with several alphas: the comparison, and what a stop or a failure leaves."""

import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from experiments.__main__ import main
from experiments.site.own_runs import read_rows
from tests.experiments.test_run_report import REQUEST
from tests.neftune.models import instructions, tiny_llama
from tests.paths import ROOT

LONG = ("--epochs", "40")
"""So many that a signal arrives before the second training ends."""
LISTENING = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from experiments.__main__ import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)
"""A shell's background jobs ignore interrupts, and so do the processes that they start."""
PROGRESS = re.compile(r"\d+%\|.*\d/\d+ \[")
"""A progress bar."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model whose tokenizer has a token more than it has embeddings."""
    texts = [row["instruction"] + row["output"] for row in instructions(40)]
    folder = tiny_llama(tmp_path_factory.mktemp("base") / "llama", texts, 300)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<extra>"])
    tokenizer.save_pretrained(folder)
    return folder


def command(folder: Path, base: Path, *more: str, out: str = "out", rows: int = 30) -> list[str]:
    file = folder / "rows.json"
    file.write_text(json.dumps(instructions(rows)))
    arguments = ["finetune", "--dataset-file", str(file), "--model", str(base), "--epochs", "1"]
    return [*arguments, "--lr", "1e-3", "--answers", "3", *more, "--out", str(folder / out)]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stop_in_the_second_training(
    arguments: list[str], place: Path, number: signal.Signals
) -> tuple[int, str]:
    """Start a command, and send a signal once its first model is finished."""
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    while not (place / "alpha-0").exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, number)
    printed, _ = process.communicate()
    return process.returncode, printed


def test_each_alpha_is_trained_as_if_alone_and_compared_with_the_first(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path, base, "--alpha", "0", "5", out="both")) == 0
    printed = capsys.readouterr().out
    for alpha in ("0", "5"):
        assert main(command(tmp_path, base, "--alpha", alpha, out=f"only-{alpha}")) == 0
    for name in ("model.safetensors", "training_log.jsonl", "answers.json"):
        both = [(tmp_path / "both" / f"alpha-{alpha}" / name).read_bytes() for alpha in "05"]
        assert both == [(tmp_path / f"only-{alpha}" / name).read_bytes() for alpha in "05"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == [
        *("alpha-0", "alpha-5", "comparison.json", "comparison.md", "report.html")
    ]
    found = json.loads((tmp_path / "both" / "comparison.json").read_text())
    assert found["alphas"] == ["0", "5"]
    assert found["arguments"]["lr"] == 1e-3
    losses = [
        json.loads((tmp_path / "both" / f"alpha-{alpha}" / "clean_losses.json").read_text())
        for alpha in "05"
    ]
    assert losses[0]["before"] == losses[1]["before"]
    for name in ("train", "held_out"):
        clean, noisy = (found["losses"][name]["by alpha"][alpha] for alpha in "05")
        assert clean["minus the first alpha"] == {"value": 0, "low": 0, "high": 0}
        difference = noisy["minus the first alpha"]
        assert difference["value"] == pytest.approx(noisy["after"] - clean["after"])
        assert difference["low"] <= difference["value"] <= difference["high"]
        assert losses[1]["after"][name] == pytest.approx(noisy["after"])
        # The mean loss is that of a token: longer examples count for more.
        each = losses[1]["each"][name]
        assert np.dot(each["after"], each["tokens"]) / sum(each["tokens"]) == pytest.approx(
            noisy["after"]
        )
    rows = {row["alpha"]: row for row in read_rows(tmp_path / "both")}
    assert set(rows) == {"0", "5"}
    for name, column in (("train", "eval_train_loss"), ("held_out", "eval_validation_loss")):
        for alpha, row in rows.items():
            after = found["losses"][name]["by alpha"][alpha]["after"]
            assert float(row[column]) == pytest.approx(after, rel=1e-3)
    (only,) = read_rows(tmp_path / "only-5")
    assert only == {**rows["5"], "run": f"{tmp_path / 'only-5'}, alpha 5"}
    assert (only["dataset"], only["lr"], only["epochs"]) == ("rows.json", "0.001", "1")
    assert "| trained on (27) | 5     |" in printed
    assert "### 1. Describe thing 0." in printed
    report = (tmp_path / "both" / "report.html").read_text()
    assert f"What each training did: {tmp_path / 'both' / 'report.html'}" in printed
    assert re.findall(r'<h2 id="part-\d+">(.*)</h2>', report) == [
        *("Verdicts", "Losses without noise", "Length of answers", "Losses over steps"),
        *("Some answers", "Dose, alpha 0", "Dose, alpha 5", "Settings, alpha 0"),
        *("Settings, alpha 5", "Cost", "How it compares"),
    ]
    assert f"{found['losses']['held_out']['by alpha']['5']['after']:.3f}" in report
    assert found["prompts"][0]["reference"] in report
    assert REQUEST.search(report) is None
    for prompt in found["prompts"]:
        answers = prompt["by alpha"]
        assert set(answers) == {"0", "5"}
        assert prompt["reference"].startswith("Its colour is")
    assert len(found["prompts"]) == 3
    written = found["answers"]["by alpha"]["5"]
    assert written["tokens"] == np.mean([p["by alpha"]["5"]["tokens"] for p in found["prompts"]])
    lengths = [len(p["by alpha"]["5"]["answer"]) for p in found["prompts"]]
    assert written["characters"] == np.mean(lengths)


def test_a_killed_command_resumes_with_the_alphas_that_are_missing(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(tmp_path, base, "--alpha", "0", "5", *LONG)
    place, out = tmp_path / "out.unfinished", tmp_path / "out"
    stop_in_the_second_training(arguments, place, signal.SIGKILL)
    assert (place / "alpha-0" / "model.safetensors").exists()
    assert not out.exists()
    first = digests(place / "alpha-0")
    written = (place / "alpha-0" / "model.safetensors").stat().st_mtime_ns

    for different, says in (
        (
            ("--lr", "0.01"),
            "holds alpha 0, trained with --lr 0.001 in place of 0.01; give the same",
        ),
        (("--limit", "20"), "trained with --limit None in place of 20"),
        (("--alpha", "5"), "holds alpha 0, which is not asked for: add it to --alpha, or remove"),
    ):
        capsys.readouterr()
        assert main([*arguments, *different]) == 1
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1
    assert main(command(tmp_path, base, "--alpha", "0", "5", *LONG, rows=40)) == 1
    assert "trained with other rows of the files" in capsys.readouterr().err
    assert digests(place / "alpha-0") == first

    assert main(command(tmp_path, base, "--alpha", "0", "5", *LONG)) == 0
    assert "Already trained, and not again: alpha 0." in capsys.readouterr().out
    assert (out / "alpha-0" / "model.safetensors").stat().st_mtime_ns == written
    assert not place.exists()
    assert main(command(tmp_path, base, "--alpha", "0", "5", *LONG, out="whole")) == 0
    ours, undisturbed = digests(out), digests(tmp_path / "whole")
    assert ours.keys() == undisturbed.keys()
    changed = {name for name in ours if ours[name] != undisturbed[name]}
    # They name the folder of the output, or say how long it took.
    own = ("clean_losses.json", "cost.json", "row.csv")
    each = {f"alpha-{alpha}/{name}" for alpha in (0, 5) for name in own}
    assert changed <= {"comparison.json", "report.html", *each}


def test_an_interrupted_command_keeps_what_is_finished_and_nothing_else(
    tmp_path: Path, base: Path
) -> None:
    place = tmp_path / "new" / "out.unfinished"
    arguments = command(tmp_path, base, "--alpha", "0", "5", *LONG, out="new/out")
    code, printed = stop_in_the_second_training(arguments, place, signal.SIGINT)
    assert code == 130
    assert f"Alpha 0 is finished and kept in {place}; the same command goes on from" in printed
    assert [path.name for path in place.iterdir() if path.is_dir()] == ["alpha-0"]
    trained = digests(place / "alpha-0")
    assert main(command(tmp_path, base, "--alpha", "0", *LONG, out="new/out")) == 0
    assert [path.name for path in place.parent.iterdir()] == ["out"]
    now = digests(tmp_path / "new" / "out")
    assert {name: now[name] for name in trained} == trained
    made_last = {"comparison.json", "comparison.md", "report.html", "row.csv"}
    assert set(now) - set(trained) == made_last


def test_two_commands_do_not_write_to_the_same_place(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "out.unfinished"
    place.mkdir()
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(command(tmp_path, base)) == 1
    assert "another command is making" in capsys.readouterr().err
    (place / "something").touch()
    assert main(command(tmp_path, base)) == 1
    assert f"{place}: is in the way; move or remove it" in capsys.readouterr().err


def test_the_number_of_answers_is_positive(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(command(tmp_path, base, "--answers", "0"))
    error = capsys.readouterr().err
    assert "--answers: must be a whole number from 1 to" in error
    assert error.count("\n") == 1


def test_nothing_of_other_packages_is_shown(tmp_path: Path, base: Path) -> None:
    """A model with sampling settings, a largest length, and rows longer than it was made for."""
    folder = tmp_path / "llama"
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.model_max_length = 20
    for path in base.iterdir():
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    tokenizer.save_pretrained(folder)
    generation = folder / "generation_config.json"
    settings = json.loads(generation.read_text()) | {"temperature": 0.6, "top_p": 0.9}
    settings |= {"max_length": 4096, "_from_model_config": False}
    generation.write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "experiments", *command(tmp_path, folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.replace("\r", "\n").splitlines()
    assert [line for line in lines if line.strip() and not PROGRESS.search(line)] == []
