"""Published and measured numbers stand on one axis, where both have the same scale."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from experiments.paths import RESULTS
from experiments.published import TABLE_1
from experiments.site.dumbbells import EDGE, WIDTH, dumbbells
from tests.browser import is_too_wide, opened, violations


def data(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / "nano" / f"{name}.json").read_text())


def test_a_row_has_the_papers_numbers_and_those_of_the_table() -> None:
    (found,) = dumbbells(data("table1"))
    assert (found.title, found.against) == ("win rate, %", "baseline")
    (alpaca,) = [row for row in found.rows if row.label == "Alpaca"]
    base, noise = TABLE_1["LLaMA-2 7B"], TABLE_1["+NEFT"]
    assert alpaca.published == pytest.approx((base["alpaca"], noise["alpaca"]))
    cells = {
        cell["row"]: cell["value"]
        for cell in data("table1")["cells"]
        if cell["metric"] == "win rate, %" and cell["column"] == "Alpaca"
    }
    assert alpaca.measured == pytest.approx((cells["baseline"], cells["+NEFT"]))


def test_marks_stand_at_their_numbers() -> None:
    (found,) = dumbbells(data("table1"))
    assert (found.low, found.high) == (20.0, 80.0)
    for row in found.rows:
        circles = re.findall(r'<circle class="(from )?measured" cx="([\d.]+)"', row.drawn)
        assert [bool(hollow) for hollow, _ in circles] == [True, False]
        assert row.measured is not None
        for (_, x), value in zip(circles, row.measured, strict=True):
            share = (float(x) - EDGE) / (WIDTH - 2 * EDGE)
            assert found.low + share * (found.high - found.low) == pytest.approx(value, abs=0.05)


def test_what_only_the_paper_has_is_drawn_alone() -> None:
    (found,) = dumbbells(data("table11"))
    assert found.against == "NEFT"
    (untuned,) = [row for row in found.rows if row.label == "no fine-tuning"]
    assert untuned.measured is None
    assert "circle" not in untuned.drawn


def test_lengths_and_settings_and_tables_without_published_numbers_have_none() -> None:
    assert [each.title for each in dumbbells(data("table6"))] == ["win rate, %"]
    assert [each.title for each in dumbbells(data("table7"))] == ["win rate, %"]
    for name in ("rivals", "table8", "figure6", "claims"):
        assert dumbbells(data(name)) == []
    assert dumbbells(None) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_the_page_shows_them_with_their_numbers(
    scheme: Any, width: int, site: Path, chromium: Browser
) -> None:
    page_file = site / "results" / "nano" / "table3.html"
    with opened(chromium, page_file, scheme=scheme, width=width) as (page, _):
        (found,) = dumbbells(data("table3"))
        assert page.locator(".dumbbells tbody tr").count() == len(found.rows) == 15
        assert page.locator(".dumbbells tbody svg").first.is_visible()
        first = page.locator(".dumbbells tbody tr").first.inner_text()
        assert "{:.1f} → {:.1f}".format(*found.rows[0].published) in first
        assert f"from {found.low:g} to {found.high:g}" in page.inner_text("main")
        assert violations(page) == []
        assert not is_too_wide(page)
