"""Rows of text as a Markdown table, estimates as text, and places of pages that commands write.

markdown_table([["", "Alpaca"], ["win rate, %", "31.64"]])
estimate_text({"value": 1.0, "low": 0.5, "high": 1.5})    # "1.00 [0.50, 1.50]"
filled(page, "claims", "What stands between <!-- claims --> and <!-- end of claims -->")
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a Markdown table; the first row is its head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])


def estimate_text(estimate: Mapping[str, float | None], digits: int = 2, sign: bool = False) -> str:
    """An estimate as text: the value and its 95% interval.

    Args:
        estimate: `value`, `low` and `high`; where there is none they are NaN, and None in JSON.
        digits: after the point.
        sign: whether positive numbers get a plus sign.
    """
    form = f"{{:{'+' if sign else ''}.{digits}f}}"
    if estimate["value"] is None or math.isnan(estimate["value"]):
        return "–"
    value, low, high = (form.format(estimate[key]) for key in ("value", "low", "high"))
    return value if low == high == value else f"{value} [{low}, {high}]"


def filled(page: str, place: str, text: str) -> str:
    """A page with a text in one of its places.

    Args:
        page: the page, with the marks `<!-- place -->` and `<!-- end of place -->`.
        place: the name of the place.
        text: what stands between the marks from now on.

    Raises:
        ValueError: the page lacks the marks.
    """
    start, end = f"<!-- {place} -->", f"<!-- end of {place} -->"
    before, found, rest = page.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page lacks {start} or {end}")
    return f"{before}{start}\n\n{text}\n\n{end}{after}"
