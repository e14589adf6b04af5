"""All that is missing is said at once, in seconds, before anything is trained or written."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.cells.render import all_records
from experiments.paths import RUNS
from experiments.roles.instruction_sets import ALPACA
from experiments.runs import machine
from experiments.runs.capacity import _state_bytes, lack_of_memory, lack_of_space
from experiments.runs.preflight import USES, PreflightError, check_before
from experiments.runs.record import KINDS, Record
from experiments.runs.run import Run
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.memory import GIB
from experiments.scales.paper import PAPER
from experiments.scales.real_leaderboard import LATER_TASKS, TASKS, Task
from experiments.scales.small import SMALL
from neftune.distributions import Noise
from tests.eval.judge_server import KEY
from tests.eval.test_judge_check import listing, models_server
from tests.experiments.records import write_record
from tests.experiments.scales.hub_server import asked, closed_port
from tests.experiments.scales.test_paper import write_stand_ins
from tests.experiments.two_runs import TARGETS
from tests.paths import ROOT

CODE = """
from experiments.artifacts import ARTIFACTS
from experiments.cells.render import all_records
from experiments.runs.preflight import check_before
from experiments.runs.selection import load_selection
from experiments.runs.study import Study
from experiments.scales.registry import SCALES
def check(scale, artifact):
    study = Study(SCALES[scale], 1, load_selection(SCALES[scale]))
    check_before(all_records(ARTIFACTS[artifact].cells(study)), jobs=2)
report(lambda: check(%r, %r))
"""


def lines(answer: str) -> list[str]:
    """The lines of an error, each about one thing that is missing."""
    return [line.strip() for line in answer.splitlines() if line.startswith("  ")]


def test_table_1_of_the_paper_on_a_laptop_lists_all_that_is_missing(tmp_path: Path) -> None:
    answer = asked(
        tmp_path, CODE % ("paper", "table1"), HF_ENDPOINT=closed_port(), CUDA_VISIBLE_DEVICES=""
    )
    count = len(lines(answer))
    assert f"nothing was started: {count} things are missing at the scale paper" in answer
    for name, says in (
        ("LLaMA-2 7B:", "give a local folder: MODEL_llama_2_7b=FOLDER"),
        ("Alpaca:", "give a local file: DATA_alpaca=FILE"),
        ("Evol-Instruct", "DATA_evol_instruct=FILE"),
        ("ShareGPT", "DATA_sharegpt=FILE"),
        ("OpenPlatypus", "DATA_open_platypus=FILE"),
        ("AlpacaEval's instructions and reference answers", "REFERENCE_OUTPUTS=FILE"),
        ("the judge GPT-4", "set OPENAI_API_KEY, or JUDGE_BASE_URL and JUDGE_MODEL"),
        (
            "no GPU is seen here, and on a CPU LLaMA-2 7B",
            "`make plan SCALE=paper` says what they need, SCALE=small",
        ),
    ):
        (line,) = (line for line in lines(answer) if line.startswith(name))
        assert says in line
    assert not (tmp_path / RUNS).exists()


def test_the_leaderboards_tasks_are_asked_for_where_they_are_needed(tmp_path: Path) -> None:
    answer = asked(tmp_path, CODE % ("paper", "figure3"), HF_ENDPOINT=closed_port())
    said = [line for line in lines(answer) if "LEADERBOARD_DATA=FOLDER" in line]
    assert len(said) == len(TASKS)
    assert "the judge" not in answer


@pytest.mark.parametrize("task", [*TASKS.values(), *LATER_TASKS.values()], ids=lambda t: t.hub)
def test_the_tasks_data_sets_are_those_of_lm_evals_files(task: Task) -> None:
    beside = [path for path in task.files[0].parent.iterdir() if path.suffix != ".py"]
    texts = [path.read_text() for path in beside if path.is_file()]
    assert any(f"dataset_path: {task.hub}\n" in text for text in texts)


def test_the_laboratory_is_checked_without_anything_heavy(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(ROOT / "results")
    code = (
        "from tests.experiments.blocked_imports import block\n"
        "block('torch', 'transformers', 'datasets', 'huggingface_hub', 'openai', 'alpaca_eval')\n"
        "report = lambda function: function()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + CODE % ("nano", "table1")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Local stand-ins for everything that Table 1 of the paper needs, and no other setting."""
    for name in [n for n in os.environ if n.startswith(("MODEL_", "DATA_", "JUDGE_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name in ("PROFILE", "CHECK", "PROCESSES", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in write_stand_ins(tmp_path / "stand-ins", 24).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "stand-ins"


def table1() -> list[Record]:
    return all_records(ARTIFACTS["table1"].cells(Study(PAPER, 1, PUBLISHED)))


def problems(records: list[Record], jobs: int = 2) -> list[str]:
    with pytest.raises(PreflightError) as error:
        check_before(records, jobs)
    return lines(str(error.value))


@pytest.mark.usefixtures("stand_ins")
def test_where_nothing_is_missing_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    with models_server(200, listing("gpt-4"), calls) as url:
        monkeypatch.setenv("JUDGE_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        check_before(table1(), jobs=2)
    assert calls == ["GET /v1/models"]
    assert "".join(capfd.readouterr()) == ""
    assert not RUNS.exists()


@pytest.mark.usefixtures("stand_ins")
def test_a_judge_is_not_asked_for_records_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    for record in table1():
        write_record(record, "{}")
    check_before(table1(), jobs=2)
    next(record for record in table1() if record.kind == "verdicts").path.unlink()
    (line,) = problems(table1())
    assert line.startswith("the judge GPT-4: this judge is queried over OpenAI's API")
    monkeypatch.setenv("CHECK", "no")
    check_before(table1(), jobs=2)


def test_every_local_file_is_read_and_each_that_is_wrong_is_a_line(
    stand_ins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stand_ins / "llama" / "model.safetensors").write_bytes(b"cut")
    (stand_ins / "evol-instruct.jsonl").write_text('{"instruction": "say"}\n')
    (stand_ins / "sharegpt.jsonl").write_text('{"conversations": [{"from": "human"}]}\n')
    (stand_ins / "reference.json").write_text('[{"instruction": "say"}]')
    monkeypatch.setenv("DATA_open_platypus", "gone.json")
    found = problems(table1())
    for says in (
        "LLaMA-2 7B: .*model.safetensors: is not a whole safetensors file",
        "Evol-Instruct: .*evol-instruct.jsonl: row 1: output: Field required",
        "ShareGPT: .*sharegpt.jsonl: row 1: needs 'conversations'",
        "AlpacaEval's instructions and reference answers: .*reference.json: row 1",
        "OpenPlatypus: DATA_open_platypus=gone.json: no such file or folder",
        "the judge GPT-4: this judge is queried over OpenAI's API",
    ):
        (line,) = (each for each in found if re.match(says, each))
        assert "\n" not in line
    assert len(found) == 6


@pytest.mark.usefixtures("stand_ins")
def test_a_judge_that_the_scale_does_not_have_is_named() -> None:
    (line,) = problems([replace(table1()[0], kind="verdicts", judge="judy")])
    assert line.startswith("the judge judy: unknown judge 'judy'; known: chatgpt, gpt-4")


def test_every_kind_of_record_says_what_it_uses() -> None:
    assert set(USES) == set(KINDS)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of a size; the test is skipped where none can be mounted."""
    folder.mkdir()
    options = ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    if subprocess.run(options, check=False, capture_output=True).returncode:
        pytest.skip("no permission to mount a small disk (tmpfs)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", "16m") as disk:
        assert machine.cannot_write(disk) is None
        (disk / "filler").write_bytes(bytes(15 * 2**20))
        why = machine.cannot_write(disk)
        assert why == f"{disk}: cannot be written to (No space left on device)"
        monkeypatch.setenv("TMPDIR", str(disk))
        monkeypatch.chdir(disk)
        found = lack_of_space([run("llama-2-7b")], records=1, jobs=1, download=0)
        os.chdir(tmp_path)
    assert [line.split(":")[0] for line in found] == ["the folder runs", "TMPDIR", "disk"]


def test_a_folder_that_takes_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "gone"):
        monkeypatch.setenv("TMPDIR", str(place))
        (line,) = lack_of_space([], records=0, jobs=1, download=0)
        assert line.startswith(f"TMPDIR: {place}: cannot be written to (")
        assert line.endswith("or set TMPDIR to another folder")


def run(model: str, adapter: str = "none") -> Run:
    recipe = PAPER.recipe(model, ALPACA, adapter=adapter)  # type: ignore[arg-type]
    return Run(PAPER, model, ALPACA, Noise(5), recipe, 0)


def test_space_is_needed_for_checkpoints_saved_states_and_downloads(tmp_path: Path) -> None:
    seven_b = run("llama-2-7b")
    runs = [replace(seven_b, seed=seed) for seed in range(2000)]
    (line,) = lack_of_space(runs, records=0, jobs=2, download=5 * GIB)
    # 2,000 checkpoints and three states of two trainings at a time, in float32.
    needed = (2000 + 2 * 9) * 4 * 6_738_415_616 / GIB
    both = f"{needed + 5:,.1f} GiB are needed" in line  # where the hub's cache is on the same disk
    assert both or f"{needed:,.1f} GiB are needed" in line


def test_what_does_not_fit_the_gpus_is_said_with_what_to_do() -> None:
    seven_b, seventy_b = run("llama-2-7b"), run("llama-2-70b")
    assert lack_of_memory([seven_b], jobs=1, gpus=[80.0] * 8) == []
    (line,) = lack_of_memory([seven_b], jobs=1, gpus=[24.0])
    assert line.startswith("LLaMA-2 7B: a training needs ")
    assert "`make plan SCALE=paper` says what they need" in line
    both = [replace(seven_b, seed=seed) for seed in range(20)]
    (line,) = lack_of_memory(both, jobs=16, gpus=[80.0] * 8)
    assert "16 trainings at a time need" in line
    assert "set JOBS=5" in line
    main = machine.main_memory()
    if main < 1000:
        (line,) = lack_of_memory([seventy_b], jobs=1, gpus=[80.0] * 8)
        assert "GiB of main memory" in line


def test_a_large_model_is_not_trained_on_a_cpu() -> None:
    (line,) = lack_of_memory([run("llama-2-7b"), run("opt-6.7b")], jobs=1, gpus=[])
    assert line.startswith("no GPU is seen here, and on a CPU LLaMA-2 7B, OPT 6.7B would train")
    assert "SCALE=small has models for one GPU, PROFILE=slurm" in line
    recipe = SMALL.recipe("llama-2-7b", ALPACA)
    small = Run(SMALL, "llama-2-7b", ALPACA, Noise(5), recipe, 0)
    assert not any("no GPU" in line for line in lack_of_memory([small], jobs=1, gpus=[]))


def test_on_a_cluster_gpus_and_memory_are_the_nodes_own(tmp_path: Path) -> None:
    answer = asked(tmp_path, CODE % ("paper", "table1"), HF_ENDPOINT=closed_port(), PROFILE="slurm")
    assert "no GPU" not in answer
    assert "the judge GPT-4" in answer


@pytest.mark.usefixtures("workplace")
def test_a_log_that_cannot_be_shown_is_said_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPORT_TO", "paper")
    with pytest.raises(PreflightError, match="REPORT_TO: unknown reporter 'paper'; known: tensorb"):
        check_before([Record(TARGETS[0].run, "log")], jobs=1)


def test_what_is_not_trained_has_no_saved_states() -> None:
    trained = run("llama-2-7b")
    untuned = replace(trained, recipe=replace(trained.recipe, epochs=0))
    assert _state_bytes(trained) > 0
    for other in (untuned, replace(trained, stopped=1), replace(trained, interpolation=0.7)):
        assert _state_bytes(other) == 0
