"""Pictures: their titles stand clear of everything else, and their files are reproducible."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.plots import (
    COLOURS,
    GREY,
    balanced,
    contrast,
    curves,
    heatmaps,
    histograms,
    readable_on,
    save,
    shares,
    win_rate_by_length,
    wrapped,
)

POINTS = [{"x": x, "value": x, "low": x - 1, "high": x + 1} for x in (0.0, 5.0, 10.0)]
DRAWN = np.random.default_rng(0).normal(size=100)
MEAN = {"value": 0.1, "low": -0.1, "high": 0.3}
PICTURES: dict[str, Callable[[str], Any]] = {
    "curves": lambda title: curves({"panel": {"a": POINTS, "b": POINTS}}, title, "alpha", "loss"),
    "histograms": lambda title: histograms(
        {"one": list(DRAWN), "two": list(DRAWN)}, title, "loss", {"one": MEAN, "two": MEAN}
    ),
    "heatmaps": lambda title: heatmaps(
        {"panel": np.ones((2, 2))}, title, ("lr", ["1", "2"]), ("alpha", ["0", "5"])
    ),
    "lengths": lambda title: win_rate_by_length(
        {"a": (DRAWN, np.abs(DRAWN) % 1), "b": (DRAWN, np.abs(DRAWN) % 1)}, title
    ),
    "shares": lambda title: shares({"a": {"wins": 3, "draws": 1}}, title, "share, %"),
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
        save(PICTURES["shares"](f"title\n{NOTE}"), tmp_path / "new" / name)
    files = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert sorted(files) == ["one.png", "one.svg", "two.png", "two.svg"]
    assert files["one.png"] == files["two.png"]
    assert files["one.svg"] == files["two.svg"]


def test_no_line_of_a_title_is_a_single_word() -> None:
    text = "The win rate differs from that of the baseline by an amount that excludes zero"
    width = len(text) - 2
    assert wrapped(text, width).split("\n")[1] == "zero"
    first, second = balanced(text, width).split("\n")
    assert abs(len(first) - len(second)) < 12
    assert f"{first} {second}" == text


def test_every_colour_stands_out_from_white_and_text_from_its_ground() -> None:
    from matplotlib.colors import to_rgb

    assert all(contrast(to_rgb(colour)) >= 3 for colour in (*COLOURS, GREY))
    assert contrast((0, 0, 0)) == pytest.approx(21)
    for grey in np.linspace(0, 1, 21):
        ground = (grey, grey, grey)
        assert contrast(to_rgb(readable_on(ground)), ground) >= 4.5


def test_a_histogram_says_its_mean_and_how_many_are_above_and_below_zero() -> None:
    figure: Any = histograms({"panel": [-1.0, 2.0, 2.0, 0.0]}, "title", "x", {"panel": MEAN})
    (panel,) = figure.axes
    (text,) = panel.texts
    assert text.get_text() == "mean +0.1000 [−0.1000, +0.3000]\nabove 0: 50%, below: 25%"
    assert sum(bar.get_height() for bar in panel.patches) == 4


def test_a_bar_of_shares_is_divided_by_its_counts() -> None:
    figure: Any = shares({"here": {"wins": 30, "draws": 69, "losses": 1}}, "title", "share, %")
    (panel,) = figure.axes
    assert [bar.get_width() for bar in panel.patches] == pytest.approx([30, 69, 1])
    assert [text.get_text() for text in panel.texts] == ["30", "69", "1"]


def test_cells_of_a_map_carry_the_texts_that_they_are_given() -> None:
    texts = {"panel": [["+1.0*", "−2.0"]]}
    figure = heatmaps(
        {"panel": np.array([[1.0, -2.0]])},
        "t",
        ("lr", ["1", "2"]),
        ("", ["5"]),
        texts=texts,
        diverging=True,
    )
    (panel,) = figure.axes
    assert [(t.get_text(), t.get_fontweight()) for t in panel.texts] == [
        ("+1.0*", "bold"),
        ("−2.0", "normal"),
    ]
    assert panel.images[0].get_clim() == (-2.0, 2.0)
