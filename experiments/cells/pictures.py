"""How a table's differences become a picture: its title is a message, computed from the data.

    picture = Picture(message=changes("Noise changes win rates"), row=lambda each: each.row)
    figure = picture.draw(data, title)       # the artifact's title, and below it models and seeds

What is measured here and what is published stand in panels of their own, each with its own axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from analysis.forest import Choices, Mark, Panel, Row, forest
from experiments.cells.cell import Data
from experiments.cells.differences import Difference, differences, quantity, span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Data, str], "Figure"]
"""Draws an artifact's data under a title."""

PUBLISHED = "Published"


def titled(message: str, title: str) -> str:
    """The message above the lines of an artifact's own title."""
    return f"{message}\n{title}"


def plainly(data: Data) -> str:
    """The message of a picture that has none of its own: how the first metric differs."""
    found = differences(data)
    name = quantity(data["cells"][0]["metric"]).name
    if not any(each.value == each.value for each in found):
        return f"The {name} was measured, and there is nothing to compare it with"
    return f"The {name} differs from that of {data['against']} by {span(found)}"


def _telling(found: Sequence[Difference]) -> Callable[[Difference], str]:
    """A label for each of some differences: what they do not have in common."""
    if len({each.row for each in found}) == 1:
        return lambda each: each.column
    if len({each.column for each in found}) == 1:
        return lambda each: each.row
    return lambda each: f"{each.column}: {each.row}"


def _quantity(difference: Difference) -> str:
    return difference.quantity.name


def _nothing(difference: Difference) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a table's picture shows, and where.

    Args:
        message: the title, from the data.
        metrics: the titles of those that are drawn; without any, the first one alone.
        only: the rows that are drawn; without any, all.
        row: the label of a difference's row; without one its column, its row, or both, whichever
            tells the differences apart.
        heading: that of the group of rows that it stands in.
        panel: the title of its panel.
        series: which of several marks in one row it is.
        published: where the paper's differences stand.
        columns: the largest number of panels beside each other.
        choices: the title of a metric that is a setting of each row, drawn in a panel of its own.
        note: a further line below the title.
    """

    message: Callable[[Data], str] = plainly
    metrics: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    row: Callable[[Difference], str] | None = None
    heading: Callable[[Difference], str] = _nothing
    panel: Callable[[Difference], str] = _quantity
    series: Callable[[Difference], str] = _nothing
    published: Literal["beside", "below"] = "beside"
    columns: int = 4
    choices: str = ""
    note: str = ""

    def draw(self, data: Data, title: str) -> Figure:
        """Draw a table's data.

        Args:
            data: the table's.
            title: what it is called, and below it the models and seeds that it was made with.

        Returns:
            The picture.
        """
        found = [
            each
            for each in differences(data, *self.metrics)
            if not self.only or each.row in self.only
        ]
        if self.row is None:
            return replace(self, row=_telling(found)).draw(data, title)
        series = list(dict.fromkeys(map(self.series, found)))
        titles = list(dict.fromkeys(map(self.panel, found)))
        measured = [self._panel(found, name, series) for name in titles]
        published = [panel for name in titles if (panel := self._published(found, name, series))]
        grid = self._grid(
            [*self._choices(data, found), *(panel for panel in measured if panel.marks)], published
        )
        return forest(
            grid or [[Panel("No differences", "", [])]],
            self._rows(found),
            titled(self.message(data), "\n".join(filter(None, [title, self.note]))),
            series=series if len(series) > 1 else (),
            level_title="" if len(series) > 1 else f"{data['against']}",
        )

    def _rows(self, found: Sequence[Difference]) -> list[Row]:
        """The rows of some differences, each group below its heading."""
        groups: dict[str, dict[str, str]] = {}
        for each in found:
            groups.setdefault(self.heading(each), {})[self._key(each)] = self._label(each)
        rows = []
        for heading, group in groups.items():
            if heading:
                rows.append(Row(f"{heading}:", heading, heading=True))
            rows += [Row(key, label) for key, label in group.items()]
        return rows

    def _key(self, difference: Difference) -> str:
        return f"{self.heading(difference)}: {self._label(difference)}"

    def _label(self, difference: Difference) -> str:
        return difference.column if self.row is None else self.row(difference)

    def _grid(
        self, measured: list[Panel | Choices], published: list[Panel]
    ) -> list[list[Panel | Choices]]:
        if self.published == "below":
            return [[*line] for line in (measured, published) if line]
        panels = [*measured, *published]
        return [panels[at : at + self.columns] for at in range(0, len(panels), self.columns)]

    def _choices(self, data: Data, found: Sequence[Difference]) -> list[Panel | Choices]:
        keys = {(each.row, each.column): self._key(each) for each in found}
        made = {
            keys[cell["row"], cell["column"]]: (cell["value"], cell["published"])
            for cell in data["cells"]
            if cell["metric"] == self.choices and (cell["row"], cell["column"]) in keys
        }
        return [Choices(f"{self.choices.capitalize()} chosen", self.choices, made)] if made else []

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


def changes(subject: str, *metrics: str, row: str | None = None) -> Callable[[Data], str]:
    """A message that tells between which ends the differences of the first metric lie.

    Args:
        subject: what changes it, and what is changed: `Noise changes win rates`.
        metrics: whose; without any, the first one's.
        row: of which row; without one, of all.
    """

    def message(data: Data) -> str:
        found = differences(data, *metrics)
        return f"{subject} by {span([d for d in found if row is None or d.row == row])}"

    return message
