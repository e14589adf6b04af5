"""The differences that a table's data hold: what pictures draw and what their titles say.

    found = differences(data, "win rate, %")             # each against the row `data["against"]`
    change(found[0])                                     # "+1.2 points [−0.3, +2.5]"
    span(found)                                          # "−0.7 to +0.9 points; 1 of 12 intervals…"

Lengths are compared in per cent of what they are compared with, since sets differ in length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.forest import signed
from experiments.cells.cell import Data


@dataclass(frozen=True)
class Quantity:
    """How the differences of a metric are told.

    Args:
        name: what readers see.
        unit: of its differences.
        margin: the smallest difference that matters, in that unit.
        digits: after the point.
        in_percent: whether differences are told in per cent of what they are from.
    """

    name: str
    unit: str
    margin: float | None = None
    digits: int = 1
    in_percent: bool = False


WIN_RATES = Quantity("win rate", "points", 1.0)
LENGTHS = Quantity("length", "%", 5.0, in_percent=True)
LOSSES = Quantity("loss", "nats a token", 0.01, 3)

QUANTITIES = {
    "win rate, %": WIN_RATES,
    "win rate by the oracle, %": Quantity("win rate by the oracle", "points", 1.0),
    "win rate by the judge in GPT-4's role, %": Quantity("win rate, GPT-4's role", "points", 1.0),
    "length-controlled win rate, %": Quantity("win rate at equal length", "points", 1.0),
    "draws, %": Quantity("draws", "points"),
    "score, %": Quantity("score", "points", 2.0),
    "characters": LENGTHS,
    "words": Quantity("words", "%", 5.0, in_percent=True),
    "loss without noise on the training set": Quantity("training loss", "nats a token", 0.01, 3),
    "loss without noise on held-out rows of the same set": Quantity(
        "held-out loss", "nats a token", 0.01, 3
    ),
    "loss without noise on another set": Quantity("loss on another set", "nats a token", 0.01, 3),
    "mean loss without noise, nats per token": LOSSES,
    "2-gram repetition, %": Quantity("2-gram repetition", "points", 1.0, 2),
    "log-diversity, as published": Quantity("log-diversity", "", digits=2),
    "ROUGE-L": Quantity("ROUGE-L", "", 0.01, 3),
    "BLEU-4": Quantity("BLEU-4", "", 0.01, 3),
}
"""By the metric's title. The smallest differences that matter are those of the claims."""


def quantity(metric: str) -> Quantity:
    """How a metric's differences are told, by its title."""
    name, percent, _ = metric.partition(", %")
    return QUANTITIES.get(metric) or Quantity(name, "points" if percent else "", digits=2)


@dataclass(frozen=True)
class Difference:
    """A cell minus the one that it is compared with, in its quantity's unit.

    Args:
        metric: its title.
        row: of the cell.
        column: of the cell.
        value: the difference.
        low: the lower end of its 95% interval.
        high: the upper end.
        level: the value that it is a difference from.
        published: the same difference in the paper.
        published_level: the paper's value that this is a difference from.
    """

    metric: str
    row: str
    column: str
    value: float
    low: float
    high: float
    level: float
    published: float | None = None
    published_level: float | None = None

    @property
    def quantity(self) -> Quantity:
        """How it is told."""
        return quantity(self.metric)

    @property
    def resolved(self) -> bool:
        """Whether its interval excludes 0; a single number has no interval."""
        return self.low < self.high and not self.low <= 0 <= self.high


def differences(data: Data, *metrics: str) -> list[Difference]:
    """The differences of a table.

    Args:
        data: the table's.
        metrics: the titles of those that are wanted; without any, the first one alone.

    Returns:
        In the order of the cells. A cell that has nothing measured or published to compare it with
        has none; where the paper alone can be compared, `value` is NaN.
    """
    wanted = metrics or (data["cells"][0]["metric"],)
    bases = {
        (cell["metric"], cell["column"]): cell
        for cell in data["cells"]
        if cell["row"] == data["against"]
    }
    found = []
    for cell in data["cells"]:
        base = bases.get((cell["metric"], cell["column"]))
        if cell["metric"] in wanted and base is not None and base is not cell:
            each = _difference(cell, base)
            if not math.isnan(each.value) or each.published is not None:
                found.append(each)
    return found


def _difference(cell: Any, base: Any) -> Difference:
    in_percent = quantity(cell["metric"]).in_percent
    scale = 100 / base["value"] if in_percent else 1.0
    measured = cell.get("difference") or dict.fromkeys(("value", "low", "high"), math.nan)
    published = None
    if cell["published"] is not None and base["published"] is not None:
        published = cell["published"] - base["published"]
        published *= 100 / base["published"] if in_percent else 1.0
    return Difference(
        metric=cell["metric"],
        row=cell["row"],
        column=cell["column"],
        value=scale * measured["value"],
        low=scale * measured["low"],
        high=scale * measured["high"],
        level=base["value"],
        published=published,
        published_level=base["published"],
    )


def one(found: Sequence[Difference], **fields: str) -> Difference:
    """The difference with some fields, such as `row="+NEFT", column="Average"`."""
    return next(each for each in found if all(getattr(each, key) == fields[key] for key in fields))


def change(difference: Difference) -> str:
    """A difference for a title: with its unit and interval."""
    told = difference.quantity
    return f"{amount(difference)} {signed_interval(vars(difference), told.digits)}"


def amount(difference: Difference) -> str:
    """A difference for a title: with its unit alone."""
    told = difference.quantity
    unit = told.unit if told.unit == "%" else f" {told.unit.removesuffix(' a token')}"
    return f"{signed(difference.value, told.digits)}{unit}".rstrip()


def signed_interval(estimate: Mapping[str, float], digits: int) -> str:
    """The interval of an estimate of a difference, for a title.

    Args:
        estimate: `low` and `high`.
        digits: after the point.
    """
    low, high = (signed(estimate[end], digits) for end in ("low", "high"))
    return f"[{low},\N{NO-BREAK SPACE}{high}]"


def span(found: Sequence[Difference]) -> str:
    """Several differences for a title: between which ends they lie, and how many are resolved."""
    kept = [each for each in found if not math.isnan(each.value)]
    if not kept:
        return "an amount that was not measured"
    if len(kept) == 1:
        return change(kept[0])
    low, high = min(kept, key=lambda d: d.value), max(kept, key=lambda d: d.value)
    resolved = sum(each.resolved for each in kept)
    verb = "exclude" if resolved > 1 else "excludes"
    return (
        f"{signed(low.value, low.quantity.digits)} to {amount(high)}; "
        f"{resolved or 'none'} of {len(kept)} intervals {verb}\N{NO-BREAK SPACE}0"
    )
