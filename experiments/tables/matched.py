"""The noise against each rival where both have the same loss, on held-out or on training rows.

make matched
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from analysis.equal_loss import at_equal_loss, side
from analysis.forest import Mark, Panel, Row, forest, signed
from analysis.intervals import hierarchical, hull
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, values_of
from experiments.cells.differences import quantity
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import BY_JUDGE, FITTED_LOSS, HELD_OUT_LOSS
from experiments.cells.pictures import titled
from experiments.runs.record import Numbers
from experiments.runs.rivals import BASELINE_SETTING, NOISE, RIVALS, SETS
from experiments.tables.rivals import cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSSES = {"held-out": HELD_OUT_LOSS.title, "training": FITTED_LOSS.title}
"""What is made equal, and the title of its metric."""


def data(asked: Sequence[Cell]) -> Data:
    """For each loss, set, alpha, rival and metric, the noise minus the rival at equal loss.

    `check` has the same comparison of each rival's middle settings with the rival itself, read off
    the settings around them: its true value is 0.
    """
    by_place = {(c.column, c.row, c.metric.title): c for c in asked}
    digits = {cell.metric.title: cell.metric.digits for cell in asked}
    first = _by_judge(digits)[0]

    @cache
    def values(column: str, row: str, title: str) -> Numbers:
        return values_of(by_place[column, row, title])

    def compared(column: str, loss: str, title: str, rows: Sequence[str]) -> Data | None:
        """The first row minus the path of the others, where it has the loss of the first."""
        lost, *losses = (values(column, row, loss) for row in rows)
        treated, *path = (values(column, row, title) for row in rows)
        met = at_equal_loss(treated, path, lost, losses)
        return asdict(hull([hierarchical(each.table) for each in met])) if met else None

    entries, check = [], []
    for equal, loss in LOSSES.items():
        for dataset in SETS:
            column = dataset.title
            rows = list(dict.fromkeys(cell.row for cell in asked if cell.column == column))
            ways = {
                rival.title: [row for row in rows if row.startswith(f"{rival.title}: ")]
                for rival in RIVALS.values()
            }
            for noisy in ways.pop(RIVALS[NOISE].title):
                for rival, settings in ways.items():
                    path = [noisy, BASELINE_SETTING, *settings]
                    lost, *losses = (values(column, row, loss) for row in path)
                    for title in (title for title in digits if title != loss):
                        difference = compared(column, loss, title, path)
                        entries.append(
                            {
                                "equal": equal,
                                "set": column,
                                "alpha": noisy.rpartition(" ")[2],
                                "rival": rival,
                                "metric": title,
                                "digits": digits[title],
                                "difference": difference,
                                "side": "" if difference else side(lost, losses),
                            }
                        )
            for rival, settings in ways.items():
                for middle in settings[:-1]:
                    others = [row for row in (BASELINE_SETTING, *settings) if row != middle]
                    difference = compared(column, loss, first, [middle, *others])
                    if difference:
                        where = {"equal": equal, "set": column, "rival": rival, "setting": middle}
                        check.append(where | {"difference": difference})
    return {"entries": entries, "check": check}


def rows(found: Data) -> list[list[str]]:
    """A row for each loss, set, alpha and rival, a column a metric."""
    titles = list(dict.fromkeys(entry["metric"] for entry in found["entries"]))
    table: dict[str, dict[str, str]] = {}
    for entry in found["entries"]:
        row = (
            f"{entry['set']}: noise of alpha {entry['alpha']} minus {entry['rival']}, same "
            f"{entry['equal']} loss"
        )
        difference = entry["difference"]
        text = f"the noise's loss is {entry['side']}"
        if difference is not None:
            text = estimate_text(difference, entry["digits"], sign=True)
        table.setdefault(row, {})[entry["metric"]] = text
    return [
        ["", *titles],
        *([row, *(line.get(t, "equal") for t in titles)] for row, line in table.items()),
        *_check_rows(found, titles),
    ]


def _check_rows(found: Data, titles: Sequence[str]) -> list[list[str]]:
    """The check, in the column of the metric that it was made with."""
    metric = win_rates(found)[0]
    digits = next(e["digits"] for e in found["entries"] if e["metric"] == metric)
    return [
        [
            f"check, should be 0: {each['set']}: {each['setting']} minus the path of the others, "
            f"same {each['equal']} loss",
            *(
                estimate_text(each["difference"], digits, sign=True) if title == metric else ""
                for title in titles
            ),
        ]
        for each in found["check"]
    ]


def _of(found: Data, metric: str, equal: str) -> list[Any]:
    return [
        e
        for e in found["entries"]
        if e["metric"] == metric and e["equal"] == equal and e["difference"]
    ]


def draw(found: Data, title: str) -> Figure:
    """A row a rival, a column a set and an equal loss, a mark an alpha; below, the next judge."""
    alphas = list(dict.fromkeys(entry["alpha"] for entry in found["entries"]))
    grid = []
    for metric in win_rates(found):
        told = quantity(metric)
        panels = []
        for equal in LOSSES:
            for dataset in SETS:
                marks = [
                    Mark(
                        e["rival"],
                        e["difference"]["value"],
                        e["difference"]["low"],
                        e["difference"]["high"],
                        alphas.index(e["alpha"]),
                    )
                    for e in _of(found, metric, equal)
                    if e["set"] == dataset.title
                ]
                heading = f"{dataset.title}, same {equal} loss: {told.name}"
                panels.append(Panel(heading, told.unit, marks, told.margin, digits=told.digits))
        grid.append(panels)
    lines = [Row(rival, rival) for rival in dict.fromkeys(e["rival"] for e in found["entries"])]
    named = [f"alpha {alpha}" for alpha in alphas]
    return forest(grid, lines, titled(message(found), title), series=named)


def message(found: Data) -> str:
    """For each loss, between which ends the noise's gain over its rivals lies."""
    said = "; ".join(_said(found, win_rates(found)[0], equal) for equal in LOSSES)
    return f"{said[:1].upper()}{said[1:]}"


def win_rates(found: Data) -> list[str]:
    """The titles of the win rates that were measured, the first judge's first."""
    return _by_judge({entry["metric"] for entry in found["entries"]})


def _by_judge(there: Container[str]) -> list[str]:
    return [metric.title for metric in BY_JUDGE.values() if metric.title in there]


def _outside(differences: Sequence[Any]) -> tuple[int, int]:
    """How many intervals lie above 0, and how many below it."""
    above = sum(difference["low"] > 0 for difference in differences)
    return above, sum(difference["high"] < 0 for difference in differences)


def _said(found: Data, metric: str, equal: str) -> str:
    differences = [entry["difference"] for entry in _of(found, metric, equal)]
    if not differences:
        return f"no rival ever has the {equal} loss of the noise"
    above, below = _outside(differences)
    low, high = (end(d["value"] for d in differences) for end in (min, max))
    return (
        f"at the same {equal} loss the noise's {quantity(metric).name} differs from its rivals' by "
        f"{signed(low, 1)} to {signed(high, 1)} points; of {len(differences)} intervals {above} "
        f"lie above 0 and {below} below"
    )


def by_rival(found: Data, metric: str) -> str:
    """Over which rivals the intervals of a metric lie above 0 and below it, of how many.

    Args:
        found: from `data`.
        metric: the title of a win rate.
    """
    counted: dict[str, list[Any]] = {}
    for equal in LOSSES:
        for entry in _of(found, metric, equal):
            counted.setdefault(entry["rival"], []).append(entry["difference"])
    outside = {rival: _outside(each) for rival, each in counted.items()}
    parts = []
    for place, where in enumerate(("above", "below")):
        number = {rival: each[place] for rival, each in outside.items()}
        named = sorted((r for r in number if number[r]), key=lambda r: -number[r])
        told = ", ".join(f"{rival} ({number[rival]} of {len(counted[rival])})" for rival in named)
        parts.append(f"{where} 0 lie intervals of {told or 'none'}")
    return f"By {quantity(metric).name}, at either loss, {'; '.join(parts)}"


def checked(found: Data) -> str:
    """What the same comparison says where its true value is 0."""
    differences = [each["difference"] for each in found["check"]]
    above, below = _outside(differences)
    return (
        f"A check of the method: of {len(differences)} intervals of a rival's middle setting minus "
        f"the rival itself, read off the settings around it, {above} lie above 0 and {below} below"
    )


ARTIFACT = Artifact(
    "matched",
    "The noise and its rivals at the same loss, LLaMA-2 7B",
    "Each rival's settings (`make rivals`) are a path away from the usual training; where its loss "
    "is that of the noise, on held-out rows or on the training rows, the two neighbouring settings "
    "are averaged with the weights that give it. Intervals contain the error of these weights, and "
    "how far a parabola through three settings is from the line through two. Where no setting has "
    "the loss of the noise, the table says on which side the noise's lies. Not in the paper.",
    seeds=3,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
