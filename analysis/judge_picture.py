"""A picture of a fitted judge: win rates of models that it has not seen, and its calibration.

save(judge_picture(card, title), Path("card"))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.plots import BLUE, GREY, STYLE, VERMILION, WIDTH, finish, pyplot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def judge_picture(card: Mapping[str, Any], title: str) -> Figure:
    """Draw the left-out models' win rates against GPT-4's, and probabilities against frequencies.

    Args:
        card: from `eval.preference.card`.
        title: the message, and below it lines of notes.

    Returns:
        The picture.
    """
    plt = pyplot()
    looks = {"model": ("model left out", BLUE, "o"), "relatives": ("", VERMILION, "s")}
    looks["relatives"] = ("its three nearest left out, too", VERMILION, "s")
    with plt.rc_context(STYLE):
        figure, (rates, calibration) = plt.subplots(1, 2, figsize=(WIDTH, 4.4))
        for way, (name, colour, marker) in looks.items():
            look = {"color": colour, "marker": marker, "ms": 4.5, "label": name}
            rates.plot(
                [model["win rate by GPT-4"] for model in card["models"]],
                [model[way]["win rate"] for model in card["models"]],
                ls="",
                **look,
            )
            points = card["ways"][way]["calibration"]
            calibration.plot(
                [point["probability"] for point in points],
                [point["preferred"] for point in points],
                lw=1.3,
                **look,
            )
        for axis in (rates, calibration):
            axis.plot([0, 100], [0, 100], color=GREY, lw=0.8, ls=":")
            axis.set_xlim(0, 100)
            axis.set_ylim(0, 100)
        rates.set_title("Win rates, a point a public model")
        rates.set_xlabel("by GPT-4, %")
        rates.set_ylabel("by the fitted judge, %")
        calibration.set_title("Single answers")
        calibration.set_xlabel("probability by the fitted judge, %")
        calibration.set_ylabel("preferred by GPT-4, %")
        handles, labels = rates.get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
        finish(figure, title)
    return figure
