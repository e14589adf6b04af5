"""Differences with their intervals, drawn around a line at zero: forest plots.

    panel = Panel("Measured here", "points", [Mark("Alpaca", 1.2, -0.3, 2.5)], margin=1.0)
    title = "Noise changes the win rate by +1.2 points [−0.3, +2.5]"
    save(forest([[panel]], [Row("Alpaca", "Alpaca")], title), Path("table1"))

A mark is filled where its interval excludes zero. The smallest change that matters is shaded.
A mark that is far from all others stands at the edge of its panel as an arrow, with its number.
Published numbers have panels of their own, on a tinted ground and with an axis of their own: the
models that they come from are larger by a factor of a thousand.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.plots import COLOURS, GREY, MARKERS, SMALL, STYLE, WIDTH, finish, pyplot, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 2.0
"""Between numbers of an axis, in pixels."""
SHADE, EDGE, TINT = "#E8E8E8", "#767676", "#FBF4E4"


@dataclass(frozen=True)
class Row:
    """A row of a picture.

    Args:
        key: what marks call it.
        label: what readers see; it may occur twice, under two headings.
        heading: whether it is a heading, which has no marks.
    """

    key: str
    label: str
    heading: bool = False


@dataclass(frozen=True)
class Mark:
    """One difference.

    Args:
        row: the key of its row.
        value: the difference; NaN where only the level is known.
        low: the lower end of its interval; of a published number the value itself.
        high: the upper end.
        series: the place of its name among the picture's series, which gives colour and marker.
        level: what it is a difference from, as text.
    """

    row: str
    value: float
    low: float
    high: float
    series: int = 0
    level: str = ""


@dataclass(frozen=True)
class Panel:
    """Differences in one unit along one axis.

    Args:
        title: above the panel.
        unit: of the horizontal axis.
        marks: the differences.
        margin: the smallest change that matters, in the unit.
        published: whether the numbers are the paper's.
        digits: after the point, of the numbers beside the marks.
    """

    title: str
    unit: str
    marks: Sequence[Mark]
    margin: float | None = None
    published: bool = False
    digits: int = 1


@dataclass(frozen=True)
class Choices:
    """A setting that was chosen for each row, here and in the paper.

    Args:
        title: above the panel.
        unit: of the horizontal axis.
        made: for the key of each row the value chosen here, and the paper's.
    """

    title: str
    unit: str
    made: Mapping[str, tuple[float, float | None]]


def forest(
    grid: Sequence[Sequence[Panel | Choices]],
    rows: Sequence[Row],
    title: str,
    *,
    series: Sequence[str] = (),
    level_title: str = "",
) -> Figure:
    """Draw panels of differences beside and below each other, with the same rows in each.

    Args:
        grid: rows of panels.
        rows: from the top.
        title: the message, and below it lines of notes.
        series: the names of the series; they are told in a legend where there are several.
        level_title: what the marks' levels are, as the title of their column.

    Returns:
        The picture.
    """
    plt = pyplot()
    across = max(map(len, grid))
    step = 0.27 if len(rows) > 14 else 0.3
    step = max(step, 0.25 * len(series))
    height = len(grid) * (1.2 + step * len(rows))
    places = {row.key: place for place, row in enumerate(rows)}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(len(grid), across, figsize=(WIDTH, height), squeeze=False)
        for line, panels in zip(axes, grid, strict=True):
            for place, axis in enumerate(line):
                if place >= len(panels):
                    axis.set_axis_off()
                    continue
                panel = panels[place]
                if isinstance(panel, Panel) and not panel.marks:
                    axis.set_axis_off()
                elif isinstance(panel, Panel):
                    _draw(axis, panel, places, max(1, len(series)))
                    if level_title and any(mark.level for mark in panel.marks):
                        _levels(axis, panel, places, level_title)
                else:
                    _choose(axis, panel, places)
                _dress(axis, panel, rows, labelled=place == 0, letters=84 // across)
        if len(series) > 1:
            handles = [
                plt.Line2D([], [], ls="", marker=MARKERS[i], color=COLOURS[i], label=name)
                for i, name in enumerate(series)
            ]
            figure.legend(
                handles=handles,
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                ncols=min(3, len(series)),
            )
        figure.tight_layout(w_pad=1.2, h_pad=1.4)
        for axis, drawn in zip(axes.flat, _in_place(grid, across), strict=True):
            if isinstance(drawn, Panel):
                _spread(figure, axis)
        finish(figure, f"{title}\n{_how_to_read(grid)}".rstrip(), lay_out=False)
    return figure


def _how_to_read(grid: Sequence[Sequence[Panel | Choices]]) -> str:
    """What the signs mean, as far as they occur."""
    measured = [
        panel for line in grid for panel in line if isinstance(panel, Panel) and not panel.published
    ]
    parts = []
    if any(panel.marks for panel in measured):
        parts.append("Paired differences with 95% intervals, filled where the interval excludes 0")
    if any(panel.margin for panel in measured):
        parts.append("shaded: smaller than what would matter")
    if any(_reaches_beyond(panel) for panel in measured):
        parts.append("arrow at the edge: beyond it")
    if any(isinstance(panel, Choices) for line in grid for panel in line):
        parts.append("circle: chosen here; diamond: in the paper")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}"


def _dress(
    axis: Axes, panel: Panel | Choices, rows: Sequence[Row], *, labelled: bool, letters: int
) -> None:
    """Title, labels and edges of a panel."""
    axis.set_yticks(range(len(rows)), [row.label if labelled else "" for row in rows])
    for row, label in zip(rows, axis.get_yticklabels(), strict=True):
        if row.heading:
            label.set_fontweight("bold")
    axis.set_ylim(len(rows) - 0.4, -0.8)
    axis.set_title(wrapped(panel.title, letters), loc="left")
    axis.set_xlabel(panel.unit)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _draw(axis: Axes, panel: Panel, places: Mapping[str, int], series: int) -> None:
    """The marks of a panel, its zero line and its margin."""
    from matplotlib.patheffects import withStroke

    if panel.published:
        axis.set_facecolor(TINT)
    if panel.margin:
        axis.axvspan(-panel.margin, panel.margin, color=SHADE, lw=0, zorder=0)
        for side in (-panel.margin, panel.margin):
            axis.axvline(side, color=EDGE, lw=0.8, ls=":", zorder=1)
    axis.axvline(0, color="black", lw=1.0, zorder=1)
    for place in range(1, len(places) if series > 1 else 0):
        axis.axhline(place - 0.5, color=EDGE, lw=0.6, ls=":", zorder=0)
    low, high = _limits(panel)
    axis.set_xlim(low, high)
    for mark in panel.marks:
        if mark.value != mark.value:
            continue
        at = places[mark.row] + (mark.series - (series - 1) / 2) * 0.84 / series
        excludes = mark.low < mark.high and not mark.low <= 0 <= mark.high
        colour = "black" if panel.published else COLOURS[mark.series]
        edge = 0.04 * (high - low)
        drawn = min(max(mark.value, low + edge), high - edge)
        marker = "D" if panel.published and series == 1 else MARKERS[mark.series]
        if not low <= mark.value <= high:
            marker = "<" if drawn > mark.value else ">"
        axis.plot([mark.low, mark.high], [at, at], color=colour, lw=1.6, zorder=2)
        for end, arrow, tip in ((mark.low, "<", low + edge), (mark.high, ">", high - edge)):
            if not low <= end <= high and low <= mark.value <= high:
                axis.plot([tip], [at], marker=arrow, ms=4, color=colour, zorder=2)
        axis.plot(
            [drawn],
            [at],
            marker=marker,
            ms=5,
            mec=colour,
            mfc=colour if excludes or panel.published else "white",
            zorder=3,
        )
        axis.annotate(
            signed(mark.value, panel.digits),
            (drawn, at),
            (0, 3.5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color=colour,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
    axis.locator_params(axis="x", nbins=5 if panel.digits < 3 else 3, steps=[1, 2, 5, 10])


def _in_place(grid: Sequence[Sequence[Panel | Choices]], across: int) -> list[object]:
    """The panels in the order of the figure's axes, with None where there is none."""
    return [line[place] if place < len(line) else None for line in grid for place in range(across)]


def _spread(figure: Figure, axis: Axes) -> None:
    """Leave out numbers of the horizontal axis until none touches the next one."""
    figure.draw_without_rendering()
    for bins in range(4, 0, -1):
        low, high = axis.get_xlim()
        boxes = [
            label.get_window_extent()
            for place, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
            if low <= place <= high
        ]
        if all(one.x1 + GAP < two.x0 for one, two in itertools.pairwise(boxes)):
            return
        axis.locator_params(axis="x", nbins=bins, steps=[1, 2, 3, 5, 10])
        figure.draw_without_rendering()


def signed(value: float, digits: int) -> str:
    """A difference as text, with a true minus, and with no sign where it is rounded to 0."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text[1:]


FAR = 4.0
"""A mark is beyond the axis where it is so many times as far from 0 as nine tenths of all ends."""


def _limits(panel: Panel) -> tuple[float, float]:
    """The ends of the axis: room for zero, the margin, and every mark that is not far from all."""
    marks = [mark for mark in panel.marks if mark.value == mark.value]
    reach = [max(abs(mark.low), abs(mark.high)) for mark in marks]
    usual = float(np.quantile(reach, 0.9)) if reach else 0.0
    near = [mark for mark, far in zip(marks, reach, strict=True) if far <= FAR * usual]
    ends = [0.0, *(end for mark in near for end in (mark.low, mark.high))]
    if panel.margin:
        ends += [-panel.margin, panel.margin]
    low, high = min(ends), max(ends)
    room = 0.25 * ((high - low) or 1.0)
    return low - room, high + room


def _reaches_beyond(panel: Panel) -> bool:
    """Whether a mark or an end of its interval lies beyond the axis."""
    low, high = _limits(panel)
    ends = (end for mark in panel.marks for end in (mark.value, mark.low, mark.high))
    return any(end < low or end > high for end in ends)


def _levels(axis: Axes, panel: Panel, places: Mapping[str, int], title: str) -> None:
    """A column at the right edge that says what the differences are from."""
    told = {mark.row: mark.level for mark in panel.marks if mark.level}
    for at, text in [(-0.62, title), *((places[key], level) for key, level in told.items())]:
        axis.text(
            1.02,
            at,
            text,
            transform=axis.get_yaxis_transform(),
            ha="left",
            va="center",
            fontsize=SMALL,
            color=GREY,
        )


def _choose(axis: Axes, panel: Choices, places: Mapping[str, int]) -> None:
    """The choices of a panel: a filled circle here, a hollow diamond in the paper."""
    values: set[float] = set()
    for key, (here, published) in panel.made.items():
        axis.axhline(places[key], color=SHADE, lw=0.8, zorder=0)
        axis.plot([here], [places[key]], marker="o", ms=6.5, color=COLOURS[0], zorder=2)
        values.add(here)
        if published is not None:
            axis.plot(
                [published],
                [places[key]],
                marker="D",
                ms=12,
                mec="black",
                mfc="none",
                mew=1.3,
                zorder=1,
            )
            values.add(published)
    axis.set_xticks(sorted(values))
    room = 0.15 * ((max(values) - min(values)) or 1.0)
    axis.set_xlim(min(values) - room, max(values) + room)
