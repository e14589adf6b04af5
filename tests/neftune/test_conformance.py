"""The noise is right in every situation, and the page says of others what is measured now."""

import re
import sys
from importlib.metadata import version

import pytest

from neftune.command import main
from neftune.conformance.libraries import LIBRARIES
from neftune.conformance.report import Found, markdown, measure
from neftune.conformance.situations import SITUATIONS
from tests.extras import needs
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text()


NEED = {"a model with LoRA": "peft", "a second training after an error": "accelerate"}
"""The packages of single situations."""


@pytest.fixture(scope="module")
def ours() -> dict[str, Found]:
    return {each.situation: each for each in measure(libraries=["neftune"])}


@pytest.fixture(scope="module")
def theirs() -> dict[str, Found]:
    needs("conformance")
    if f"| transformers {version('transformers')} |" not in PAGE:
        pytest.skip(f"docs/conformance.md is not of transformers {version('transformers')}")
    return {each.situation: each for each in measure(libraries=["transformers"])}


@pytest.mark.parametrize("name", SITUATIONS)
def test_this_librarys_noise_is_the_papers(name: str, ours: dict[str, Found]) -> None:
    if name in NEED:
        pytest.importorskip(NEED[name])
    each = ours[name]
    assert not each.error
    assert each.ratio == pytest.approx(SITUATIONS[name].right, abs=0.03)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_page_says_what_is_measured(
    name: str, ours: dict[str, Found], theirs: dict[str, Found]
) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    cells = [cell.strip().strip("*") for cell in row.strip("|").split("|")]
    assert float(cells[2]) == SITUATIONS[name].right
    for cell, found in zip(cells[3:], (ours, theirs), strict=True):
        ratio = found[name].ratio
        assert ratio is not None
        assert float(cell) == pytest.approx(ratio, abs=0.02)


def test_the_page_is_of_this_version_and_of_the_pinned_transformers() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    (pinned,) = re.findall(r"^transformers==(\S+)$", lock, re.MULTILINE)
    assert f"| {LIBRARIES['neftune'].title} | transformers {pinned} |" in PAGE


def test_the_command_says_what_it_needs_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)  # as if it were not installed
    assert main(["conformance"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the comparison needs peft")
    assert said.endswith("pip install 'neftune[conformance]'\n")
    assert said.count("\n") == 1


def test_what_is_wrong_is_set_in_bold_and_an_error_is_a_result() -> None:
    page = markdown(
        [
            Found("one sequence", "neftune", 1.02),
            Found("one sequence", "transformers", None, "no such model"),
            Found("padding", "neftune", 0.0),
            Found("padding", "transformers", 0.4),
        ]
    )
    assert "| 1 | 1.02 | **error: no such model** |" in page
    assert "| 0 | 0.00 | **0.40** |" in page
    assert "Not right: 0 of 2 of neftune" in page
    assert "; 2 of 2 of transformers" in page
