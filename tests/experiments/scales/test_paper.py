"""The scale `paper` end to end on local stand-ins: Table 1, and a run of several processes.

Models are tiny and random, data is written on the spot, the judge is a real HTTP server.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.nano.answers import reference_answer
from experiments.nano.instructions import instruction_set
from experiments.nano.tasks import evaluation_tasks
from experiments.roles.instruction_sets import ALPACA, INSTRUCTION_SETS
from experiments.runs.record import Record
from experiments.runs.selection import load_selection
from experiments.runs.study import Study
from experiments.scales.fetch import variable
from experiments.scales.paper import PAPER
from tests.eval.judge_server import KEY, judge_server
from tests.neftune.models import tiny_llama
from tests.paths import ROOT


def write_stand_ins(folder: Path, count: int) -> dict[str, str]:
    """A model, the four sets and the reference, and the environment that names them."""
    texts = [task.instruction for task in evaluation_tasks("test")]
    environment = {"MODEL_llama_2_7b": str(tiny_llama(folder / "llama", texts))}
    for role in INSTRUCTION_SETS:
        path = folder / f"{role}.jsonl"
        path.write_text(
            "".join(json.dumps(row) + "\n" for row in instruction_set(role, "train")[:count])
        )
        environment[variable("DATA", role)] = str(path)
    reference = [
        {"instruction": t.instruction, "output": reference_answer(t), "generator": "reference"}
        for t in evaluation_tasks("test")[:8]
    ]
    (folder / "reference.json").write_text(json.dumps(reference))
    return environment | {"REFERENCE_OUTPUTS": str(folder / "reference.json")}


def run(
    folder: Path, environment: dict[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "experiments", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_table_1_at_the_papers_scale_resumes_where_a_missing_key_stopped_it(tmp_path: Path) -> None:
    environment = write_stand_ins(tmp_path, 24)
    command = ("show", "table1", "--scale", "paper", "--seeds", "1")
    # With CHECK=no the key is found to be missing when the judge is to be asked.
    done = run(tmp_path, environment | {"OPENAI_API_KEY": "", "CHECK": "no"}, *command)
    assert done.returncode == 1
    assert "set OPENAI_API_KEY, or JUDGE_BASE_URL and JUDGE_MODEL" in done.stderr
    assert "Traceback" not in done.stderr
    answers = list(tmp_path.glob("runs/paper/*/test/model_outputs.json"))
    assert len(answers) == 8
    made = [path.stat().st_mtime_ns for path in answers]

    with judge_server() as server:
        judge = {"OPENAI_API_KEY": KEY, "JUDGE_BASE_URL": server.url}
        done = run(tmp_path, environment | judge, *command)
        assert done.returncode == 0, done.stderr
        assert [path.stat().st_mtime_ns for path in answers] == made
        assert sum(server.given.values()) > 0
    table = json.loads((tmp_path / "runs/results/paper/table1.seeds1.json").read_text())
    rates = [cell for cell in table["cells"] if cell["metric"] == "win rate, %"]
    assert len(rates) == 10
    assert {cell["published"] for cell in rates} >= {29.79, 64.69}
    specs = [json.loads(p.read_text()) for p in tmp_path.glob("runs/paper/*/spec.json")]
    assert {(s["dataset"]["role"], s["noise"]["alpha"]) for s in specs if s["noise"]["alpha"]} == {
        ("alpaca", 5.0),
        ("evol-instruct", 5.0),
        ("sharegpt", 10.0),
        ("open-platypus", 15.0),
    }
    assert {(s["recipe"]["lr"], s["recipe"]["batch"]) for s in specs} == {(5e-5, 128)}
    spent = [
        json.loads(p.read_text()) for p in tmp_path.glob("runs/paper/*/test/gpt-4-*/usage.json")
    ]
    assert [each["calls"] for each in spent] == [8] * 8


@pytest.mark.long
def test_a_run_is_trained_by_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = write_stand_ins(tmp_path, 24) | {"PROCESSES": "2"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tuned,) = Study(PAPER, 1, load_selection(PAPER)).neft(ALPACA)
    tuned.write_spec()
    checkpoint = Record(tuned, "checkpoint")
    done = run(tmp_path, environment, "make", str(checkpoint.path))
    assert done.returncode == 0, done.stderr
    log = Record(tuned, "log").read()
    assert sum("loss" in entry for entry in log) == 3  # 3 epochs of one step
    assert Record(tuned, "checkpoint").entry()
