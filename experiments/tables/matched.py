"""The noise against each rival where both have the same held-out loss.

make matched
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analysis.forest import Mark, Panel, Row, forest, signed
from analysis.intervals import hierarchical
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import quantity
from experiments.cells.equal_loss import at_equal_loss
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import BY_JUDGE, CHARACTERS, FITTED_LOSS, HELD_OUT_LOSS
from experiments.cells.pictures import titled
from experiments.runs.rivals import BASELINE_SETTING, NOISE, RIVALS, SETS
from experiments.tables.rivals import cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEVER = "never equal"
"""What stands where no setting of a rival has the noise's held-out loss."""


def data(asked: Sequence[Cell]) -> Data:
    """For each set, alpha, rival and metric, the noise minus the rival at equal held-out loss."""
    by_place = {(c.column, c.row, c.metric.title): c for c in asked}
    titles = list(dict.fromkeys(cell.metric.title for cell in asked))
    entries = []
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
                losses = [by_place[column, row, HELD_OUT_LOSS.title] for row in path]
                for title in titles:
                    compared = [by_place[column, row, title] for row in path]
                    found = at_equal_loss(compared, losses)
                    entries.append(
                        {
                            "set": column,
                            "alpha": noisy.rpartition(" ")[2],
                            "rival": rival,
                            "metric": title,
                            "digits": compared[0].metric.digits,
                            "difference": None if found is None else asdict(hierarchical(found)),
                        }
                    )
    return {"entries": entries}


def rows(found: Data) -> list[list[str]]:
    """A row for each set, alpha and rival, a column a metric."""
    titles = list(dict.fromkeys(entry["metric"] for entry in found["entries"]))
    table: dict[str, dict[str, str]] = {}
    for entry in found["entries"]:
        row = f"{entry['set']}: noise of alpha {entry['alpha']} minus {entry['rival']}"
        difference = entry["difference"]
        text = NEVER
        if difference is not None:
            text = estimate_text(difference, entry["digits"], sign=True)
        table.setdefault(row, {})[entry["metric"]] = text
    return [["", *titles], *([row, *(line[t] for t in titles)] for row, line in table.items())]


def _of(found: Data, metric: str) -> list[Any]:
    return [e for e in found["entries"] if e["metric"] == metric and e["difference"]]


def draw(found: Data, title: str) -> Figure:
    """A row a set and rival, a panel a metric, a mark an alpha."""
    shown = (*(m.title for m in BY_JUDGE.values()), CHARACTERS.title, FITTED_LOSS.title)
    alphas = list(dict.fromkeys(entry["alpha"] for entry in found["entries"]))
    panels = []
    for metric in shown:
        entries = _of(found, metric)
        told = quantity(metric)
        marks = [
            Mark(
                f"{e['set']}: {e['rival']}",
                e["difference"]["value"],
                e["difference"]["low"],
                e["difference"]["high"],
                alphas.index(e["alpha"]),
            )
            for e in entries
        ]
        if marks:
            unit = "characters" if told.in_percent else told.unit
            margin = None if told.in_percent else told.margin
            panels.append(Panel(f"Here: {told.name}", unit, marks, margin, digits=told.digits))
    places = dict.fromkeys((e["set"], e["rival"]) for e in found["entries"])
    lines: list[Row] = []
    for dataset in dict.fromkeys(dataset for dataset, _ in places):
        lines.append(Row(f"{dataset}:", dataset, heading=True))
        lines += [Row(f"{d}: {rival}", rival) for d, rival in places if d == dataset]
    named = [f"alpha {alpha}" for alpha in alphas]
    return forest([panels], lines, titled(message(found), title), series=named)


def message(found: Data) -> str:
    """Between which ends the noise's gain over its rivals lies, and how many are resolved."""
    there = {entry["metric"] for entry in found["entries"]}
    metric = next(m.title for m in BY_JUDGE.values() if m.title in there)
    every = [entry for entry in found["entries"] if entry["metric"] == metric]
    differences = [entry["difference"] for entry in every if entry["difference"]]
    if not differences:
        return "No rival ever has the held-out loss of the noise"
    above = sum(d["low"] > 0 for d in differences)
    below = sum(d["high"] < 0 for d in differences)
    low, high = (end(d["value"] for d in differences) for end in (min, max))
    return (
        f"At the same held-out loss the noise's {quantity(metric).name} is {signed(low, 1)} to "
        f"{signed(high, 1)} points above its rivals'; of {len(differences)} intervals {above} lie "
        f"above 0 and {below} below"
    )


ARTIFACT = Artifact(
    "matched",
    "The noise and its rivals at the same held-out loss, LLaMA-2 7B",
    "Each rival's settings (`make rivals`) are a path away from the usual training; where its "
    "held-out loss is that of the noise, the two neighbouring settings are averaged with the "
    "weights that give it. Intervals are conditional on these weights. Where no setting has the "
    "loss of the noise, there is no number. Not in the paper.",
    seeds=3,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
