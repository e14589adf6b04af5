r"""Pictures of results in a common style: colours, titles, files, and grids of numbers.

    title = "Noise changes win rates by +0.1 points on average\nTable 1; a 2.4M stand-in; 5 seeds"
    save(heatmaps(panels, title, ("alpha", ["0", "5"]), ("L", ["16", "32"])), Path("figure8"))

The first line of every `title` is the picture's message and is printed in bold; the following lines
stand below it in a smaller grey font. All lines are wrapped to the width of the picture.
`analysis/forest.py` draws differences with their intervals.

No picture is wider than 1,100 pixels, and no type is smaller than 8 points. Everything that has
a meaning stands out from the white ground by a contrast of 3:1 or more. The colours can be told
apart by colour-blind readers; rows also differ in marker or line style, so that a picture can be
read in black and white. Matplotlib is imported by the first picture, because planning and tables
import this module without drawing.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neftune.training.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILION, GREY = "#0072B2", "#C44E00", "#595959"
COLOURS = (BLUE, VERMILION, "#007A5A", "#A3478A", "#2F86C1", "#7A5C00", "#333333", "#767676")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), "-")
WIDTH = 9.6
"""The width of a full picture in inches: at 110 dots an inch a little less than 1,100 pixels."""
SMALL = 8
"""The smallest size of type, in points."""

STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "neftune",
}


Cells = Sequence[Mapping[str, Any]]


@cache
def pyplot() -> Any:
    """Matplotlib's pyplot, without a display."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def save(figure: Figure, out: Path) -> None:
    """Write a picture as PNG and as SVG, atomically; the same picture gives the same bytes.

    Args:
        figure: the picture; it is closed.
        out: the path of the files without a suffix.
    """
    plt = pyplot()
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        content = io.BytesIO()
        with plt.rc_context(STYLE):
            figure.savefig(content, format=kind, bbox_inches="tight", metadata=metadata)
        write_atomic(out.with_name(f"{out.name}.{kind}"), content.getvalue())
    plt.close(figure)


def finish(figure: Figure, title: str, *, lay_out: bool = True) -> None:
    """Lay out the panels, and write the title and its notes above the figure's upper edge.

    Args:
        figure: a figure whose panels are drawn.
        title: the message, and below it lines of notes.
        lay_out: whether the panels are still to be laid out.
    """
    if lay_out:
        figure.tight_layout()
    first, *notes = title.split("\n")
    width, top = figure.get_figwidth(), 1.0
    if notes:
        text = "\n".join(balanced(note, round(width * 14)) for note in notes)
        below = figure.text(0.5, top, text, ha="center", va="bottom", fontsize=8.5, color=GREY)
        top = below.get_window_extent().y1 / figure.bbox.height + 0.06 / figure.get_figheight()
    figure.suptitle(
        balanced(first, round(width * 10)), y=top, va="bottom", fontsize=11, fontweight="bold"
    )


def balanced(text: str, width: int) -> str:
    """As few lines as `wrapped` has, of about the same length, so that no word stands alone."""
    lines = wrapped(text, width).count("\n")
    fitting = (at for at in range(1, width + 1) if wrapped(text, at).count("\n") <= lines)
    return wrapped(text, next(fitting))


def wrapped(text: str, width: int) -> str:
    """The text with line breaks between words; a word is never broken."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def curves(
    panels: Mapping[str, Mapping[str, Cells]],
    title: str,
    x: str,
    y: str,
    *,
    zero: bool = False,
    columns: int = 3,
    height: float = 2.9,
    share: bool = True,
) -> Figure:
    """Draw lines with 95% bands, in panels beside and below each other.

    Args:
        panels: for each panel title and line name, points with `x`, `value`, `low` and `high`; a
            band is drawn where `low` and `high` differ from `value`. A point with a true `hollow`
            has a mark that is not filled. A panel without lines is left empty.
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes.
        y: the label of the vertical axes.
        zero: whether a line marks 0, from which differences are read.
        columns: the largest number of panels beside each other.
        height: of a panel with its title and labels, in inches.
        share: whether panels beside each other have the same vertical axis.

    Returns:
        The picture.
    """
    plt = pyplot()
    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    with plt.rc_context(STYLE):
        size = (min(WIDTH, 2.4 + 4.0 * across), height * down)
        shared = "row" if share else False
        figure, axes = plt.subplots(down, across, figsize=size, squeeze=False, sharey=shared)
        for panel in axes.flat[len(panels) :]:
            panel.set_axis_off()
        for panel, (name, lines) in zip(axes.flat, panels.items(), strict=False):
            if not lines:
                panel.set_axis_off()
                continue
            for place, (line, points) in enumerate(lines.items()):
                xs = [point["x"] for point in points]
                look = {
                    "color": COLOURS[place % 8],
                    "marker": MARKERS[place % 8],
                    "ls": DASHES[place % 8],
                    "markevery": max(1, len(xs) // 12),
                }
                panel.plot(xs, [p["value"] for p in points], label=line, ms=3.5, lw=1.4, **look)
                low, high = [p["low"] for p in points], [p["high"] for p in points]
                # The band alone would be too faint to stand out from the ground.
                face = {"facecolor": (look["color"], 0.15), "edgecolor": look["color"]}
                panel.fill_between(xs, low, high, lw=0.7, **face)
                for point in points:
                    if point.get("hollow"):
                        whole = {**look, "ls": "", "markevery": 1, "mfc": "white"}
                        panel.plot([point["x"]], [point["value"]], ms=4.5, zorder=3, **whole)
            if zero:
                panel.axhline(0, color=GREY, lw=1.0)
            panel.set_title("\n".join(wrapped(line, 96 // across) for line in name.split("\n")))
            if not share:
                # Matplotlib keeps labels beyond the ends of an axis, unseen and over each other.
                low, high = panel.get_ylim()
                panel.set_yticks([tick for tick in panel.get_yticks() if low <= tick <= high])
        figure.supxlabel(x, fontsize=8.5)
        figure.supylabel(y, fontsize=8.5)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        if len(handles) > 1:
            figure.legend(
                handles,
                labels,
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                ncols=min(4, len(labels)),
            )
        finish(figure, title)
    return figure


def histograms(
    panels: Mapping[str, Sequence[float]],
    title: str,
    x: str,
    means: Mapping[str, Mapping[str, float]],
    bins: int = 41,
) -> Figure:
    """Draw histograms of differences, in panels side by side, around a line at 0.

    Args:
        panels: for each panel title, the differences.
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes.
        means: for each panel title, the mean difference with its interval.
        bins: the number of bins; the middle one is centred at 0.

    Returns:
        The picture.
    """
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.3), squeeze=False)
        for panel, (name, values) in zip(axes[0], panels.items(), strict=True):
            drawn = np.asarray(values, float)
            edge = max(float(np.percentile(np.abs(drawn), 99.5)), 1e-9)
            panel.hist(
                np.clip(drawn, -edge, edge),
                np.linspace(-edge, edge, bins + 1),
                color=BLUE,
                edgecolor="white",
                lw=0.4,
            )
            panel.axvline(0, ymax=0.82, color="black", lw=1.0)
            mean, top = means[name], panel.get_ylim()[1]
            panel.plot([mean["low"], mean["high"]], [1.06 * top] * 2, color=VERMILION, lw=2.0)
            panel.plot([mean["value"]], [1.06 * top], "D", color=VERMILION, ms=6)
            panel.set_ylim(top=1.4 * top)
            panel.text(
                0.5,
                0.99,
                f"mean {mean['value']:+.4f} [{mean['low']:+.4f}, {mean['high']:+.4f}]\n"
                f"above 0: {np.mean(drawn > 0):.0%}, below: {np.mean(drawn < 0):.0%}".replace(
                    "-", "−"
                ),
                transform=panel.transAxes,
                ha="center",
                va="top",
                fontsize=8.5,
                color=VERMILION,
            )
            panel.set_title(wrapped(name, 46))
            panel.set_xlabel(x)
        axes[0, 0].set_ylabel("examples")
        finish(figure, title)
    return figure


def heatmaps(
    panels: Mapping[str, NDArray[np.float64]],
    title: str,
    x: tuple[str, Sequence[str]],
    y: tuple[str, Sequence[str]],
    *,
    texts: Mapping[str, Sequence[Sequence[str]]] | None = None,
    diverging: bool = False,
) -> Figure:
    """Draw grids of coloured cells with their numbers, in panels beside and below each other.

    Args:
        panels: for each panel title, the numbers, shape (rows, columns).
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes, and the labels of the columns.
        y: the label of the vertical axis, and the labels of the rows.
        texts: what is written into each cell, where it is not the number itself.
        diverging: whether 0 is the middle of the colours, for differences.

    Returns:
        The picture.
    """
    plt = pyplot()
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    height = 0.9 + 0.36 * len(y[1])
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(down, across, figsize=(WIDTH, height * down), squeeze=False)
        for place, (panel, (name, grid)) in enumerate(zip(axes.flat, panels.items(), strict=False)):
            most = max(float(np.nanmax(np.abs(grid))), 1e-12)
            colours = plt.get_cmap("PuOr_r" if diverging else "Blues")
            low, high = (-most, most) if diverging else (0.0, most)
            image = panel.imshow(grid, aspect="auto", cmap=colours, vmin=low, vmax=high)
            for (row, column), value in np.ndenumerate(grid):
                text = texts[name][row][column] if texts else f"{value:.3g}"
                ground = colours(image.norm(value)) if value == value else (1.0, 1.0, 1.0, 1.0)
                panel.text(
                    column,
                    row,
                    text,
                    ha="center",
                    va="center",
                    color=readable_on(ground),
                    fontsize=8.5,
                    fontweight="bold" if text.endswith("*") else "normal",
                )
            panel.set_title(wrapped(name, 50))
            panel.set_xticks(range(len(x[1])), x[1])
            panel.set_yticks(range(len(y[1])), y[1])
            panel.tick_params(length=0)
            panel.spines[:].set_visible(False)
            if place + across >= len(panels):
                panel.set_xlabel(x[0])
            if place % across == 0:
                panel.set_ylabel(y[0])
        finish(figure, title)
    return figure


def shares(bars: Mapping[str, Mapping[str, float]], title: str, x: str) -> Figure:
    """Draw counts as bars of equal length, each divided into its parts.

    Args:
        bars: for each bar's name, from the top, the counts of its parts, up to three.
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axis.

    Returns:
        The picture.
    """
    plt = pyplot()
    looks = ((BLUE, "", "white"), ("#E8E8E8", "", "black"), (VERMILION, "//", "white"))
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.45 * len(bars)))
        for place, parts in enumerate(bars.values()):
            start, whole = 0.0, sum(parts.values())
            for (part, count), (ground, hatch, ink) in zip(parts.items(), looks, strict=False):
                share = 100 * count / whole
                look = {"color": ground, "hatch": hatch, "edgecolor": "black", "lw": 0.8}
                label = part if place == 0 else None
                axis.barh([place], [share], left=start, height=0.6, label=label, **look)
                box = {"boxstyle": "square,pad=0.15", "fc": ground, "ec": "none"}
                middle = start + share / 2
                if share >= 4:
                    inside = {"color": ink, "bbox": box, "ha": "center", "va": "center"}
                    axis.text(middle, place, f"{count:,g}", **inside)
                elif count:
                    axis.text(middle, place - 0.32, f"{count:,g}", ha="center", va="bottom")
                start += share
        axis.set_yticks(range(len(bars)), list(bars))
        axis.set_ylim(len(bars) - 0.5, -0.5)
        axis.set_xlim(0, 100)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(x)
        figure.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
        finish(figure, title)
    return figure


def luminance(colour: Sequence[float]) -> float:
    """The relative luminance of an sRGB colour (WCAG 2), from 0 to 1."""
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    ]
    return float(np.dot((0.2126, 0.7152, 0.0722), parts))


def contrast(colour: Sequence[float], ground: Sequence[float] = (1.0, 1.0, 1.0)) -> float:
    """The contrast of two sRGB colours (WCAG 2), from 1 to 21."""
    lighter, darker = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(ground: Sequence[float]) -> str:
    """Black or white, whichever stands out more from a ground."""
    return "black" if contrast((0, 0, 0), ground) >= contrast((1, 1, 1), ground) else "white"


def win_rate_by_length(
    models: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], title: str, bins: int = 8
) -> Figure:
    """Draw the win rates of two models against the length of an answer minus the reference's.

    Args:
        models: for each name, length differences in characters and shares of a win, both of shape
            (instructions,); the model without noise first.
        title: of the picture, of one line or more.
        bins: the number of points, each the mean over equally many instructions.

    Returns:
        The picture.
    """
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6, 3.8))
        styles = ({"color": BLUE, "marker": "o"}, {"color": VERMILION, "marker": "s", "ls": "--"})
        for (name, (difference, won)), style in zip(models.items(), styles, strict=True):
            parts = np.array_split(np.argsort(difference, kind="stable"), bins)
            x = [float(np.median(difference[part])) for part in parts]
            y = np.array([100 * won[part].mean() for part in parts])
            error = [100 * won[part].std(ddof=1) / np.sqrt(len(part)) * 1.96 for part in parts]
            axes.errorbar(x, y, error, label=name, capsize=2, lw=1.3, ms=4, **style)
        axes.axhline(50, color=GREY, lw=0.8, ls=":")
        axes.axvline(0, color=GREY, lw=0.8, ls=":")
        axes.set_xlabel("characters longer than the reference's answer (median of each group)")
        axes.set_ylabel("win rate, %")
        axes.set_ylim(0, 100)
        axes.legend(loc="lower right")
        finish(figure, title)
    return figure
