"""The audit on the real public files, and its errors for wrong ones."""

import hashlib
import json
import math
import os
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.commands.audit import audit
from experiments.commands.audit import files as audit_files
from experiments.commands.audit.files import AuditError, public_files, read_model
from experiments.commands.audit.measures import official_values
from experiments.commands.audit.report import PAIRS
from tests.paths import shared

ROW = {"instruction": "i", "output": "the answer", "dataset": "koala"}
VERDICT = {"instruction": "i", "output_1": "reference", "output_2": "the answer", "preference": 2}


def model(folder: Path, outputs: object, annotations: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "model_outputs.json").write_text(json.dumps(outputs))
    (folder / "annotations.json").write_text(json.dumps(annotations))
    return folder


def test_the_public_win_rates_come_out_to_the_last_digit(tmp_path: Path) -> None:
    data = shared("alpaca_eval")
    folders = {name: data / name for pair in PAIRS for name in pair}
    audit(folders, PAIRS, tmp_path, "test")
    record = json.loads((tmp_path / "audit.json").read_text())
    for name in folders:
        found, published = record["models"][name], official_values(name)["AlpacaEval 1"]
        assert round(found["win_rate"], 2) == published["win_rate"]
        assert found["length_controlled"]["value"] == pytest.approx(
            published["length_controlled"], abs=3
        )
        assert int(found["characters"]) == published["characters"]
        assert found["win_rate_interval"]["value"] == pytest.approx(found["win_rate"])
    assert record["models"]["alpaca-7b-neft"]["missing_verdicts"] == 2
    pair = record["pairs"]["alpaca-7b -> alpaca-7b-neft"]
    assert pair["gain"]["low"] > 30
    assert sum(s["instructions"] for s in pair["subsets"].values()) == 805
    assert (tmp_path / "alpaca-7b-to-alpaca-7b-neft.png").stat().st_size > 10_000
    assert pair["statement"] in (tmp_path / "audit.md").read_text()
    assert set(json.loads((tmp_path / "audit.provenance.json").read_text())["files"]) == set(
        folders
    )


def test_any_two_folders_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**ROW, "instruction": str(n)} for n in range(20)]
    for name, won in (("plain", 5), ("noisy", 12)):
        verdicts = [
            {**VERDICT, "instruction": str(n), "preference": 2 if n < won else 1} for n in range(20)
        ]
        model(tmp_path / name, rows, verdicts)
    folders = [str(tmp_path / "plain"), str(tmp_path / "noisy")]
    assert main(["audit", "--pair", *folders, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "From plain to noisy the judge's win rate changes by +35.0 points" in said
    assert not any(word in said for word in ("NEFT", "GPT-4", "paper", "Official", "leaderboard"))


def test_the_public_audit_says_what_is_official_and_what_is_confounded(tmp_path: Path) -> None:
    data = shared("alpaca_eval")
    audit({name: data / name for pair in PAIRS for name in pair}, PAIRS, tmp_path, "test")
    page = (tmp_path / "audit.md").read_text()
    for said in (
        "win rates are 26.29 and 31.61, a difference of +5.32",
        "win rates are 29.29 and 45.84, a difference of +16.55",
        "Stanford's recipe",
        "mixes that tuning with the noise",
        "signed root",
    ):
        assert said in page
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    assert ["alpaca-7b_verbose", "–", "–", "2.93", "6.82"] in cells
    assert ["alpaca-7b_concise", "–", "–", "1.99", "4.47"] in cells
    assert ["llama-2-7b-chat-hf", "71.37", "29.29", "4.96", "5.35"] in cells


@pytest.mark.parametrize(
    ("outputs", "annotations", "says"),
    (
        ([ROW], [{**VERDICT, "preference": 3}], r"annotations.json: row 1: preference 3"),
        ([ROW], [{"instruction": "i"}], r"annotations.json: row 1: no field 'output_1'"),
        ([{"instruction": "i"}], [VERDICT], r"model_outputs.json: row 1: no field 'output'"),
        ([ROW], [{**VERDICT, "instruction": "j"}], r"row 1: its instruction has no model output"),
        ({}, [VERDICT], r"model_outputs.json: should be a list"),
        ([], [VERDICT], r"model_outputs.json: should be a list of rows, and not an empty one"),
        ([ROW], [], r"annotations.json: should be a list of rows, and not an empty one"),
        ([ROW], None, r"annotations.json: should be a list"),
        (["text"], [VERDICT], r"model_outputs.json: row 1: should be an object with the field 'i"),
        ([ROW], [VERDICT, None], r"annotations.json: row 2: should be an object with the field"),
        ([ROW, ROW], [VERDICT], r"outputs.json: row 2: has the same instruction as row 1"),
        ([ROW], [VERDICT, VERDICT], r"annotations.json: row 2: has the same instruction as row 1"),
        ([ROW], [{**VERDICT, "output_2": "x"}], r"row 1: output_2 is not the model's output"),
        ([ROW], [{**VERDICT, "preference": True}], r"row 1: preference True is none of 0, 1, 1.5"),
        ([ROW], [{**VERDICT, "preference": [2]}], r"row 1: preference \[2\] is none of 0, 1"),
        ([ROW], [{**VERDICT, "preference": "2"}], r"row 1: preference '2' is none of 0, 1, 1.5"),
        ([ROW], [{**VERDICT, "preference": math.nan}], r"row 1: preference nan is none of"),
        ([ROW], [{**VERDICT, "output_1": None}], r"row 1: output_1 should be text, not None"),
        ([ROW], [{**VERDICT, "instruction": ["i"]}], r"row 1: instruction should be text, not \["),
        ([{**ROW, "output": 7}], [VERDICT], r"outputs.json: row 1: output should be text, not 7"),
        ([{**ROW, "dataset": None}], [VERDICT], r"row 1: dataset should be text, not None"),
        ([{**ROW, "output": "\ud800"}], [VERDICT], r"row 1: output should be text, not '.ud800'"),
        ([ROW], [{**VERDICT, "preference": None}], r"annotations.json: 1 of 1 verdicts are null"),
    ),
)
def test_a_wrong_file_is_an_error_that_names_it(
    tmp_path: Path, outputs: object, annotations: object, says: str
) -> None:
    with pytest.raises(AuditError, match=says):
        read_model(model(tmp_path / "m", outputs, annotations))


def pair(folder: Path, **second: list[object]) -> list[str]:
    """Two models of forty rows; fields of the second one's verdicts can be replaced."""
    rows = [{**ROW, "instruction": str(n), "dataset": str(n % 2)} for n in range(40)]
    for name, changes in (("plain", {}), ("noisy", second)):
        verdicts = [
            {**VERDICT, "instruction": str(n), "preference": 1 + n % 2}
            | {field: values[n] for field, values in changes.items()}
            for n in range(40)
        ]
        model(folder / name, rows, verdicts)
    return ["audit", "--pair", *(str(folder / name) for name in ("plain", "noisy"))]


@pytest.mark.parametrize(
    ("second", "says"),
    (
        ({"preference": [2, *[None] * 39]}, "annotations.json: 39 of 40 verdicts are null, more"),
        (
            {"output_1": ["other", *["reference"] * 39]},
            "plain/annotations.json: row 1: its output_1 differs from that of the same instruction",
        ),
    ),
)
def test_two_models_that_cannot_be_compared_are_one_line_and_leave_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    second: dict[str, list[object]],
    says: str,
) -> None:
    arguments = pair(tmp_path, **second)
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ("file", "file/below", "x" * 300))
def test_results_that_cannot_be_written_are_refused_before_anything_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    out: str,
) -> None:
    arguments = pair(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main([*arguments, "--out", out]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert out in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "noisy", "plain"]


def test_a_pair_may_be_named_from_within_one_of_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair(tmp_path)
    monkeypatch.chdir(tmp_path / "plain")
    assert main(["audit", "--pair", ".", "../noisy", "--out", "../out"]) == 0
    assert "plain" in capsys.readouterr().out
    assert (tmp_path / "out" / "plain-to-noisy.png").is_file()


def test_a_subset_without_verdicts_is_shown_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = pair(tmp_path, preference=[None if n % 2 else 2 for n in range(40)])
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "no verdicts" in capsys.readouterr().out


def test_a_pipe_or_a_folder_as_a_file_is_refused_at_once(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", [ROW], [VERDICT])
    path = folder / "annotations.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(AuditError, match=r"annotations.json: is not a regular file"):
        read_model(folder)
    path.unlink()
    path.mkdir()
    with pytest.raises(AuditError, match=r"annotations.json: is a folder; give a file"):
        read_model(folder)


def test_a_missing_folder_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--data", str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "nowhere/alpaca-7b/model_outputs.json: no such file" in error
    assert "Traceback" not in error


def test_without_data_the_public_files_are_fetched_and_checked(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_files, "SOURCE", workplace.as_uri() + "/hub")
    with pytest.raises(AuditError, match=r"cannot fetch .*pass a folder that holds"):
        public_files(["alpaca-7b"])
    for url in audit_files.FILES.values():
        path = workplace / "hub" / url.format(model="alpaca-7b")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[]")
    with pytest.raises(AuditError, match=r"SHA-256 is [0-9a-f]{64}, not the pinned [0-9a-f]{64}"):
        public_files(["alpaca-7b"])
    for name in audit_files.FILES:
        monkeypatch.setitem(
            audit_files.SHA256["alpaca-7b"], name, hashlib.sha256(b"[]").hexdigest()
        )
    folder = public_files(["alpaca-7b"])
    assert sorted(path.name for path in (folder / "alpaca-7b").iterdir()) == sorted(
        audit_files.FILES
    )
