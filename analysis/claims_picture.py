"""The picture of all claims: every estimate in units of the smallest change that matters.

    claims = json.loads(Path("results/nano/claims.json").read_text())["claims"]
    save(claims_picture(claims, "3 of 40 testable verdicts hold"), Path("claims"))

A row is a claim by one judge, a panel an alpha. Zero is a line; what is too small to matter is
shaded. A change in the claimed direction lies to the right. Claims that cannot be tested are
hollow and grey, and so is whatever else has no say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.forest import EDGE, SHADE, signed
from analysis.plots import GREY, STYLE, WIDTH, finish, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FARTHEST = 6.0
"""Units beyond which an estimate is drawn as an arrow at the edge."""
LOOKS: dict[str, dict[str, Any]] = {
    "holds": {"color": "#0072B2", "marker": "o"},
    "holds, but negligible": {"color": "#2F86C1", "marker": "D", "mfc": "white"},
    "does not hold": {"color": "#C44E00", "marker": "s"},
    "not resolved": {"color": "#333333", "marker": "^", "mfc": "white"},
    "not testable here": {"color": "#767676", "marker": "x"},
}
"""By verdict, colour and marker: they differ in shape, too."""

Claim = Mapping[str, Any]


def claims_picture(claims: Sequence[Claim], title: str) -> Figure:
    """Draw all claims.

    Args:
        claims: entries of claims.json; an estimate that does not exist is None.
        title: the message, and below it lines of notes.

    Returns:
        The picture.
    """
    plt = pyplot()
    alphas = list(dict.fromkeys(f["alpha"] for claim in claims for f in claim["findings"]))
    rows: list[Claim | str] = []
    for claim in claims:
        if not rows or claim["group"] != _group(rows[-1]):
            rows.append(claim["group"])
        rows.append(claim)
    with plt.rc_context(STYLE):
        height = 1.0 + 0.24 * len(rows)
        figure, axes = plt.subplots(
            1, len(alphas), figsize=(WIDTH, height), sharey=True, squeeze=False
        )
        for axis, alpha in zip(axes[0], alphas, strict=True):
            _panel(axis, alpha, rows)
        axes[0, 0].set_yticks(range(len(rows)), [_label(row) for row in rows])
        axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
        for row, label in zip(rows, axes[0, 0].get_yticklabels(), strict=True):
            label.set_fontweight("bold" if isinstance(row, str) else "normal")
        handles = [
            plt.Line2D([], [], ls="", label=verdict, **look) for verdict, look in LOOKS.items()
        ]
        figure.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(handles)
        )
        figure.supxlabel(
            "change in the claimed direction, in units of the smallest change that matters",
            fontsize=9,
        )
        finish(figure, f"{title}\n{HOW_TO_READ}")
    return figure


HOW_TO_READ = (
    "Paired differences with 95% intervals; shaded: smaller than what matters; an arrow: beyond "
    "the edge. Where it is claimed that nothing changes or rises, a rise lies to the right."
)


def _group(row: Claim | str) -> str:
    return row if isinstance(row, str) else str(row["group"])


def _label(row: Claim | str) -> str:
    if isinstance(row, str):
        return row
    judge = f" [{row['judge']}]" if row["judge"] else ""
    return f"{row['text']}{judge}{'' if row['registered'] else ' (exploratory)'}"


def _panel(axis: Axes, alpha: str, rows: Sequence[Claim | str]) -> None:
    """All claims at one alpha."""
    axis.axvspan(-1, 1, color=SHADE, lw=0, zorder=0)
    for side in (-1, 1):
        axis.axvline(side, color=EDGE, lw=0.8, ls=":", zorder=1)
    axis.axvline(0, color="black", lw=1, zorder=1)
    for place, row in enumerate(rows):
        if isinstance(row, str):
            continue
        for finding in row["findings"]:
            if finding["alpha"] == alpha and finding["value"] is not None:
                _mark(axis, place, row, finding)
    axis.set_xlim(-FARTHEST, FARTHEST)
    axis.set_title(f"alpha {alpha}")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _mark(axis: Axes, place: int, claim: Claim, finding: Mapping[str, Any]) -> None:
    unit = claim["margin"] * (-1 if claim["direction"] == "falls" else 1)
    value, *ends = (finding[key] / unit for key in ("value", "low", "high"))
    low, high = sorted(ends)
    look = LOOKS[finding["verdict"]]
    edge = 0.97 * FARTHEST
    axis.plot(
        [max(low, -edge), min(high, edge)], [place, place], color=look["color"], lw=1.4, zorder=2
    )
    if abs(value) <= edge:
        axis.plot([value], [place], ms=4.5, zorder=3, **look)
    for beyond, at, arrow in ((low < -edge, -edge, "<"), (high > edge, edge, ">")):
        if beyond:
            axis.plot([at], [place], marker=arrow, ms=4.5, color=look["color"], zorder=3)
    if abs(value) > edge:
        axis.annotate(
            signed(value, 0),
            (edge if value > 0 else -edge, place),
            (-6 if value > 0 else 6, 0),
            textcoords="offset points",
            ha="right" if value > 0 else "left",
            va="center",
            fontsize=8,
            color=GREY,
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85},
        )
