"""Figure 6: the share of a sentence's tokens that noise turns into others, by alpha.

make figure6
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.intervals import Estimate, mean_estimate
from analysis.plots import curves
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, lines_of, table_data
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import Metric, Records
from experiments.published import FIGURE_6
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.flips import ALPHAS
from experiments.runs.record import Numbers, Record
from experiments.runs.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def flip_share(alpha: float) -> Metric:
    """The share of flipped tokens of each Alpaca training example, in per cent."""

    def values(record: Record) -> Numbers:
        return np.array(record.read()["share of each training example, %"][f"{alpha:g}"])

    def estimate(records: Records, others: Records | None) -> Estimate:
        return mean_estimate(values(records[0]))

    return Metric("tokens that flip, %", ("flips",), values, 2, estimate)


def cells(study: Study) -> list[Cell]:
    """Every base model under every alpha; nothing is trained."""
    return [
        Cell(
            f"alpha {alpha:g}",
            study.scale.model_title(model),
            flip_share(alpha),
            (study.baseline(ALPACA, model=model, epochs=0)[:1],),
            x=alpha,
        )
        for model in study.scale.models
        for alpha in ALPHAS
    ]


def flip_rows(data: Data) -> list[list[str]]:
    """A row a line of the figure, a column an alpha."""
    cells = data["cells"]
    titles = list(dict.fromkeys(cell["row"] for cell in cells))
    table = [[cells[0]["metric"], *titles]]
    for name in dict.fromkeys(cell["column"] for cell in cells):
        line = {cell["row"]: cell for cell in cells if cell["column"] == name}
        table.append([name, *(estimate_text(line[title]) for title in titles)])
    return table


def _draw(data: Data, title: str) -> Figure:
    panels = {"Alpaca training examples": lines_of(data)}
    return curves(panels, title, "alpha", "tokens that flip, %", log=True)


ARTIFACT = Artifact(
    "figure6",
    "Figure 6: tokens of a sentence that noise turns into others",
    "The share of the tokens of each Alpaca training example whose noisy embedding is nearest to "
    "another token's, for every base model. Published: "
    f"{FIGURE_6}.",
    seeds=1,
    cells=cells,
    data=lambda asked: table_data(asked, None),
    rows=flip_rows,
    draw=_draw,
)
