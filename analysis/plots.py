"""The pictures' common style, and the pictures themselves.

    save(compare_with_paper(...), Path("results/nano/table1"))

Colours are from Okabe and Ito's colour-blind-safe set; rows also differ in hatching, marker or
line, so that a picture can be read in black and white.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

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


def save(figure: Figure, out: Path) -> None:
    """Write a picture as PNG and as SVG, each whole or not at all, always with the same bytes.

    Args:
        figure: the picture; it is closed.
        out: the files' path without a suffix.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = out.with_name(f"{out.name}.{kind}")
        fresh = path.with_name("." + path.name)
        with plt.rc_context(STYLE):
            figure.savefig(fresh, bbox_inches="tight", metadata=metadata)
        os.replace(fresh, path)
    plt.close(figure)


Cells = Sequence[Mapping[str, Any]]


def compare_with_paper(cells: Cells, title: str, unit: str) -> Figure:
    """Bars of every row and column: as published on the left, as measured on the right.

    Args:
        cells: `row`, `column`, `value`, `low`, `high` and `published` (or None) of each.
        title: of the whole picture.
        unit: what the height is.
    """
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
                told = np.array([cell["published"] or np.nan for cell in chosen], float)
                _bars(axes[0, 0], at, told, bar, style)
            values = np.array([cell["value"] for cell in chosen], float)
            spread = [
                np.maximum(0, values - [cell["low"] for cell in chosen]),
                np.maximum(0, np.array([cell["high"] for cell in chosen]) - values),
            ]
            _bars(axes[0, -1], at, values, bar, style)
            axes[0, -1].errorbar(at, values, spread, fmt="none", ecolor="black", capsize=2, lw=1)
        names = ("Published (full-size models)", "Measured here") if published else ("",)
        for panel, name in zip(axes[0], names, strict=True):
            panel.set_title(name)
            panel.set_xticks(range(len(columns)), [_wrapped(column) for column in columns])
            if "win rate" in unit:
                panel.axhline(50, color=GREY, lw=0.8, ls=":")
        axes[0, 0].set_ylabel(unit)
        handles, labels = axes[0, -1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=min(4, len(rows))
        )
        _finish(figure, title)
    return figure


def _off_centre(cells: Cells, cell: Mapping[str, Any]) -> float:
    """How many bars a cell's bar stands right of the middle of its column's bars."""
    column = [other["row"] for other in cells if other["column"] == cell["column"]]
    return column.index(cell["row"]) - (len(column) - 1) / 2


def _finish(figure: Figure, title: str) -> None:
    """Lay the panels out, and set the title above them in as many lines as it needs."""
    figure.tight_layout()
    characters = round(figure.get_figwidth() * 12)
    figure.suptitle(_wrapped(title, characters), y=1.0, va="bottom", fontsize=10, fontweight="bold")


def _wrapped(text: str, width: int = 12) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False))


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
    """Lines with 95% bands, one panel beside the other.

    Args:
        panels: by panel title, by line name, points of `x`, `value`, `low` and `high`.
        title: of the whole picture.
        x: what the horizontal axis is.
        y: what the vertical axis is, where the panel's title does not say.
        log: a logarithmic horizontal axis.
    """
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
    """Overlaid histograms of two arms, one panel beside the other; a line marks each mean.

    Args:
        panels: by panel title, by arm, the values.
        title: of the whole picture.
        x: the horizontal axis.
        bins: of each histogram.
    """
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
    """Maps of numbers over a grid, one panel beside the other, each cell with its number.

    Args:
        panels: by panel title, the numbers, shape (rows, columns).
        title: of the whole picture.
        x: name and labels of the columns.
        y: name and labels of the rows.
    """
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
    """Win rate against how much longer the answer is than the reference's.

    Args:
        models: by name, length differences in characters and shares of a win, one an instruction;
            two models: the one without noise first.
        title: of the picture.
        bins: points of equally many instructions.
    """
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
        axes.set_xlabel("characters longer than the reference's answer (median of each eighth)")
        axes.set_ylabel("win rate, %")
        axes.set_ylim(0, 100)
        axes.set_title(title)
        axes.legend(loc="lower right")
    return figure
