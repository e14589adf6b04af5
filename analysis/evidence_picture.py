"""Gains of many studies around a line at zero, in groups: a forest plot of published evidence.

    line = Line("LLaMA-2 7B, Alpaca", "NEFTune paper, GPT-4", [Gain(34.9)])
    panel = Panel("Win rate", "points", {"The method's authors": [line]})
    save(evidence([panel], "Gains shrink with distance from the authors"), Path("evidence"))

A line has a mark for each of its gains, which differ in what its label does not say, such as
alpha. Each group has its colour. A mark is solid where the numbers were read at their source, and a
diamond where the two models differ in more than the noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.forest import signed
from analysis.plots import COLOURS, GREY, SMALL, STYLE, WIDTH, finish, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = 0.2
"""Inches from one line to the next."""
ABOVE = 0.85
"""Inches of a panel beside its lines: its title, its axis and the room between panels."""
LEFT, RIGHT = 0.37, 0.64
"""The axis lies between these shares of the picture's width."""

NUMBERS = 1.62
"""Where the gains' numbers begin, in widths of the axis from its left end."""
APART = 0.24
"""Lines from one mark of a line to the next, where they have intervals."""


@dataclass(frozen=True)
class Gain:
    """One comparison.

    Args:
        value: with minus without.
        interval: 95%; None where none is known.
        verified: whether the numbers were read at their source.
        matched: whether the two models differ in the noise alone.
    """

    value: float
    interval: tuple[float, float] | None = None
    verified: bool = True
    matched: bool = True


@dataclass(frozen=True)
class Line:
    """Comparisons of one model, set and source.

    Args:
        label: to the left of the axis.
        source: to the right of it.
        gains: from the same to the same unit.
        told: in place of the gains' numbers, where there is no gain that can be drawn.
    """

    label: str
    source: str
    gains: Sequence[Gain]
    told: str = ""


@dataclass(frozen=True)
class Panel:
    """Gains along one axis.

    Args:
        title: above it.
        unit: below it.
        groups: lines by the name of their group, from the top.
        digits: after the point.
        lower_is_better: whether a gain below zero is the better one.
    """

    title: str
    unit: str
    groups: Mapping[str, Sequence[Line]]
    digits: int = 1
    lower_is_better: bool = False

    @property
    def places(self) -> int:
        """How many lines it takes, headings among them."""
        return sum(1 + len(lines) for lines in self.groups.values())


def evidence(panels: Sequence[Panel], title: str, groups: Sequence[str] = ()) -> Figure:
    """Draw panels below each other.

    Args:
        panels: from the top.
        title: the message, and below it lines of notes.
        groups: every group in the order of the colours, so that several pictures agree.

    Returns:
        The picture.
    """
    plt = pyplot()
    names = list(groups) or list(dict.fromkeys(name for each in panels for name in each.groups))
    colours = dict(zip(names, COLOURS, strict=False))
    heights = [ABOVE + STEP * panel.places for panel in panels]
    whole = sum(heights)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(WIDTH, whole))
        top = whole
        for panel, height in zip(panels, heights, strict=True):
            inner = height - ABOVE
            bottom = top - 0.3 - inner
            axis = figure.add_axes((LEFT, bottom / whole, RIGHT - LEFT, inner / whole))
            _draw(axis, panel, colours)
            top -= height
        finish(figure, f"{title}\n{_how_to_read(panels)}", lay_out=False)
    return figure


def _draw(axis: Axes, panel: Panel, colours: Mapping[str, str]) -> None:
    """Lines with their labels, headings and marks."""
    axis.axvline(0, color="black", lw=1.0, zorder=1)
    place, every = 0, []
    for name, lines in panel.groups.items():
        _beside(axis, place, name, left=True, color=colours[name], fontweight="bold")
        for line in lines:
            place += 1
            axis.axhline(place, color="#E8E8E8", lw=0.6, zorder=0)
            _beside(axis, place, line.label, left=True, color="black")
            _beside(axis, place, line.source, left=False, color=GREY)
            numbers = line.told or ", ".join(
                signed(each.value, panel.digits) for each in line.gains
            )
            _beside(axis, place, numbers, left=False, at=NUMBERS, color=colours[name])
            apart = APART if any(each.interval for each in line.gains) else 0.0
            for order, each in enumerate(line.gains):
                lower = apart * (order - (len(line.gains) - 1) / 2)
                _mark(axis, place + lower, each, colours[name])
                every += [each.value, *(each.interval or ())]
        place += 1
    axis.set_ylim(panel.places - 0.5, -0.5)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    low, high = min(0.0, *every), max(0.0, *every)
    room = 0.06 * (high - low)
    axis.set_xlim(low - room, high + room)
    axis.set_title(panel.title, loc="left", x=-LEFT / (RIGHT - LEFT) + 0.05)
    better = "←" if panel.lower_is_better else "→"
    axis.set_xlabel(f"with minus without noise, {panel.unit} ({better} better)")


def _mark(axis: Axes, place: float, gain: Gain, colour: str) -> None:
    if gain.interval:
        axis.plot(gain.interval, [place, place], color=colour, lw=1.4, zorder=2)
    axis.plot(
        [gain.value],
        [place],
        marker="o" if gain.matched else "D",
        ms=5 if gain.matched else 4.5,
        mec=colour if not gain.verified else "white",
        mew=1.2 if not gain.verified else 0.5,
        mfc=colour if gain.verified else "white",
        zorder=3,
    )


def _beside(
    axis: Axes, place: int, text: str, *, left: bool, at: float = 1.03, **look: str
) -> None:
    """Text beside the axis, in line with a mark."""
    axis.text(
        -LEFT / (RIGHT - LEFT) + 0.05 if left else at,
        place,
        text,
        transform=axis.get_yaxis_transform(),
        ha="left",
        va="center",
        fontsize=8.5 if left else SMALL,
        **look,  # type: ignore[arg-type]
    )


def _how_to_read(panels: Sequence[Panel]) -> str:
    """What the signs mean, as far as they occur."""
    gains = [
        gain
        for panel in panels
        for lines in panel.groups.values()
        for line in lines
        for gain in line.gains
    ]
    parts = ["solid: read at its source"]
    if not all(gain.verified for gain in gains):
        parts.append("open: not")
    if not all(gain.matched for gain in gains):
        parts.append("diamond: the two models differ in more than the noise")
    if any(gain.interval for gain in gains):
        parts.append("bar: 95% interval, where there is one")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}"
