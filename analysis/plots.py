"""The pictures' common style, and the pictures themselves.

    save(compare_with_paper(...), Path("results/nano/table1.png"))

Colours are from Okabe and Ito's colour-blind-safe set; arms also differ in hatching or marker, so
that a picture can be read in black and white.
"""

from __future__ import annotations

import os
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
ARM_STYLE: dict[str, dict[str, Any]] = {
    "baseline": {"color": BLUE, "hatch": ""},
    "neft": {"color": ORANGE, "hatch": "///"},
}

STYLE = {
    "figure.dpi": 150,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "svg.hashsalt": "neftune",
}


def save(figure: Figure, out: Path) -> None:
    """Write a picture, whole or not at all, with the same bytes for the same picture."""
    fresh = out.with_name("." + out.name)
    figure.savefig(fresh, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    os.replace(fresh, out)


def compare_with_paper(
    published: Mapping[str, Sequence[float]],
    measured: Mapping[str, Sequence[Mapping[str, float]]],
    columns: Sequence[str],
    labels: Mapping[str, str],
    title: str,
) -> Figure:
    """Bars of two arms, as published on the left and as measured on the right.

    Args:
        published: one number a column, by arm.
        measured: `value`, `low` and `high` a column, by arm.
        columns: their titles.
        labels: the arms' names.
        title: of the whole picture.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3.8), sharey=True)
        positions = np.arange(len(columns))
        for index, (arm, label) in enumerate(labels.items()):
            style = ARM_STYLE[arm]
            at = positions + (index - 0.5) * 0.38
            values = np.array([estimate["value"] for estimate in measured[arm]])
            low = values - [estimate["low"] for estimate in measured[arm]]
            high = np.array([estimate["high"] for estimate in measured[arm]]) - values
            _bars(left, at, np.array(published[arm]), label, style)
            _bars(right, at, values, label, style)
            right.errorbar(at, values, [low, high], fmt="none", ecolor="black", capsize=2, lw=1)
        for axes, name in ((left, "Published (7B models, GPT-4)"), (right, "Measured here")):
            axes.set_title(name)
            axes.set_xticks(positions, columns)
            axes.axhline(50, color=GREY, lw=0.8, ls=":")
        left.set_ylabel("win rate against the reference, %")
        left.set_ylim(0, 100)
        left.legend(loc="upper left", ncols=2)
        figure.tight_layout()
        figure.suptitle(title, y=1.02)
    return figure


def _bars(
    axes: Axes,
    at: ArrayLike,
    values: NDArray[np.float64],
    label: str,
    style: Mapping[str, Any],
) -> None:
    bars = axes.bar(at, values, 0.36, label=label, edgecolor="white", lw=0.5, **style)
    axes.bar_label(
        bars,
        [f"{value:.0f}" for value in values],
        label_type="center",
        fontsize=8,
        bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85},
    )


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
