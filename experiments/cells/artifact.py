"""A table or figure: which cells it has, what they say, how it is shown.

    picture = Picture(message=changes("Freezing parts changes the win rate"))
    ARTIFACT = table("table11", "Which parts train", ABOUT, seeds=3, cells=cells, against="NEFT",
                     picture=picture)

An artifact is data and four functions. `cells` is called once; everything after it is a pure
function of the cells' records: nothing is trained, judged or downloaded when a result is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.plots import histograms
from experiments.cells.cell import Cell, Data, table_data, table_rows, values_of
from experiments.cells.pictures import Draw, Picture, titled
from experiments.runs.study import BASELINE, NEFT, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cells = Sequence[Cell]
Rows = list[list[str]]


@dataclass(frozen=True)
class Artifact:
    """A table or figure of the paper, or one that this repository adds.

    Args:
        name: `table6`, `figure4`, …: the make target and the name of the files.
        title: what readers see.
        about: what it shows and how it is measured, in a few sentences that hold at every scale.
            What holds at one scale only belongs into that scale's `notes`.
        seeds: how many the project's own result has, where a scale says nothing else.
        cells: what is measured for which runs.
        data: what the cells say, as JSON.
        rows: the same as rows of text, titles first.
        draw: the same as a picture; it puts a message, computed from the data, above a title.
        only: the one scale at which it is made, where it is not made at all.
        target: what `make` is told to make it; the name, where nothing else is said.
    """

    name: str
    title: str
    about: str
    seeds: int
    cells: Callable[[Study], Cells]
    data: Callable[[Cells], Data]
    rows: Callable[[Data], Rows]
    draw: Draw
    target: str = ""
    only: str = ""

    def command(self, scale: str, seeds: int) -> str:
        """What a user types to have it made at a scale with some seeds."""
        where = "" if scale == "nano" else f" SCALE={scale}"
        return f"make {self.target or self.name} SEEDS={seeds}{where}"


def table(
    name: str,
    title: str,
    about: str,
    *,
    seeds: int,
    cells: Callable[[Study], Cells],
    against: str | None = None,
    picture: Picture | Draw | None = None,
) -> Artifact:
    """An artifact with one row for each row and metric of its cells.

    Args:
        name: as of `Artifact`.
        title: as of `Artifact`.
        about: as of `Artifact`.
        seeds: as of `Artifact`.
        cells: as of `Artifact`.
        against: the row that the others are compared with.
        picture: how the differences from that row are drawn, or a function that draws something
            else; without one, those of the first metric are drawn.
    """
    shown = picture or Picture()
    return Artifact(
        name,
        title,
        about,
        seeds,
        cells,
        data=lambda asked: table_data(asked, against),
        rows=table_rows,
        draw=shown.draw if isinstance(shown, Picture) else shown,
    )


def histogram_figure(
    name: str,
    title: str,
    about: str,
    *,
    seeds: int,
    cells: Callable[[Study], Cells],
    panel: Literal["column", "metric"],
    x: str,
    message: Callable[[Data], str],
) -> Artifact:
    """An artifact drawn as a histogram of each item's difference, averaged over seeds.

    Args:
        name: as of `Artifact`.
        title: as of `Artifact`.
        about: as of `Artifact`.
        seeds: as of `Artifact`.
        cells: as of `Artifact`; the row `+NEFT` is compared with `baseline`.
        panel: which of a cell's titles is that of the panel that it is drawn in.
        x: the label of the horizontal axis.
        message: the picture's title, from the data.
    """

    def data(asked: Cells) -> Data:
        items: dict[str, dict[str, list[float]]] = {}
        for cell in asked:
            mean = np.round(values_of(cell).mean(axis=0), 4)
            place = cell.column if panel == "column" else cell.metric.title
            items.setdefault(place, {})[cell.row] = mean.tolist()
        return table_data(asked, BASELINE) | {"items": items}

    def draw(found: Data, title: str) -> Figure:
        panels = {
            name: (np.array(items[NEFT]) - np.array(items[BASELINE])).tolist()
            for name, items in found["items"].items()
        }
        means = {c[panel]: c["difference"] for c in found["cells"] if "difference" in c}
        return histograms(panels, titled(message(found), title), x, means)

    plain = table(name, title, about, seeds=seeds, cells=cells, against=BASELINE, picture=draw)
    return replace(plain, data=data)
