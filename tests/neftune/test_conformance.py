"""The noise is right in every situation, and the page says of others what is measured now."""

import pytest

from neftune.conformance.libraries import LIBRARIES
from neftune.conformance.report import Found, markdown, measure
from neftune.conformance.situations import SITUATIONS
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text()


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Found]:
    return {(each.situation, each.library): each for each in measure()}


@pytest.mark.parametrize("name", SITUATIONS)
def test_this_librarys_noise_is_the_papers(name: str, found: dict[tuple[str, str], Found]) -> None:
    each = found[name, "neftune"]
    assert not each.error
    assert each.ratio == pytest.approx(SITUATIONS[name].right, abs=0.03)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_page_says_what_is_measured(name: str, found: dict[tuple[str, str], Found]) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    cells = [cell.strip().strip("*") for cell in row.strip("|").split("|")]
    assert float(cells[2]) == SITUATIONS[name].right
    for cell, library in zip(cells[3:], LIBRARIES, strict=True):
        ratio = found[name, library].ratio
        assert ratio is not None
        assert float(cell) == pytest.approx(ratio, abs=0.02)


def test_the_pages_titles_have_the_versions_of_the_libraries() -> None:
    for library in LIBRARIES.values():
        assert f"| {library.title} |" in PAGE


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
