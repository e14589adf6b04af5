"""What a user makes goes below runs/; the project's own results change by `release` alone."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.__main__ import main
from tests.paths import ROOT


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def shipped(workplace: Path) -> Path:
    folder = workplace / "results" / "nano"
    folder.mkdir(parents=True)
    for name in ("selection.json", "table8.provenance.json"):
        shutil.copy(ROOT / "results" / "nano" / name, folder)
    return workplace


def test_a_table_is_written_below_runs(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(shipped / "results")
    assert main(["show", "table8"]) == 0
    assert "runs/results/nano/table8" in capsys.readouterr().out
    assert (shipped / "runs" / "results" / "nano" / "table8.md").is_file()
    assert contents(shipped / "results") == before


def test_where_names_the_file_the_result_and_the_settings(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["where", "table8"]) == 0
    text = capsys.readouterr().out
    for words in (
        "make table8, from experiments/tables/table8.py",
        "results/nano/table8.md",
        "not made yet",
        "**Settings.** Scale `nano`",
    ):
        assert words in text
    (shipped / "runs" / "results" / "nano").mkdir(parents=True)
    (shipped / "runs" / "results" / "nano" / "table80.json").touch()
    main(["where", "table8"])
    assert "not made yet" in capsys.readouterr().out
    main(["show", "table8"])
    capsys.readouterr()
    main(["where", "table8"])
    assert "runs/results/nano/table8.md, … (made)" in capsys.readouterr().out


@pytest.mark.parametrize("content", ("", "[]", '{"settings": {}}', "{", "null", '{"a": 1}'))
def test_a_damaged_provenance_is_named(
    shipped: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = Path("results/nano/table8.provenance.json")
    path.write_text(content)
    assert main(["where", "table8"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}")
    assert error.count("\n") == 1


def test_where_prints_nothing_if_one_name_is_unknown(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["where", "table8", "table80"]) == 1
    output, error = capsys.readouterr()
    assert output == ""
    assert error.endswith("; did you mean table8?\n")


def test_a_choice_of_ones_own_is_preferred_and_leaves_the_projects_alone(shipped: Path) -> None:
    from experiments.runs.selection import load_selection, selection_file
    from experiments.scales.nano import NANO

    committed = shipped / "results" / "nano" / "selection.json"
    own = shipped / "runs" / "results" / "nano" / "selection.json"
    assert selection_file(NANO).resolve() == committed
    own.parent.mkdir(parents=True)
    choices = json.loads(committed.read_text())
    choices["lr"]["alpaca"]["value"] = 0.125
    own.write_text(json.dumps(choices))
    assert selection_file(NANO).resolve() == own
    assert load_selection(NANO).lr["alpaca"].value == 0.125
