r"""Pictures of results in a common style.

    title = "Table 1: win rates\nMeasured on a 2.4M-parameter stand-in for LLaMA-2 7B, 5 seeds"
    save(compare_with_paper(cells, title, "win rate, %"), Path("results/nano/table1"))

The first line of every `title` is printed in bold, and the following lines below it in a smaller
grey font. All lines are wrapped to the width of the picture.

Colours are from Okabe and Ito's colour-blind-safe set. Rows also differ in hatching, marker or line
style, so that a picture can be read in black and white. Matplotlib is imported by the first
picture, because planning and tables import this module without drawing.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neftune.training.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#666666"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++", "ooo", "--")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), "-")

STYLE = {
    "figure.dpi": 110,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "svg.hashsalt": "neftune",
}


Cells = Sequence[Mapping[str, Any]]


@cache
def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def save(figure: Figure, out: Path) -> None:
    """Write a picture as PNG and as SVG, atomically; the same picture gives the same bytes.

    Args:
        figure: the picture; it is closed.
        out: the path of the files without a suffix.
    """
    plt = _pyplot()
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        content = io.BytesIO()
        with plt.rc_context(STYLE):
            figure.savefig(content, format=kind, bbox_inches="tight", metadata=metadata)
        write_atomic(out.with_name(f"{out.name}.{kind}"), content.getvalue())
    plt.close(figure)


def compare_with_paper(cells: Cells, title: str, unit: str) -> Figure:
    """Draw bars for every row and column: published values on the left, measured on the right.

    Args:
        cells: each with `row`, `column`, `value`, `low`, `high`, and `published` (a number or
            None); where the column's title differs for published values, `published_column`.
        title: of the whole picture, of one line or more.
        unit: the label of the vertical axis.

    Returns:
        The picture.
    """
    plt = _pyplot()
    columns = list(dict.fromkeys(cell["column"] for cell in cells))
    rows = list(dict.fromkeys(cell["row"] for cell in cells))
    published = any(cell["published"] is not None for cell in cells)
    with plt.rc_context(STYLE):
        # A column is at least as wide as its title.
        width = max(3.5, 0.75 + max(0.26 * len(cells) + 0.3 * len(columns), 1.1 * len(columns)))
        panels = 2 if published else 1
        figure, axes = plt.subplots(
            1, panels, figsize=(panels * width, 3.6), sharey=True, squeeze=False
        )
        for place, row in enumerate(rows):
            style = {"color": COLOURS[place % 8], "hatch": HATCHES[place % 8], "label": row}
            chosen = [cell for cell in cells if cell["row"] == row]
            at = [
                columns.index(cell["column"]) + _off_centre(cells, cell) * 0.8 / len(rows)
                for cell in chosen
            ]
            bar = 0.76 / len(rows)
            if published:
                values = np.array([cell["published"] or np.nan for cell in chosen], float)
                _bars(axes[0, 0], at, values, bar, style)
            values = np.array([cell["value"] for cell in chosen], float)
            spread = [
                np.maximum(0, values - [cell["low"] for cell in chosen]),
                np.maximum(0, np.array([cell["high"] for cell in chosen]) - values),
            ]
            _bars(axes[0, -1], at, values, bar, style)
            if np.any(spread):
                axes[0, -1].errorbar(
                    at, values, spread, fmt="none", ecolor="black", capsize=2, lw=1
                )
        names = ("Published (full-size models)", "Measured here") if published else ("",)
        for panel, name in zip(axes[0], names, strict=True):
            panel.set_title(name)
            panel.set_xticks(range(len(columns)), [_wrapped(column) for column in columns])
            if "win rate" in unit:
                panel.axhline(50, color=GREY, lw=0.8, ls=":")
        if published:
            theirs = {cell["column"]: cell.get("published_column") for cell in cells}
            axes[0, 0].set_xticklabels([_wrapped(theirs[c] or c) for c in columns])
        axes[0, 0].set_ylabel(unit)
        handles, labels = axes[0, -1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=min(4, len(rows))
        )
        _finish(figure, title)
    return figure


def _off_centre(cells: Cells, cell: Mapping[str, Any]) -> float:
    """The offset of a cell's bar from the centre of its column, in bars."""
    column = [other["row"] for other in cells if other["column"] == cell["column"]]
    return column.index(cell["row"]) - (len(column) - 1) / 2


def _finish(figure: Figure, title: str) -> None:
    """Lay out the panels, and write the title and its notes above the figure's upper edge."""
    figure.tight_layout()
    first, *notes = title.split("\n")
    width, top = figure.get_figwidth(), 1.0
    if notes:
        text = "\n".join(_wrapped(note, round(width * 15)) for note in notes)
        below = figure.text(0.5, top, text, ha="center", va="bottom", fontsize=8, color=GREY)
        top = below.get_window_extent().y1 / figure.bbox.height + 0.04 / figure.get_figheight()
    figure.suptitle(
        _wrapped(first, round(width * 12)), y=top, va="bottom", fontsize=10, fontweight="bold"
    )


def _wrapped(text: str, width: int = 12) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def _bars(
    axes: Axes,
    at: ArrayLike,
    values: NDArray[np.float64],
    width: float,
    style: Mapping[str, Any],
) -> None:
    bars = axes.bar(at, values, width, edgecolor="white", lw=0.5, **style)
    axes.bar_label(
        bars,
        [f"{value:.0f}" if value == value else "" for value in values],
        label_type="center",
        fontsize=7,
        bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85},
    )


def curves(
    panels: Mapping[str, Mapping[str, Cells]], title: str, x: str, y: str, *, log: bool = False
) -> Figure:
    """Draw lines with 95% bands, in panels side by side.

    Args:
        panels: for each panel title and line name, points with `x`, `value`, `low` and `high`.
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes.
        y: the label of the vertical axis of the first panel.
        log: whether the horizontal axes are logarithmic (linear from 0 to 1).

    Returns:
        The picture.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(max(4.8, 3.4 * len(panels)), 3.2), squeeze=False
        )
        for panel, (name, lines) in zip(axes[0], panels.items(), strict=True):
            for place, (line, points) in enumerate(lines.items()):
                xs = [point["x"] for point in points]
                look = {
                    "color": COLOURS[place % 8],
                    "marker": MARKERS[place % 8],
                    "ls": DASHES[place % 8],
                }
                panel.plot(xs, [p["value"] for p in points], label=line, ms=3.5, lw=1.3, **look)
                low, high = [p["low"] for p in points], [p["high"] for p in points]
                panel.fill_between(xs, low, high, color=COLOURS[place % 8], alpha=0.15, lw=0)
            panel.set_title(_wrapped(name, 34))
            panel.set_xlabel(x)
            if log:
                panel.set_xscale("symlog", linthresh=1)
        axes[0, 0].set_ylabel(y)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        if len(handles) > 1:
            figure.legend(
                handles,
                labels,
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                ncols=min(4, len(labels)),
            )
        _finish(figure, title)
    return figure


def histograms(
    panels: Mapping[str, Mapping[str, Sequence[float]]], title: str, x: str, bins: int = 25
) -> Figure:
    """Draw overlaid histograms, in panels side by side; a vertical line marks each mean.

    Args:
        panels: for each panel title and arm, the values.
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes.
        bins: the number of bins.

    Returns:
        The picture.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(max(4.8, 4.2 * len(panels)), 3.2), squeeze=False
        )
        for panel, (name, arms) in zip(axes[0], panels.items(), strict=True):
            every = np.concatenate([np.asarray(values, float) for values in arms.values()])
            edges = np.linspace(every.min(), np.percentile(every, 99.5), bins + 1)
            for place, (arm, values) in enumerate(arms.items()):
                panel.hist(
                    values,
                    edges,
                    density=True,
                    alpha=0.45,
                    color=COLOURS[place],
                    hatch=HATCHES[place],
                    edgecolor=COLOURS[place],
                    label=f"{arm} (mean {np.mean(values):.3f})",
                )
                panel.axvline(np.mean(values), color=COLOURS[place], ls=DASHES[place], lw=1.5)
            panel.set_title(_wrapped(name, 46))
            panel.set_xlabel(x)
            panel.set_yticks([])
            panel.legend(fontsize=7)
        axes[0, 0].set_ylabel("density")
        _finish(figure, title)
    return figure


def heatmaps(
    panels: Mapping[str, NDArray[np.float64]],
    title: str,
    x: tuple[str, Sequence[str]],
    y: tuple[str, Sequence[str]],
) -> Figure:
    """Draw grids of coloured cells with their numbers, in panels side by side.

    Args:
        panels: for each panel title, the numbers, shape (rows, columns).
        title: of the whole picture, of one line or more.
        x: the label of the horizontal axes, and the labels of the columns.
        y: the label of the vertical axis, and the labels of the rows.

    Returns:
        The picture.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 2.9), squeeze=False)
        for panel, (name, grid) in zip(axes[0], panels.items(), strict=True):
            image = panel.imshow(grid, aspect="auto", cmap="cividis")
            middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
            for (row, column), value in np.ndenumerate(grid):
                text = f"{value:.0f}" if np.nanmax(np.abs(grid)) >= 20 else f"{value:.2f}"
                colour = "black" if value > middle else "white"
                panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
            panel.set_title(_wrapped(name, 34))
            panel.set_xticks(range(len(x[1])), x[1])
            panel.set_yticks(range(len(y[1])), y[1])
            panel.set_xlabel(x[0])
            figure.colorbar(image, ax=panel, shrink=0.8)
        axes[0, 0].set_ylabel(y[0])
        _finish(figure, title)
    return figure


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
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6, 3.8))
        styles = ({"color": BLUE, "marker": "o"}, {"color": ORANGE, "marker": "s", "ls": "--"})
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
        _finish(figure, title)
    return figure
