"""The README quotes the committed results, and names only commands and files that exist."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from experiments.claims.page import summary_rows
from tests.paths import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "results" / "README.md",
    ROOT / "results" / "nano" / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
README = (ROOT / "README.md").read_text()


def squeezed(row: str) -> str:
    return re.sub(r" +", " ", row)


def test_its_table_is_the_committed_one() -> None:
    committed = squeezed((ROOT / "results" / "nano" / "table1.md").read_text())
    rows = [line for line in README.splitlines() if re.match(r"\| (paper, )?win rate, %", line)]
    assert len(rows) == 5
    assert [row for row in rows if row not in committed] == []


def test_its_claims_are_the_committed_ones() -> None:
    folder = ROOT / "results" / "nano"
    claims = json.loads((folder / "claims.json").read_text())["claims"]
    written = squeezed(README)
    for row in summary_rows(claims):
        assert squeezed(f"| {' | '.join(row)} |") in written


def test_its_sentences_on_the_audit_are_the_committed_ones() -> None:
    pairs = json.loads((ROOT / "results" / "audit" / "audit.json").read_text())["pairs"]
    assert [pair["statement"] for pair in pairs.values() if pair["statement"] not in README] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!http|#)([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def code_of(page: Path) -> str:
    """A page's code: its fenced blocks, and its inline code, a line each."""
    text, fenced = page.read_text(), re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`]+)`", fenced.sub("", text))
    return "\n".join([*fenced.findall(text), *inline])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_make_targets_it_names_exist(page: Path) -> None:
    # docs/extending.md has an example that adds a target; tests/test_extending.py runs it.
    named = set(re.findall(r"^make ([a-z0-9]+)", code_of(page), re.MULTILINE))
    for target in named - {"dropout"}:
        asked = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
