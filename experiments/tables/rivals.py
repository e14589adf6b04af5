"""Is it the noise, or merely less tuning? Every setting of the noise and of its rivals.

make rivals
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.plots import curves
from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.metrics import (
    BY_JUDGE,
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    RIGHT_FACTS,
    WRONG_FACTS,
    Metric,
)
from experiments.cells.pictures import titled
from experiments.runs.rivals import BASELINE_SETTING, NOISE, RIVALS, SETS
from experiments.runs.selection import JUDGE
from experiments.runs.study import Runs, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = dict[str, float]


def metrics(study: Study) -> list[tuple[Metric, str]]:
    """What is measured of every setting, each with the role of the judge."""
    won = [(metric, role) for role, metric in BY_JUDGE.items() if study.scale.has_judge(role)]
    facts = (RIGHT_FACTS, WRONG_FACTS) if study.scale.facts else ()
    others = (FITTED_LOSS, HELD_OUT_LOSS, FAR_LOSS, CHARACTERS, *facts)
    return [*won, *((metric, JUDGE) for metric in others)]


def settings(study: Study) -> list[tuple[str, str, Runs]]:
    """Set, title and runs of the usual training and of every setting of the noise and rivals."""
    found = []
    for dataset in SETS:
        found.append((dataset.title, BASELINE_SETTING, study.baseline(dataset)))
        for rival in RIVALS.values():
            for setting, runs in rival.settings(study, dataset).items():
                found.append((dataset.title, f"{rival.title}: {setting}", runs))
    return found


def cells(study: Study) -> list[Cell]:
    """Every metric of every setting."""
    return [
        Cell(row, column, metric, (runs,), judge=judge)
        for metric, judge in metrics(study)
        for column, row, runs in settings(study)
    ]


SHOWN = (*BY_JUDGE.values(), CHARACTERS, RIGHT_FACTS, WRONG_FACTS, FITTED_LOSS, FAR_LOSS)
"""The metrics of the picture, where they were measured."""
OF_NOISE = ("gaussian", "prompt", "response")
"""The variants of the noise, which the picture leaves out; `make budget` and `make matched` have
them."""
ACROSS = 4
"""Panels beside each other."""
REACH = 2.0
"""A setting is drawn whose held-out loss rises by at most so many times what the noise's does."""


def draw(data: Data, title: str) -> Figure:
    """A line a rival, from the usual training on, along the held-out loss."""
    values = {(c["column"], c["row"], c["metric"]): c["value"] for c in data["cells"]}
    there = {metric for _, _, metric in values}
    shown = [metric.title for metric in SHOWN if metric.title in there]
    panels: dict[str, dict[str, list[Point]]] = {}
    for dataset in SETS:
        losses = {
            row: value
            for (column, row, metric), value in values.items()
            if (column, metric) == (dataset.title, HELD_OUT_LOSS.title)
        }
        usual = losses[BASELINE_SETTING]
        rises = [losses[row] - usual for row in _path(data, dataset.title, RIVALS[NOISE].title)]
        most = usual + REACH * max(rises)
        for metric in shown:
            panels[f"{dataset.title}: {metric}"] = {
                rival.title: [
                    {
                        "x": losses[row],
                        **dict.fromkeys(
                            ("value", "low", "high"), values[dataset.title, row, metric]
                        ),
                    }
                    for row in _path(data, dataset.title, rival.title)
                    if losses[row] <= most
                ]
                for name, rival in RIVALS.items()
                if name not in OF_NOISE
            }
        # Each set begins a new line of panels.
        panels |= {f"{dataset.title}: {at}": {} for at in range(-len(shown) % ACROSS)}
    return curves(
        panels,
        titled(message(data), title),
        "held-out loss, nats a token",
        "",
        columns=ACROSS,
        share=False,
    )


def _path(data: Data, column: str, rival: str) -> list[str]:
    """The rows of a rival on a set, from the usual training on."""
    rows = dict.fromkeys(c["row"] for c in data["cells"] if c["column"] == column)
    return [BASELINE_SETTING, *(row for row in rows if row.startswith(f"{rival}: "))]


def message(data: Data) -> str:
    """The lowest held-out loss that the noise and any of its rivals reach on each set."""
    parts = []
    for dataset in SETS:
        losses = {
            c["row"]: c["value"]
            for c in data["cells"]
            if (c["metric"], c["column"]) == (HELD_OUT_LOSS.title, dataset.title)
        }
        of_noise = [v for row, v in losses.items() if row.startswith(f"{RIVALS[NOISE].title}: ")]
        best = min(losses, key=losses.__getitem__)
        parts.append(
            f"on {dataset.title} {losses[BASELINE_SETTING]:.3f} without noise, {min(of_noise):.3f} "
            f"with, {losses[best]:.3f} at best ({best})"
        )
    return f"The lowest held-out loss: {'; '.join(parts)}"


ARTIFACT = table(
    "rivals",
    "The noise and its rivals, LLaMA-2 7B",
    "Rivals are other ways of fitting the training rows less; their settings depart more and more "
    "from the usual training, and in the picture each is a line that begins there. Settings whose "
    f"held-out loss rises more than {REACH:.0f} times as much as the noise's ever does stand in "
    "the table alone. Variants of the noise are Gaussian noise of the same variance, and noise on "
    "the tokens of prompts or responses alone, whose norm is smaller by the root of their share of "
    "the tokens: the scale is that of the whole sequence. Losses are without noise, on 128 rows of "
    "each set. Not in the paper.",
    seeds=3,
    cells=cells,
    against=BASELINE_SETTING,
    picture=draw,
)
