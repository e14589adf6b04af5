"""The noise and its rivals after the same number of tuning trials: each at its best setting.

make budget
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.cells.artifact import Cells, table
from experiments.cells.cell import Cell, Data, table_data, table_rows, values_of
from experiments.cells.differences import change, differences, one
from experiments.cells.metrics import BY_JUDGE, CHARACTERS, HELD_OUT_LOSS, WIN_RATE
from experiments.cells.pictures import Picture
from experiments.runs.rivals import BASELINE_SETTING, NOISE, RIVALS, SETS
from experiments.runs.selection import JUDGE
from experiments.runs.study import Study
from experiments.tables.rivals import OF_NOISE, metrics, settings

TRIAL = replace(WIN_RATE, title="win rate on validation instructions, %")


def cells(study: Study) -> list[Cell]:
    """Every metric of every setting, and first the win rate by which the best one is chosen."""
    found = []
    for column, row, runs in settings(study):
        found.append(Cell(row, column, TRIAL, (runs[:1],), condition="validation", judge=JUDGE))
        found += [Cell(row, column, metric, (runs,), judge=by) for metric, by in metrics(study)]
    return found


def data(asked: Cells) -> Data:
    """The cells of each rival's best setting, named by the rival, and which setting that is."""
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for cell in asked:
        if cell.metric is TRIAL:
            rival = cell.row.partition(":")[0]
            score = float(np.nanmean(values_of(cell)))
            if (cell.column, rival) not in best or score > best[cell.column, rival][0]:
                best[cell.column, rival] = (score, cell.row)
    kept = [c for c in asked if best[c.column, c.row.partition(":")[0]][1] == c.row]
    named = [replace(cell, row=cell.row.partition(":")[0]) for cell in kept]
    chosen = [
        {"set": column, "rival": rival, "setting": row.partition(": ")[2], "trial": score}
        for (column, rival), (score, row) in best.items()
    ]
    # The best of three trials lies above the usual training by chance, so it is not compared.
    trials, tested = ([c for c in named if (c.metric is TRIAL) == of] for of in (True, False))
    found = table_data(tested, BASELINE_SETTING)
    cells = table_data(trials, None)["cells"] + found["cells"]
    return found | {"cells": cells, "chosen": chosen}


def message(found: Data) -> str:
    """How much the noise wins by the oracle, beside the rival that is best on validation.

    Which rival is the best is not read off the numbers that are shown: of ten equal ones the
    highest would lie above the noise by chance.
    """
    first = next(t for t in (m.title for m in BY_JUDGE.values()) if _has(found, t))
    others = {r.title for name, r in RIVALS.items() if name not in (NOISE, *OF_NOISE)}
    parts = []
    for dataset in SETS:
        mine = [d for d in differences(found, first) if d.column == dataset.title]
        tried = [e for e in found["chosen"] if e["set"] == dataset.title and e["rival"] in others]
        best = max(tried, key=lambda each: each["trial"])["rival"]
        noise, rival = (one(mine, row=row) for row in (RIVALS[NOISE].title, best))
        parts.append(
            f"on {dataset.title} noise changes the {noise.quantity.name} by {change(noise)}, "
            f"{rival.row}, the best of the others on validation, by {change(rival)}"
        )
    return (
        "Each at the setting, of three, that the judge in GPT-4's role likes best on validation: "
        f"{'; '.join(parts)}"
    )


def _has(found: Data, metric: str) -> bool:
    return any(cell["metric"] == metric for cell in found["cells"])


def rows(found: Data) -> list[list[str]]:
    """The table, then which setting of each was chosen."""
    table = table_rows(found)
    chosen = {(each["set"], each["rival"]): each["setting"] for each in found["chosen"]}
    for rival in dict.fromkeys(each["rival"] for each in found["chosen"]):
        table.append([f"chosen: {rival}", *(chosen[column, rival] for column in table[0][1:])])
    return table


ARTIFACT = replace(
    table(
        "budget",
        "The noise and its rivals after as many tuning trials, LLaMA-2 7B",
        "Of the three settings of each (two of fewer epochs; `make rivals` has all) the one is "
        "shown with which the first seed wins most validation instructions, by the judge in "
        "GPT-4's role; that win rate is the best of several and therefore too high, so it is not "
        "compared with anything. Not in the paper.",
        seeds=3,
        cells=cells,
        against=BASELINE_SETTING,
        picture=Picture(
            message=message,
            metrics=(*(m.title for m in BY_JUDGE.values()), CHARACTERS.title, HELD_OUT_LOSS.title),
            row=lambda each: each.row,
            heading=lambda each: each.column,
        ),
    ),
    data=data,
    rows=rows,
)
