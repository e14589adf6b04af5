"""Forest plots: where marks stand, what they say, and that nothing overlaps or is too small."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from analysis.forest import Choices, Mark, Panel, Row, forest, signed
from analysis.plots import MARKERS, SMALL, pyplot

ROWS = [Row("head", "Sets", heading=True), Row("a", "Alpaca"), Row("b", "Evol-Instruct")]
MEASURED = Panel(
    "Here: win rate",
    "points",
    [Mark("a", 1.5, 0.5, 2.5, level="31.6"), Mark("b", -0.04, -1.0, 0.9, level="67.0")],
    margin=1.0,
)
PUBLISHED = Panel("Published: win rate", "points", [Mark("a", 34.9, 34.9, 34.9)], published=True)


@pytest.fixture(autouse=True)
def every_picture_is_closed() -> Iterator[None]:
    yield
    pyplot().close("all")


def markers(axis: Any) -> list[Any]:
    """The marks of a panel: lines of one point."""
    return [
        line
        for line in axis.lines
        if len(line.get_xdata()) == 1 and line.get_marker() != "" and line.get_marker() != "None"
    ]


def test_a_mark_stands_in_its_row_and_is_filled_where_its_interval_excludes_zero() -> None:
    figure = forest([[MEASURED, PUBLISHED]], ROWS, "title")
    here, there = figure.axes
    found = markers(here)
    assert [(*line.get_xdata(), *line.get_ydata()) for line in found] == [(1.5, 1), (-0.04, 2)]
    assert [line.get_markerfacecolor() == "white" for line in found] == [False, True]
    (published,) = markers(there)
    assert published.get_marker() == "D"
    assert published.get_markerfacecolor() == "black"
    assert [text.get_text() for text in here.texts] == ["+1.5", "0.0"]


def test_a_number_without_an_interval_is_not_filled() -> None:
    panel = Panel("p", "points", [Mark("a", 1.0, 1.0, 1.0)])
    (mark,) = markers(forest([[panel]], ROWS, "title").axes[0])
    assert mark.get_markerfacecolor() == "white"


def test_levels_stand_beside_their_rows_under_a_title() -> None:
    figure = forest([[MEASURED]], ROWS, "title", level_title="baseline")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["+1.5", "0.0", "baseline", "31.6", "67.0"]


def test_a_mark_far_from_all_others_is_an_arrow_at_the_edge_with_its_number() -> None:
    rows = [Row(str(place), str(place)) for place in range(12)]
    near = [Mark(row.key, 0.5, -1.0, 2.0) for row in rows[:-1]]
    figure = forest(
        [[Panel("p", "points", [*near, Mark("11", -30.0, -50.0, -10.0)])]], rows, "title"
    )
    (axis,) = figure.axes
    *others, arrow = markers(axis)
    low, high = axis.get_xlim()
    assert -3 < low < arrow.get_xdata()[0] < -1
    assert 2 < high < 4
    assert arrow.get_marker() == "<"
    assert {line.get_marker() for line in others} == {MARKERS[0]}
    assert axis.texts[-1].get_text() == "−30.0"
    assert "arrow at the edge: beyond it" in "\n".join(t.get_text() for t in figure.texts)


def test_an_interval_that_reaches_beyond_the_axis_ends_in_arrows() -> None:
    rows = [Row(str(place), str(place)) for place in range(12)]
    near = [Mark(row.key, 0.5, -1.0, 2.0) for row in rows[:-1]]
    figure = forest([[Panel("p", "points", [*near, Mark("11", 1.0, -50.0, 52.0)])]], rows, "title")
    left, right, mark = markers(figure.axes[0])[-3:]
    assert (left.get_marker(), right.get_marker(), mark.get_marker()) == ("<", ">", MARKERS[0])
    assert left.get_xdata()[0] < mark.get_xdata()[0] == 1.0 < right.get_xdata()[0]
    assert "arrow at the edge: beyond it" in "\n".join(t.get_text() for t in figure.texts)


def test_marks_of_like_size_are_all_within_the_axis() -> None:
    rows = [Row(str(place), str(place)) for place in range(12)]
    marks = [Mark(row.key, place, place - 1.0, place + 1.0) for place, row in enumerate(rows)]
    figure = forest([[Panel("p", "points", marks)]], rows, "title")
    assert [line.get_xdata()[0] for line in markers(figure.axes[0])] == list(range(12))
    assert "arrow" not in "\n".join(t.get_text() for t in figure.texts)


def test_several_series_have_different_markers_colours_and_places_and_a_legend() -> None:
    marks = [Mark("a", 1.0, 0.5, 1.5, series) for series in range(3)]
    panels = [Panel("p", "", marks), Panel("q", "", marks, published=True)]
    figure = forest([panels], ROWS, "title", series=["x", "y", "z"])
    for axis in figure.axes:
        found = markers(axis)
        assert tuple(line.get_marker() for line in found) == MARKERS[:3]
        places = [line.get_ydata()[0] for line in found]
        assert places == sorted(places)
        assert all(0.5 < place < 1.5 for place in places)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["x", "y", "z"]


def test_notes_say_what_the_signs_mean_where_they_occur() -> None:
    def notes(*panels: Panel | Choices) -> str:
        figure = forest([panels], ROWS, "title")
        return "\n".join(text.get_text() for text in figure.texts).replace("\n", " ")

    assert "shaded: smaller than what would matter" in notes(MEASURED)
    assert "shaded" not in notes(PUBLISHED)
    chosen = notes(Choices("Alpha", "alpha", {"a": (5.0, 15.0), "b": (5.0, None)}))
    assert "Circle: chosen here; diamond: in the paper" in chosen
    assert "intervals" not in chosen


def test_choices_stand_at_their_values() -> None:
    made = {"a": (5.0, 15.0), "b": (10.0, None)}
    axis = forest([[Choices("Alpha", "alpha", made)]], ROWS, "title").axes[0]
    assert [(m.get_marker(), *m.get_xdata(), *m.get_ydata()) for m in markers(axis)] == [
        ("o", 5.0, 1),
        ("D", 15.0, 1),
        ("o", 10.0, 2),
    ]
    assert list(axis.get_xticks()) == [5.0, 10.0, 15.0]


@pytest.mark.parametrize("across", (1, 2, 4))
def test_a_picture_is_narrow_enough_and_its_text_large_enough_and_clear(across: int) -> None:
    import matplotlib.text

    panels = [MEASURED, PUBLISHED, MEASURED, PUBLISHED][:across]
    title = (
        "A message that is long enough to be wrapped into two lines of the whole picture's width"
    )
    figure: Any = forest([panels], ROWS, f"{title}\nnotes", level_title="baseline")
    figure.canvas.draw()
    assert figure.get_tightbbox().width * figure.dpi <= 1100
    texts = [
        text
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_visible() and text.get_text()
    ]
    assert min(text.get_fontsize() for text in texts) >= SMALL
    for axis in figure.axes:
        boxes = [text.get_window_extent() for text in (*axis.texts, *axis.get_yticklabels())]
        boxes = [box for box in boxes if box.width > 1]
        for place, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[place + 1 :])
    assert all(
        not axis.get_tightbbox().overlaps(text.get_window_extent())
        for axis in figure.axes
        for text in figure.texts
    )


def test_numbers_of_an_axis_do_not_touch_each_other() -> None:
    marks = [Mark("a", 13.9, -308.2, 336.0, level="248"), Mark("b", 1.0, -24.0, 27.0, level="405")]
    wide = Panel("Here: length", "%", marks)
    long = [Row("a", "no noise, stopped after epoch 1"), Row("b", "alpha 5")]
    figure: Any = forest([[wide] * 4], long, "Some message", level_title="no noise")
    figure.draw_without_rendering()
    for axis in figure.axes:
        low, high = axis.get_xlim()
        boxes = [
            label.get_window_extent()
            for place, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
            if low <= place <= high
        ]
        assert len(boxes) >= 2
        assert all(one.x1 < two.x0 for one, two in itertools.pairwise(boxes))


def test_a_sign_is_a_true_minus_and_zero_has_none() -> None:
    assert [signed(x, 1) for x in (1.25, -0.31, -0.04, 0.0)] == ["+1.2", "−0.3", "0.0", "0.0"]
