"""Computed tables in docs/statistics.md, each between two marks.

write_table("coverage", rows)                        # rows of text, titles first
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"


def with_table(page: str, name: str, rows: Sequence[Sequence[str]]) -> str:
    """A page with a table between `<!-- name: begin -->` and `<!-- name: end -->`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("---" for _ in rows[0]) + " |")
    before, rest = page.split(begin)
    return "\n".join([before + begin, *lines, end + rest.split(end)[1]])


def write_table(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Write a table to the page, in place of the one that is there."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), name, rows), encoding="utf-8")
