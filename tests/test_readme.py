"""The README quotes the committed results, and names only commands and files that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.cells.render import as_csv
from experiments.claims.rule import VERDICTS
from experiments.commands.readme import with_results
from tests.paths import ROOT

FOLDER = ROOT / "results" / "nano"
PAGES = [
    ROOT / "README.md",
    ROOT / "results" / "README.md",
    *sorted((ROOT / "results").glob("*/README.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "notebooks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
README = (ROOT / "README.md").read_text()


def shipped(name: str) -> Path:
    """One of the laboratory's committed results."""
    if not (FOLDER / name).exists():
        pytest.skip(f"no results/nano/{name}: not made yet")
    return FOLDER / name


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def squeezed(row: str) -> str:
    return re.sub(r" +", " ", row)


def test_its_table_is_the_committed_one() -> None:
    committed = squeezed(shipped("table1.md").read_text())
    rows = [line for line in README.splitlines() if re.match(r"\| (paper, )?win rate", line)]
    # The paper's two, and of each of two judges both arms and their difference.
    assert len(rows) == 8
    assert [row for row in rows if squeezed(row) not in committed] == []


def test_its_places_are_as_a_release_writes_them() -> None:
    assert with_results(README, ROOT / "results") == README


def test_results_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    written = with_results(README, tmp_path)
    assert "<!-- table1 -->\n\nNot made yet.\n\n<!-- end of table1 -->" in written
    assert "<!-- claims -->\n\nNot judged yet.\n\n<!-- end of claims -->" in written
    assert "<!-- rivals -->\n\nNot made yet.\n\n<!-- end of rivals -->" in written
    assert "<!-- real -->\n\nNot made yet.\n\n<!-- end of real -->" in written
    assert "<!-- real claims -->\n\nNot judged yet.\n\n<!-- end of real claims -->" in written
    assert not re.search(r"^\| (paper, )?win rate", written, re.MULTILINE)


def test_results_that_are_there_are_written_and_nothing_else_changes(tmp_path: Path) -> None:
    before = with_results(README, tmp_path)
    rows = [
        *(["", "Alpaca"], ["win rate, %: baseline", "40.00"], ["characters: baseline", "60.0"]),
        *(["paper, win rate, %: baseline", "29.79"], ["win rate by the oracle, %: +NEFT", "41"]),
    ]
    write(tmp_path / "nano" / "table1.csv", as_csv(rows))
    finding = {"alpha": "5", "verdict": "not resolved", "parts": [{}, {}], "left_out": []}
    claim = {"text": "Answers rhyme", "judge": "oracle", "registered": True, "findings": [finding]}
    claim |= {"published_change": None}
    counted = dict.fromkeys(VERDICTS, 0) | {"not resolved": 1}
    for scale in ("nano", "small"):
        claim["text"] = f"Answers rhyme ({scale})"
        claims = {"verdicts": counted, "claims": [claim]}
        write(tmp_path / scale / "claims.json", json.dumps(claims))
    rows = [["model", "length, %"], ["gemma", "+2.0, +3.0"]]
    write(tmp_path / "findings" / "each-seed.csv", as_csv(rows))
    written = with_results(before, tmp_path)
    assert "| gemma | +2.0, +3.0 |" in squeezed(written)
    table = [line for line in written.splitlines() if re.match(r"\| .*win rate.*: ", line)]
    assert [squeezed(line) for line in table] == [
        "| paper, win rate, %: baseline | 29.79 |",
        "| win rate, %: baseline | 40.00 |",
        "| win rate by the oracle, %: +NEFT | 41 |",
    ]
    laboratory, real = squeezed(written).split("<!-- real claims -->")
    assert "| Answers rhyme (nano) | oracle | not resolved |" in laboratory
    assert "| Answers rhyme (small) | oracle | not resolved |" in real
    assert written.count("0 of 1 testable verdicts hold, 1 not resolved.") == 2
    for folder in list(tmp_path.iterdir()):
        shutil.rmtree(folder)
    assert with_results(written, tmp_path) == before


def test_a_readme_without_the_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lacks <!-- table1 -->"):
        with_results("a page", tmp_path)


def test_its_sentences_on_the_audit_are_the_committed_ones() -> None:
    pairs = json.loads((ROOT / "results" / "audit" / "audit.json").read_text())["pairs"]
    assert [pair["statement"] for pair in pairs.values() if pair["statement"] not in README] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!http|#)([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_tests_that_the_page_of_reports_names_exist() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs" / "reported.md").read_text())
    assert len(named) > 20
    for file, name in named:
        assert f"\ndef {name}(" in (ROOT / "tests" / "neftune" / file).read_text(), (file, name)


def code_of(page: Path) -> str:
    """A page's code: its fenced blocks, and its inline code, a line each."""
    text, fenced = page.read_text(), re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`]+)`", fenced.sub("", text))
    return "\n".join([*fenced.findall(text), *inline])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_make_targets_it_names_exist(page: Path) -> None:
    # docs/extending.md has an example that adds a target; tests/test_extending.py runs it.
    named = set(re.findall(r"^make ([a-z0-9-]+)", code_of(page), re.MULTILINE))
    for target in named - {"dropout"}:
        asked = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
