"""Figure 9: which tokens flip, and into what.

make figure9
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.plots import histograms
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, records_of
from experiments.cells.metrics import Metric
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NORMS = Metric("norm of an embedding", ("flips",), lambda record: np.array(record.read()["norms"]))


def cells(study: Study) -> list[Cell]:
    """LLaMA-2 7B's embedding; nothing is trained."""
    base = study.baseline(ALPACA, epochs=0)[:1]
    return [Cell("embedding", ALPACA.title, NORMS, (base,))]


def data(asked: Cells) -> Data:
    """The tokens that flip at some settings, the paper's first; and the embeddings' norms."""
    found = records_of(asked)[0].read()
    return {"settings": found["flipped tokens"], "norms": found["norms"]}


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


def draw(found: Data, title: str) -> Figure:
    """The embeddings' norms, with the counts of flipped tokens above."""
    counts = "; ".join(
        f"alpha {s['alpha']:g}, L {s['length']}: {s['flipped']}" for s in found["settings"]
    )
    panels = {f"tokens that flip at {counts}": {"embeddings": found["norms"]}}
    return histograms(panels, title, "norm of a token's embedding")


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
