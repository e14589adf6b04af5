"""Figure 6: the share of a sentence's tokens that noise turns into others, by alpha.

make figure6
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.intervals import Estimate, mean_estimate
from analysis.plots import heatmaps
from experiments.cells.artifact import Artifact
from experiments.cells.cell import Cell, Data, table_data
from experiments.cells.markdown import estimate_text
from experiments.cells.metrics import Metric, Records
from experiments.cells.pictures import titled
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


def flip_message(data: Data, of: str) -> str:
    """Up to which alpha nothing flips, and what the largest flips.

    Args:
        data: cells with the share that flips, in per cent.
        of: whose share it is.
    """
    still, flipping = _by_effect(data)
    none = f"No token flips up to alpha {still[-1]:g}" if still else ""
    if not flipping:
        return none
    shares = [cell["value"] for cell in data["cells"] if cell["x"] == flipping[-1]]
    ends = dict.fromkeys(f"{share:.1f}%" for share in (min(shares), max(shares)))
    some = f"at alpha {flipping[-1]:g}, {' to '.join(ends)} of {of} flip"
    return f"{none}; {some}" if none else f"{some[:1].upper()}{some[1:]}"


def _by_effect(data: Data) -> tuple[list[float], list[float]]:
    """The alphas at which nothing flips, and those from where something does."""
    alphas = sorted({cell["x"] for cell in data["cells"]})
    flip = [cell["x"] for cell in data["cells"] if cell["value"] > 0]
    first = min(flip, default=float("inf"))
    return [a for a in alphas if a < first], [a for a in alphas if a >= first]


def _share_text(share: float) -> str:
    return "0" if share == 0 else "< 0.01" if share < 0.01 else f"{share:.2f}"


def flip_map(data: Data, title: str, name: str) -> Figure:
    """A map of the shares: a row a line of the figure, a column an alpha.

    Of the alphas at which nothing flips the largest alone is drawn.
    """
    columns = list(dict.fromkeys(cell["column"] for cell in data["cells"]))
    still, flipping = _by_effect(data)
    alphas = [*still[-1:], *flipping]
    by_place = {(cell["column"], cell["x"]): cell["value"] for cell in data["cells"]}
    grid = np.array([[by_place[column, alpha] for alpha in alphas] for column in columns])
    texts = [[_share_text(share) for share in line] for line in grid]
    axes = (("alpha", [f"{alpha:g}" for alpha in alphas]), ("", columns))
    return heatmaps({name: grid}, title, *axes, texts={name: texts})


def _draw(data: Data, title: str) -> Figure:
    message = flip_message(data, "the tokens of an example")
    lines = titled(message, f"{title}\nPublished: {FIGURE_6}")
    return flip_map(data, lines, "Tokens of an Alpaca example that flip, %")


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
