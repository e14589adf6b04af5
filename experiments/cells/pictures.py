"""How a table's differences become a picture: its title is a message, computed from the data.

    picture = Picture(lambda data: f"Noise changes win rates by {span(differences(data))}")
    figure = picture.draw(data, "Table 2: further models\nMeasured with …; 5 seeds")

What is measured here and what is published stand in panels of their own, each with its own axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.forest import Mark, Panel, Row, forest
from experiments.cells.cell import Data
from experiments.cells.differences import Difference, differences, quantity, span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = "Published (full-size models)"


def titled(message: str, title: str) -> str:
    """The message above the lines of an artifact's own title."""
    return f"{message}\n{title}"


def _column(difference: Difference) -> str:
    return difference.column


def _quantity(difference: Difference) -> str:
    return difference.quantity.name


def _nothing(difference: Difference) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a table's picture shows, and where.

    Args:
        message: the title, from the data; at most about 90 characters.
        metrics: the titles of those that are drawn; without any, the first one alone.
        row: the label of a difference's row.
        heading: that of the group of rows that it stands in.
        panel: the title of its panel.
        series: which of several marks in one row it is.
        published: where the paper's differences stand.
        columns: the largest number of panels beside each other.
        note: a further line below the title, from the data.
    """

    message: Callable[[Data], str]
    metrics: tuple[str, ...] = ()
    row: Callable[[Difference], str] = _column
    heading: Callable[[Difference], str] = _nothing
    panel: Callable[[Difference], str] = _quantity
    series: Callable[[Difference], str] = _nothing
    published: Literal["beside", "below"] = "beside"
    columns: int = 4
    note: Callable[[Data], str] | None = None

    def draw(self, data: Data, title: str) -> Figure:
        """Draw a table's data.

        Args:
            data: the table's.
            title: what it is called, and below it the models and seeds that it was made with.
        """
        found = differences(data, *self.metrics)
        series = list(dict.fromkeys(map(self.series, found)))
        titles = list(dict.fromkeys(map(self.panel, found)))
        measured = [self._panel(found, name, series) for name in titles]
        published = [panel for name in titles if (panel := self._published(found, name, series))]
        lines = [title] if self.note is None else [title, self.note(data)]
        grid = self._grid([panel for panel in measured if panel.marks], published)
        return forest(
            grid,
            self.rows(found),
            titled(self.message(data), "\n".join(lines)),
            series=series if len(series) > 1 else (),
            level_title="" if len(series) > 1 else f"{data['against']}",
        )

    def rows(self, found: Sequence[Difference]) -> list[Row]:
        """The rows of some differences, each group below its heading."""
        groups: dict[str, dict[str, str]] = {}
        for each in found:
            groups.setdefault(self.heading(each), {})[self._key(each)] = self.row(each)
        rows = []
        for heading, group in groups.items():
            if heading:
                rows.append(Row(f"{heading}:", heading, heading=True))
            rows += [Row(key, label) for key, label in group.items()]
        return rows

    def _key(self, difference: Difference) -> str:
        return f"{self.heading(difference)}: {self.row(difference)}"

    def _grid(self, measured: list[Panel], published: list[Panel]) -> list[list[Panel]]:
        if self.published == "below":
            return [line for line in (measured, published) if line]
        panels = [*measured, *published]
        return [panels[at : at + self.columns] for at in range(0, len(panels), self.columns)]

    def _panel(self, found: Sequence[Difference], name: str, series: Sequence[str]) -> Panel:
        chosen = [d for d in found if self.panel(d) == name]
        told = chosen[0].quantity
        marks = [
            Mark(
                self._key(d),
                *(d.value, d.low, d.high),
                series.index(self.series(d)),
                f"{d.level:.{0 if told.in_percent else told.digits}f}",
            )
            for d in chosen
            if not math.isnan(d.value)
        ]
        return Panel(f"Here: {name}", told.unit, marks, told.margin, digits=told.digits)

    def _published(
        self, found: Sequence[Difference], name: str, series: Sequence[str]
    ) -> Panel | None:
        chosen = [d for d in found if self.panel(d) == name and d.published is not None]
        if not chosen:
            return None
        told = quantity(chosen[0].metric)
        marks = []
        for d in chosen:
            assert d.published is not None
            assert d.published_level is not None
            level = f"{d.published_level:.{0 if told.in_percent else told.digits}f}"
            ends = (d.published, d.published, d.published)
            marks.append(Mark(self._key(d), *ends, series.index(self.series(d)), level))
        return Panel(f"{PUBLISHED}: {name}", told.unit, marks, published=True, digits=told.digits)


def changes(subject: str, *metrics: str) -> Callable[[Data], str]:
    """A message that tells between which ends the differences of the first metric lie.

    Args:
        subject: what changes it, and what is changed: `Noise changes win rates`.
        metrics: whose; without any, the first one's.
    """
    return lambda data: f"{subject} by {span(differences(data, *metrics))}"
