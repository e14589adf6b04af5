"""The scale `paper`, on local stand-ins: its Table 1 runs, and what cannot be had is told.

Models are tiny and random, data is written on the spot, the judge is a real HTTP server.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from transformers.utils import is_flash_attn_2_available

from experiments.jobs import JobError, checkpoint_file, make
from experiments.nano.answers import reference_answer
from experiments.nano.instructions import instruction_set
from experiments.nano.tasks import evaluation_tasks
from experiments.real_data import rows, split_conversations
from experiments.run import Run
from experiments.scale import NANO
from experiments.sources import Hub, SourceError, identity, local
from neftune.spec import Noise
from tests.eval.judge_server import KEY, judge_server
from tests.experiments.hub_models import tiny_llama
from tests.paths import ROOT, shared

SETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")


def turns(*lengths: int) -> list[dict[str, str]]:
    speakers = ("human", "gpt")
    return [{"from": speakers[i % 2], "value": "w " * n} for i, n in enumerate(lengths)]


class Words:
    """A tokenizer whose tokens are words."""

    def __call__(self, texts: list[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * len(text.split()) for text in texts]}


def lengths(pieces: list[dict[str, Any]]) -> list[list[int]]:
    return [[len(t["value"].split()) for t in piece["conversations"]] for piece in pieces]


def test_conversations_are_cut_between_exchanges() -> None:
    # six more are counted for each turn: 22 + 22 fit into 44, and 45 would not
    talk = {"conversations": turns(5, 5, 5, 5, 6, 5, 100, 100, 1, 1)}
    assert lengths(split_conversations([talk], Words(), 44)) == [
        [5, 5, 5, 5],
        [6, 5],
        [100, 100],
        [1, 1],
    ]


@pytest.mark.parametrize(
    ("given", "kept"),
    (
        (turns(1, 2, 3), [[1, 2]]),
        ([{"from": "gpt", "value": "w"}, *turns(1, 2)], [[1, 2]]),
        ([*turns(1, 2), {"from": "gpt", "value": "w"}], []),
        ([{"from": "system", "value": "w"}], []),
        ([], []),
    ),
)
def test_pieces_begin_with_a_human_turn_and_end_with_an_answer(
    given: list[dict[str, str]], kept: list[list[int]]
) -> None:
    assert lengths(split_conversations([{"conversations": given}], Words(), 512)) == kept


def test_fastchats_own_example_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("sharegpt/fastchat_dummy_conversation.json")
    monkeypatch.setenv("DATA_sharegpt", str(path))
    training = rows("sharegpt", "train", Words)
    assert len(training) + len(rows("sharegpt", "validation", Words)) >= 500
    assert all(piece["conversations"][0]["from"] == "human" for piece in training)
    assert all(len(piece["conversations"]) % 2 == 0 for piece in training)


def test_the_real_alpaca_file_is_the_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("alpaca52k/alpaca_data.json")
    monkeypatch.setenv("DATA_alpaca", str(path))
    every = [*rows("alpaca", "train", Words), *rows("alpaca", "validation", Words)]
    assert len(every) == 52_002
    assert sum(len(row["output"]) for row in every) / len(every) == pytest.approx(270.31, abs=0.01)


def write_stand_ins(folder: Path, count: int) -> dict[str, str]:
    """A model, the four sets and the reference, and the environment that names them."""
    texts = [task.instruction for task in evaluation_tasks("test")]
    environment = {"MODEL_llama_2_7b": str(tiny_llama(folder / "llama", texts))}
    for name in SETS:
        path = folder / f"{name}.jsonl"
        path.write_text(
            "".join(json.dumps(row) + "\n" for row in instruction_set(name, "train")[:count])
        )
        environment["DATA_" + name.replace("-", "_")] = str(path)
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


def test_table_1_at_the_papers_scale_goes_on_where_a_missing_key_stopped_it(tmp_path: Path) -> None:
    environment = write_stand_ins(tmp_path, 24)
    command = ("show", "table1", "--scale", "paper", "--seeds", "1")
    done = run(tmp_path, environment | {"OPENAI_API_KEY": ""}, *command)
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
    table = json.loads((tmp_path / "results/paper/table1.seeds1.json").read_text())
    rates = [cell for cell in table["cells"] if cell["measure"] == "win rate, %"]
    assert len(rates) == 10
    assert {cell["published"] for cell in rates} >= {29.79, 64.69}
    specs = [json.loads(p.read_text()) for p in tmp_path.glob("runs/paper/*/spec.json")]
    assert {(s["dataset"], s["noise"]["alpha"]) for s in specs if s["noise"]["alpha"]} == {
        ("alpaca", 5.0),
        ("evol-instruct", 5.0),
        ("sharegpt", 10.0),
        ("open-platypus", 15.0),
    }
    assert {(s["recipe"]["lr"], s["recipe"]["batch"]) for s in specs} == {(5e-5, 128)}
    spent = [json.loads(p.read_text()) for p in tmp_path.glob("runs/paper/*/test/gpt-4/spent.json")]
    assert [each["calls"] for each in spent] == [8] * 8


def test_a_run_is_trained_by_several_processes(tmp_path: Path) -> None:
    environment = write_stand_ins(tmp_path, 24) | {"PROCESSES": "2"}
    code = (
        "from experiments.study import Study; from experiments.scale import PAPER\n"
        "from experiments.selection import load_selection\n"
        "(run,) = Study(PAPER, 1, load_selection(PAPER)).neft('alpaca')\n"
        "run.write_spec(); print(run.folder / 'model' / 'model.safetensors')"
    )
    settings = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    checkpoint = told.splitlines()[-1]
    done = run(tmp_path, environment, "make", checkpoint)
    assert done.returncode == 0, done.stderr
    model = (tmp_path / checkpoint).parent
    log = (model / "training_log.jsonl").read_text().splitlines()
    assert sum('"loss"' in line for line in log) == 3  # 3 epochs of one step
    assert "model" in json.loads(
        (tmp_path / checkpoint).parents[1].joinpath("made.json").read_text()
    )


class _GatedHub(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        gated = "Llama-2" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815


@pytest.mark.parametrize(
    ("source", "says"),
    (
        (
            'Hub("meta-llama/Llama-2-7b-hf", "01c7f73d")',
            "accept its licence at https://huggingface",
        ),
        ('Hub("nobody/nothing", "01c7f73d")', "there is no such repository"),
    ),
)
def test_what_the_hub_refuses_is_told(source: str, says: str, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _GatedHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = (
        f"from experiments.sources import *\ntry: local({source}, 'llama-2-7b')\n"
        "except SourceError as e: print(e)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "0",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    server.shutdown()
    assert says in told


def test_local_sources_are_known_by_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "a.json"
    first.write_text("[1]")
    assert identity(first) == identity(first)
    second = tmp_path / "b.json"
    second.write_text("[2]")
    assert identity(first) != identity(second)
    assert identity(Hub("a/b", "0123")) == "a/b@0123"
    with pytest.raises(SourceError, match=r"holds no \.safetensors file"):
        identity(tmp_path)
    monkeypatch.setenv("DATA_alpaca", "gone.json")
    with pytest.raises(SourceError, match=r"DATA_alpaca=gone.json: no such file or folder"):
        rows("alpaca", "train", Words)
    assert local(first, "alpaca") == first


@pytest.mark.parametrize(
    ("name", "told"),
    (
        ("moon", "unknown ATTENTION=moon; known: eager, sdpa, flash_attention_2"),
        pytest.param(
            "flash_attention_2",
            "ATTENTION=flash_attention_2 needs an NVIDIA GPU and the package flash-attn",
            marks=pytest.mark.skipif(is_flash_attn_2_available(), reason="flash-attn is here"),
        ),
    ),
)
def test_an_attention_that_is_not_here_is_told(
    name: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENTION", name)
    run = Run("nano", "llama-2-7b", "alpaca", Noise(5), NANO.recipe, 0)
    run.write_spec()
    with pytest.raises(JobError, match="1 of 1 records could not be made"):
        make([checkpoint_file(run.folder)])
    assert told in capsys.readouterr().err
    assert not (run.folder / "model").exists()
