"""The notebooks run from committed results in their own folder, and are committed with outputs."""

import sys
from pathlib import Path

import nbformat
import pytest

from analysis.committed import RESULTS, MissingResultError, data, runs, table
from experiments.claims.rule import VERDICTS
from notebooks.execute import NotebookError, execute, notebooks
from tests.paths import ROOT

EVERY = notebooks()
PNG = "image/png"


@pytest.mark.long
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_runs_and_was_committed_with_its_outputs(path: Path) -> None:
    try:
        fresh = execute(path)
    except NotebookError as error:
        if MissingResultError.__name__ in str(error):
            pytest.skip(f"{path.name} shows results that are not made yet")
        raise
    committed = nbformat.read(path, as_version=4)
    for new, old in zip(fresh.cells, committed.cells, strict=True):
        if new.cell_type == "code":
            assert old.execution_count == new.execution_count
            assert bool(old.outputs) == bool(new.outputs)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_its_outputs_name_no_folder_of_the_machine_that_made_them(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        texts = [
            str({kind: text for kind, text in output.get("data", output).items() if kind != PNG})
            for output in cell.get("outputs", ())
        ]
        assert not any(str(folder) in text for text in texts for folder in (Path.cwd(), "/tmp/"))
        assert not any("site-packages" in text for text in texts)


@pytest.mark.parametrize("path", EVERY[:5], ids=lambda path: path.stem)
def test_it_names_the_size_of_the_stand_ins(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "2.4M" in text


def test_there_are_seven_and_they_hold_no_logic() -> None:
    assert len(EVERY) == 7
    for path in EVERY:
        cells = nbformat.read(path, as_version=4).cells
        defined = sum(
            line.startswith(("def ", "class "))
            for cell in cells
            if cell.cell_type == "code"
            for line in cell.source.splitlines()
        )
        assert defined <= 1, f"{path.name}: logic belongs in analysis/"


def sources(path: Path, kind: str) -> list[str]:
    return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def test_all_begin_by_finding_the_project_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {sources(path, "code")[0] for path in EVERY}
    (setup,) = first
    assert "Clone the repository" in setup
    # Away from the project it says what to do; as in VS Code, the notebook's own place is enough.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit, match="Clone the repository into a folder `neftune` here"):
        exec(setup, {})
    exec(setup, {"__vsc_ipynb_file__": str(EVERY[0])})
    assert Path.cwd() == ROOT
    assert sys.path[0] == str(ROOT)
    # As on Colab, after a clone.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neftune").symlink_to(ROOT)
    exec(setup, {})
    assert Path.cwd() == ROOT


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_ends_with_conclusions_of_code_and_a_thing_to_try(path: Path) -> None:
    assert sources(path, "markdown")[-1].startswith("## Try\n\n- ")
    cells = nbformat.read(path, as_version=4).cells
    places = [n for n, cell in enumerate(cells) if cell.source.startswith("## Conclusion")]
    assert len(places) == 1
    assert cells[places[0] + 1].cell_type == "code"
    assert cells[places[0] + 1].outputs, "the conclusion is computed"


def test_links_and_pictures_of_the_texts_exist() -> None:
    for path in EVERY:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                links = [part.partition(")")[0] for part in cell.source.split("](")[1:]]
                files = [path.parent / link.partition("#")[0] for link in links]
                assert [file for file in files if not file.exists()] == []


def test_committed_results_load() -> None:
    assert table("table1").shape[1] == 5
    every = runs()
    assert set(every["seed"]) == {0, 1, 2, 3, 4}
    assert every["test: win rate, gpt-4"].between(0, 100).sum() >= 40


def test_committed_claims_have_known_verdicts() -> None:
    if not (RESULTS / "nano" / "claims.json").exists():
        pytest.skip("no results/nano/claims.json: not made yet")
    found = [finding for claim in data("claims")["claims"] for finding in claim["findings"]]
    assert {finding["verdict"] for finding in found} <= set(VERDICTS)


def test_a_missing_result_is_reported_with_the_command_that_makes_it() -> None:
    with pytest.raises(MissingResultError, match="make table99"):
        data("table99")
