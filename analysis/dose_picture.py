"""The picture of the doses of several models: divergence and loss against alpha.

    save(dose_picture(models), Path("results/dose/dose"))

Both axes are logarithmic, because the divergence of small noise grows with the square of alpha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.plots import COLOURS, DASHES, GREY, MARKERS, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL = ("#000000", COLOURS[5], "#660066", "#7A4B00")
STANDING_IN = (*COLOURS[:5], COLOURS[7], "#7A5C00")
ALPHA = 5.0
"""The paper's smallest alpha, at which the title compares models."""


def message(models: Sequence[Mapping[str, Any]]) -> str:
    """The title: how far the divergences of the models lie apart at alpha 5."""
    there = {m["title"]: m["alphas"][ALPHA]["kl"]["value"] for m in models if ALPHA in m["alphas"]}
    if len(there) < 2 or min(there.values()) <= 0:
        return "What the noise does to each model before any training"
    most, least = max(there, key=there.__getitem__), min(there, key=there.__getitem__)
    times = there[most] / there[least]
    return (
        f"Noise of alpha 5 changes the predictions of {most} {times:.0f} times as much as those of "
        f"{least}"
    )


def dose_picture(models: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the divergence, and the rise of the loss with its second-order prediction.

    Args:
        models: each with `title`, `real`, and `alphas`: by alpha, the fields `kl`, `rise` and
            `predicted` as estimates (`value`, `low`, `high`).

    Returns:
        The picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.6))
        for number, model in enumerate(models):
            place = sum(each["real"] == model["real"] for each in models[:number])
            look = _look(place, model["real"])
            alphas = [alpha for alpha in sorted(model["alphas"]) if alpha > 0]
            found = [model["alphas"][alpha] for alpha in alphas]
            _line(left, alphas, [each["kl"] for each in found], look, model["title"])
            _line(right, alphas, [each["rise"] for each in found], look, None)
            predicted = [each["predicted"]["value"] for each in found]
            shown = [value if value > 0 else np.nan for value in predicted]
            right.plot(alphas, shown, ls=":", lw=1.0, color=look["color"])
        _axes(left, "KL from the noiseless prediction, nats a token")
        _axes(right, "rise of the response loss, nats a token")
        left.set_title("Predictions change: next-token distributions", loc="left")
        right.set_title("Loss rises (dotted: second-order prediction ½σ²tr H)", loc="left")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3, fontsize=8
        )
        figure.tight_layout(rect=(0, 0.02, 1, 0.93))
        figure.suptitle(message(models), x=0.5, y=0.99, fontsize=10.5, fontweight="bold")
        figure.text(
            0.5,
            0.925,
            "Before any training, 95% intervals over examples. Solid lines: real models on real "
            "Alpaca rows; others: the laboratory's on its own. Not drawn: what is not above 0.",
            ha="center",
            fontsize=8,
            color=GREY,
        )
    return figure


def _look(place: int, real: bool) -> dict[str, Any]:
    """Colour, marker and line of a model; those of real models are solid and dark."""
    if real:
        look = {"color": REAL[place % len(REAL)], "ls": "-", "lw": 2.2}
    else:
        look = {
            "color": STANDING_IN[place % len(STANDING_IN)],
            "ls": DASHES[1 + place % 6],
            "lw": 1.1,
        }
    return {**look, "marker": MARKERS[place % 8], "ms": 4}


def _line(
    axes: Axes,
    alphas: Sequence[float],
    found: Sequence[Mapping[str, float]],
    look: Mapping[str, Any],
    label: str | None,
) -> None:
    """A line with its band; what is not above 0 has no place on a logarithmic axis."""
    value, low, high = (
        np.array([each[key] if each[key] > 0 else np.nan for each in found], dtype=np.float64)
        for key in ("value", "low", "high")
    )
    axes.plot(alphas, value, label=label, **look)
    # Where the interval reaches 0 the band goes down to the axis.
    bottom = np.where(np.isnan(low), 1e-6, low)
    drawn = ~np.isnan(value)
    axes.fill_between(
        np.array(alphas)[drawn], bottom[drawn], high[drawn], color=look["color"], alpha=0.12, lw=0
    )


def _axes(axes: Axes, label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = (1, 2, 5, 10, 15, 30, 45)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=3e-5)
    axes.axvspan(5, 15, color=GREY, alpha=0.07, lw=0)
    axes.set_xlabel("alpha (shaded: the paper's 5 to 15)")
    axes.set_ylabel(label)
