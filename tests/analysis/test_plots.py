"""Pictures: their titles stand clear of everything else, and their files are reproducible."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.plots import (
    compare_with_paper,
    curves,
    heatmaps,
    histograms,
    save,
    win_rate_by_length,
)

CELLS = [
    {"row": row, "column": column, "value": 50.0, "low": 40.0, "high": 60.0, "published": 55.0}
    for row in ("without noise", "+NEFT")
    for column in ("Alpaca", "Evol-Instruct")
]
POINTS = [{"x": x, "value": x, "low": x - 1, "high": x + 1} for x in (0.0, 5.0, 10.0)]
DRAWN = np.random.default_rng(0).normal(size=100)
PICTURES: dict[str, Callable[[str], Any]] = {
    "bars": lambda title: compare_with_paper(CELLS, title, "win rate, %"),
    "curves": lambda title: curves({"panel": {"a": POINTS, "b": POINTS}}, title, "alpha", "loss"),
    "histograms": lambda title: histograms({"panel": {"a": list(DRAWN)}}, title, "loss"),
    "heatmaps": lambda title: heatmaps(
        {"panel": np.ones((2, 2))}, title, ("lr", ["1", "2"]), ("alpha", ["0", "5"])
    ),
    "lengths": lambda title: win_rate_by_length(
        {"a": (DRAWN, np.abs(DRAWN) % 1), "b": (DRAWN, np.abs(DRAWN) % 1)}, title
    ),
}
NOTE = "Measured on a 2.4M-parameter stand-in for LLaMA-2 7B, 5 seeds"


@pytest.mark.parametrize("name", PICTURES)
def test_a_title_of_several_lines_overlaps_nothing(name: str) -> None:
    first = f"A title of some {name} that is long enough to be wrapped"
    figure = PICTURES[name](f"{first}\n{NOTE}\n{NOTE}")
    figure.canvas.draw()
    (notes,) = [text for text in figure.texts if NOTE[:8] in text.get_text()]
    title = figure._suptitle
    assert title.get_fontweight() == "bold"
    assert title.get_text().replace("\n", " ") == first
    assert notes.get_fontweight() == "normal"
    assert notes.get_fontsize() < title.get_fontsize()
    boxes = [title.get_window_extent(), notes.get_window_extent()]
    boxes += [panel.get_tightbbox() for panel in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert boxes[0].y0 >= boxes[1].y1
    for place, box in enumerate(boxes[:2]):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert box.width <= figure.bbox.width


def test_a_title_of_one_line_has_no_notes() -> None:
    figure = PICTURES["heatmaps"]("Only this")
    assert figure._suptitle.get_text() == "Only this"
    assert [text.get_text() for text in figure.texts] == ["Only this"]


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(PICTURES["bars"](f"title\n{NOTE}"), tmp_path / "new" / name)
    files = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert sorted(files) == ["one.png", "one.svg", "two.png", "two.svg"]
    assert files["one.png"] == files["two.png"]
    assert files["one.svg"] == files["two.svg"]
