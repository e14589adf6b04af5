"""Published and measured numbers on one axis, each pair as a line with a mark at both ends.

    for each in dumbbells(data):                         # of a table's `.json`
        each.title, each.rows[0].label, each.rows[0].drawn

Only metrics in per cent have one: a win rate of the paper and one of a small model lie on one
scale, while lengths of their answers do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from experiments.cells.cell import Data
from experiments.cells.differences import QUANTITIES, Difference, differences

WIDTH, HEIGHT, SIZE = 300, 34, 5
"""Of a row's drawing, and of half a mark in it, in CSS pixels."""
EDGE = 8
"""Left free at both ends of the axis, so that no mark is cut."""

Move = tuple[float, float]
"""The level of what is compared with, and the other one's."""


@dataclass(frozen=True)
class Dumbbell:
    """A row: the same comparison in the paper and here.

    Args:
        label: what is compared.
        published: the paper's two numbers.
        measured: those of this project; None where there are none.
        drawn: both as SVG.
    """

    label: str
    published: Move
    measured: Move | None
    drawn: Markup


@dataclass(frozen=True)
class Dumbbells:
    """The rows of one metric.

    Args:
        title: the metric's, with its unit.
        against: what all rows are compared with.
        low: the left end of the axis.
        high: its right end.
        rows: in the order of the table.
    """

    title: str
    against: str
    low: float
    high: float
    rows: Sequence[Dumbbell]


def dumbbells(data: Data | None) -> list[Dumbbells]:
    """The metrics of a table of which the paper gives both numbers of a comparison.

    Args:
        data: what the table's `.json` holds; None where it has none.
    """
    if not isinstance(data, dict) or not data.get("against"):
        return []
    metrics = dict.fromkeys(cell["metric"] for cell in data["cells"])
    found = [_metric(data, metric) for metric in metrics if _in_per_cent(metric)]
    return [each for each in found if each.rows]


def _in_per_cent(metric: str) -> bool:
    return metric in QUANTITIES and metric.endswith(", %")


def _metric(data: Data, metric: str) -> Dumbbells:
    found = [each for each in differences(data, metric) if each.published is not None]
    moves = [(_label(each, found), *_moves(each)) for each in found]
    ends = [level for _, *both in moves for move in both if move for level in move]
    low, high = _ends(ends)
    rows = [Dumbbell(*move, _drawn(move[1], move[2], low, high)) for move in moves]
    return Dumbbells(metric, data["against"], low, high, rows)


def _label(each: Difference, found: Sequence[Difference]) -> str:
    """What tells a row apart from the others."""
    if len({one.column for one in found}) == 1:
        return each.row
    if len({one.row for one in found}) == 1:
        return each.column
    return f"{each.column}: {each.row}"


def _moves(each: Difference) -> tuple[Move, Move | None]:
    assert each.published is not None
    assert each.published_level is not None
    published = (each.published_level, each.published_level + each.published)
    there = not math.isnan(each.value)
    return published, (each.level, each.level + each.value) if there else None


def _ends(values: Sequence[float]) -> Move:
    """Round numbers around all of some values."""
    if not values:
        return 0.0, 1.0
    least, most = min(values), max(values)
    step = 10.0 ** math.floor(math.log10((most - least) or 1.0))
    return step * math.floor(least / step), step * math.ceil(most / step)


def _drawn(published: Move, measured: Move | None, low: float, high: float) -> Markup:
    """The paper's move above with diamonds, this project's below with circles; ends are filled."""

    def place(value: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (value - low) / (high - low), 1)

    def diamond(x: float, y: float, look: str) -> str:
        sides = f"M{x - SIZE:g} {y:g}l{SIZE} -{SIZE}l{SIZE} {SIZE}l-{SIZE} {SIZE}z"
        return f'<path class="{look}" d="{sides}"/>'

    def circle(x: float, y: float, look: str) -> str:
        return f'<circle class="{look}" cx="{x:g}" cy="{y:g}" r="4.5"/>'

    parts = []
    for move, name, mark, y in (
        (published, "published", diamond, HEIGHT / 4 + 1),
        (measured, "measured", circle, 3 * HEIGHT / 4 - 1),
    ):
        if move:
            x, to = map(place, move)
            parts += [
                f'<path class="move {name}" d="M{x:g} {y:g}H{to:g}"/>',
                mark(x, y, f"from {name}"),
                mark(to, y, name),
            ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return Markup(f'<svg {size} aria-hidden="true">{"".join(parts)}</svg>')
