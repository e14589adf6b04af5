"""Figure 9: which tokens flip, and into what.

make figure9
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.plots import shares
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, records_of
from experiments.cells.metrics import Metric
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VOCABULARY = Metric(
    "tokens of the vocabulary",
    ("flips",),
    lambda record: np.array([float(record.read()["vocabulary"])]),
    0,
)
EXAMPLES = 6
"""How many flipped tokens the picture names."""


def cells(study: Study) -> list[Cell]:
    """LLaMA-2 7B's embedding; nothing is trained."""
    base = study.baseline(ALPACA, epochs=0)[:1]
    return [Cell("embedding", ALPACA.title, VOCABULARY, (base,))]


def data(asked: Cells) -> Data:
    """The tokens that flip at some settings, the paper's first; and how many there are."""
    found = records_of(asked)[0].read()
    return {"settings": found["flipped tokens"], "vocabulary": found["vocabulary"]}


def rows(found: Data) -> list[list[str]]:
    """The flipped tokens as a table."""
    table = [["alpha", "L", "tokens that flip", "the first of them"]]
    for setting in found["settings"]:
        pairs = ", ".join(f"`{a}` to `{b}`" for a, b in setting["first"]).replace("|", "\\|")
        table.append(
            [
                f"{setting['alpha']:g}",
                str(setting["length"]),
                str(setting["flipped"]),
                pairs.replace("\n", "\\n"),
            ]
        )
    return table


def message(found: Data) -> str:
    """How many tokens flip under the paper's noise and under the largest."""
    first, last = found["settings"][0], found["settings"][-1]
    return (
        f"Of {found['vocabulary']:,} tokens, noise of alpha {first['alpha']:g} on a sequence of "
        f"{first['length']} flips {first['flipped'] or 'none'}; alpha {last['alpha']:g} on one of "
        f"{last['length']} flips {last['flipped']:,}"
    )


def draw(found: Data, title: str) -> Figure:
    """The share of the tokens that flip at each setting, with examples of them."""
    bars = {
        f"alpha {setting['alpha']:g}, length {setting['length']}": {
            "turn into another token": setting["flipped"],
            "stay": found["vocabulary"] - setting["flipped"],
        }
        for setting in found["settings"]
    }
    lines = [message(found), title]
    named = next((setting for setting in found["settings"] if setting["first"]), None)
    if named is not None:
        pairs = ", ".join(f"{a!r} to {b!r}" for a, b in named["first"][:EXAMPLES])
        lines.append(f"At alpha {named['alpha']:g}, for example: {pairs}")
    return shares(bars, "\n".join(lines), "share of all tokens, %")


ARTIFACT = Artifact(
    "figure9",
    "Figure 9: which tokens flip",
    "The embedding of the model in LLaMA-2 7B's role. The paper lists the tokens that flip at "
    "alpha 1 and L 512; larger noise on short sequences is shown too.",
    seeds=1,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
