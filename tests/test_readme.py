"""The README quotes the committed results, and names only commands and files that exist."""

import json
import re
import subprocess

from tests.paths import ROOT

README = (ROOT / "README.md").read_text()


def squeezed(row: str) -> str:
    return re.sub(r" +", " ", row)


def test_its_table_is_the_committed_one() -> None:
    committed = squeezed((ROOT / "results" / "nano" / "table1.md").read_text())
    rows = [line for line in README.splitlines() if re.match(r"\| (LLaMA-2|\+NEFT|gain)", line)]
    assert len(rows) == 5
    assert [row for row in rows if row not in committed] == []


def test_its_sentences_on_the_audit_are_the_committed_ones() -> None:
    pairs = json.loads((ROOT / "results" / "audit" / "audit.json").read_text())["pairs"]
    assert [pair["statement"] for pair in pairs.values() if pair["statement"] not in README] == []


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_make_targets_exist() -> None:
    told = set(re.findall(r"\bmake ([a-z0-9]+)", README))
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in helped.stdout.splitlines() if line.strip()}
    assert told <= listed
