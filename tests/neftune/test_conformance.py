"""The noise is right in every situation, and the page says of others what is measured."""

import re
import runpy
import sys
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.paths import ROOT

pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
pytest.importorskip("pydantic")
from neftune.command import main
from neftune.conformance.libraries import LIBRARIES, OTHERS
from neftune.conformance.report import (
    INTRODUCTION,
    NEAR,
    SCRIPTS,
    Column,
    Found,
    markdown,
    measure,
    read,
    write,
)
from neftune.conformance.situations import SITUATIONS

PAGE = (ROOT / "docs" / "conformance.md").read_text()
FILES = sorted((ROOT / "docs" / "conformance").glob("*.json"))
HERE = ("neftune", "transformers")
"""What is installed with the laboratory, and measured anew by the tests."""
WRONG = ROOT / "docs" / "examples" / "wrong"


@pytest.fixture(scope="module")
def found() -> dict[str, Column]:
    return {name: measure(name) for name in HERE}


def pinned(package: str) -> str:
    """The version in requirements.lock."""
    lock = (ROOT / "requirements.lock").read_text()
    (version_,) = re.findall(rf"^{package}==(\S+)$", lock, re.MULTILINE)
    return str(version_)


def of_the_page(package: str) -> None:
    """Skip where another version of a package is installed than the page is of."""
    pytest.importorskip(package)
    if version(package).partition("+")[0] != pinned(package):  # torch==2.13.0+cpu is 2.13.0
        pytest.skip(f"docs/conformance.md is of {package} {pinned(package)}")


def measurable(situation: str) -> None:
    """Skip where a package of a situation is absent."""
    for package in SITUATIONS[situation].missing:
        pytest.importorskip(package)


def cells(situation: str) -> list[str]:
    """A row of the page: what is right, and each library's number."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {situation} |"))
    return [cell.strip().strip("*") for cell in row.strip("|").split("|")][2:]


@pytest.mark.parametrize("name", SITUATIONS)
def test_this_librarys_noise_is_the_papers(name: str, found: dict[str, Column]) -> None:
    measurable(name)
    each = found["neftune"].found[name]
    assert not each.error
    assert not each.left_out
    assert each.ratio == pytest.approx(SITUATIONS[name].right, abs=0.03)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_page_says_what_is_measured(name: str, found: dict[str, Column]) -> None:
    measurable(name)
    of_the_page("torch")
    of_the_page("transformers")
    right, *numbers = cells(name)
    assert float(right) == SITUATIONS[name].right
    for library, number in zip(HERE, numbers, strict=False):
        ratio = found[library].found[name].ratio
        assert ratio is not None
        assert float(number) == pytest.approx(ratio, abs=0.02)


def test_the_pages_columns_are_those_of_this_version_the_pinned_ones_and_the_files() -> None:
    columns = {column.library: column for column in map(read, FILES)}
    assert set(columns) | set(HERE) == set(LIBRARIES)
    assert not set(columns) & set(HERE)
    (head,) = (line for line in PAGE.splitlines() if line.startswith("| situation |"))
    titles = [f"neftune {version('neftune')}", f"transformers {pinned('transformers')}"]
    titles += [columns[name].title for name in LIBRARIES if name in columns]
    assert [cell.strip() for cell in head.strip("|").split("|")][3:] == titles


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_has_a_result_for_every_situation_and_the_page_has_it(file: Path) -> None:
    column = read(file)
    place = list(LIBRARIES).index(column.library)
    for name, each in column.found.items():
        assert (each.ratio is not None) + bool(each.error) + bool(each.left_out) == 1
        number = cells(name)[1 + place]
        if each.ratio is None:
            assert number == "not measured" or number.startswith("error: ")
            assert each.left_out in PAGE
        else:
            assert float(number) == pytest.approx(each.ratio, abs=0.0051)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_shows_that_transformers_noise_is_wrong(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    source = (WRONG / name).read_text()
    assert len(source.splitlines()) < 25
    assert set(re.findall(r"^(?:from|import) (\w+)", source, re.M)) <= {
        "torch",
        "transformers",
        "copy",
    }
    runpy.run_path(str(WRONG / name), run_name="__main__")
    said = re.findall(r"^.+: (\d\.\d+) measured, (\d\.\d+) right$", capsys.readouterr().out, re.M)
    assert said
    for measured, right in said:
        assert abs(float(measured) - float(right)) > 0.02


def test_the_pages_words_are_those_of_the_command() -> None:
    assert PAGE.startswith(INTRODUCTION.format(near=NEAR))
    assert all(f"| {name} | {about} |" in PAGE for name, about in OTHERS.items())
    assert all(each.about in PAGE for each in SITUATIONS.values())
    assert all(each.about in PAGE for each in LIBRARIES.values())


@pytest.mark.parametrize("package", ("trl", "peft"))
def test_an_installed_library_without_noise_of_its_own_has_no_word_of_it(package: str) -> None:
    assert f"{package} {pinned(package)}" in " ".join(OTHERS).lower()
    of_the_page(package)
    spec = find_spec(package)
    assert spec
    assert spec.origin
    sources = list(Path(spec.origin).parent.rglob("*.py"))
    assert len(sources) > 50
    assert [path for path in sources if "neftune" in path.read_text().lower()] == []


def test_every_script_is_on_the_page() -> None:
    assert {path.name for path in WRONG.glob("*.py")} == set(SCRIPTS)
    assert all(
        f"[{name}](examples/wrong/{name}) | {about} |" in PAGE for name, about in SCRIPTS.items()
    )


def test_what_is_wrong_is_set_in_bold_and_an_error_is_a_result() -> None:
    page = markdown(
        [
            Column(
                "neftune",
                {"neftune": "1"},
                {"one sequence": Found(1.02), "padding": Found(0.0)},
            ),
            Column(
                "ludwig",
                {"ludwig": "2", "torch": "3"},
                {"one sequence": Found(error="no such model"), "padding": Found(0.4)},
            ),
        ]
    )
    assert "| 1 | 1.02 | **error: no such model** |" in page
    assert "| 0 | 0.00 | **0.40** |" in page
    assert "Not right: 0 of 2 of neftune 1; 2 of 2 of ludwig 2." in page
    assert "measured with torch 3." in page
    assert "Not installed here, and not measured elsewhere: transformers, ms-swift." in page


def test_what_was_not_measured_says_why_and_counts_for_nothing() -> None:
    column = Column(
        "ludwig",
        {"ludwig": "2", "torch": "3"},
        {"one sequence": Found(1.0), "padding": Found(left_out="there is none")},
    )
    page = markdown([column])
    assert "| 0 | not measured |" in page
    assert "Not right: 0 of 1 of ludwig 2." in page
    assert "not measured in “padding”: there is none." in page


def test_a_column_that_was_kept_is_read_again(tmp_path: Path) -> None:
    column = read(FILES[0])
    write(column, tmp_path / "kept.json")
    assert (tmp_path / "kept.json").read_bytes() == FILES[0].read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    (
        ({"library": "nobody"}, "is of nobody, which is none of neftune, "),
        ({"versions": {}}, "does not say the version of"),
        ({"found": {"padding": Found(0.0)}}, "is of other situations than these"),
    ),
    ids=("library", "version", "situations"),
)
def test_a_file_of_something_else_is_one_line(
    change: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(replace(read(FILES[0]), **change), tmp_path / "odd.json")  # type: ignore[arg-type]
    out = tmp_path / "page.md"
    assert main(["conformance", str(tmp_path / "odd.json"), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'odd.json'} ")
    assert said in error
    assert not out.exists()


def test_a_file_that_is_no_column_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text('{"library": 3}')
    assert main(["conformance", str(tmp_path / "odd.json")]) == 1
    assert f"{tmp_path / 'odd.json'} is no measured column" in capsys.readouterr().err


def test_a_library_that_is_not_installed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "column.json"
    assert main(["conformance", "--library", "ludwig", "--measured", str(out)]) == 1
    assert capsys.readouterr().err == "error: ludwig is not installed: pip install ludwig\n"
    assert not out.exists()


def test_what_is_measured_of_no_library_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conformance", "--measured", str(tmp_path / "column.json")]) == 1
    assert "--measured goes with --library" in capsys.readouterr().err


def test_a_package_that_measuring_needs_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)  # as if it were not installed
    assert main(["conformance"]) == 1
    said = "error: accelerate is not installed, which measuring needs: pip install "
    assert capsys.readouterr().err == said + "'neftune[conformance]'\n"
