"""Pictures of tables: which panels, rows and titles a table's data become."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analysis.plots import pyplot
from experiments.cells.cell import Data
from experiments.cells.differences import Difference
from experiments.cells.pictures import Picture, changes

SETS = ("Alpaca", "Evol-Instruct")
NOISES = ("uniform", "gaussian")


@pytest.fixture(autouse=True)
def every_picture_is_closed() -> Iterator[None]:
    yield
    pyplot().close("all")


def entry(metric: str, row: str, column: str, published: float | None) -> dict[str, Any]:
    base = {"metric": metric, "row": row, "column": column, "x": None, "published": published}
    if row == "baseline":
        return {**base, "value": 50.0}
    return {**base, "value": 51.0, "difference": {"value": 1.0, "low": 0.5, "high": 1.5}}


def table_of(*rows: str, published: float | None = 60.0) -> Data:
    cells = [
        entry(metric, row, column, published if metric == "win rate, %" else None)
        for metric in ("win rate, %", "characters")
        for column in SETS
        for row in ("baseline", *rows)
    ]
    return {"against": "baseline", "cells": cells}


def said(figure: Any) -> tuple[str, list[str], list[list[str]]]:
    """The message, the titles of the panels, and the rows of each panel that has labels."""
    labels = [[t.get_text() for t in axis.get_yticklabels()] for axis in figure.axes if axis.axison]
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    return figure._suptitle.get_text(), titles, [each for each in labels if any(each)]


def test_without_choices_the_first_metric_is_drawn_with_a_plain_message() -> None:
    message, titles, rows = said(Picture().draw(table_of("+NEFT"), "Table 0\n5 seeds"))
    assert message.replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ") == (
        "The win rate differs from that of baseline by +1.0 to +1.0 points; "
        "2 of 2 intervals exclude 0"
    )
    assert titles == ["Here: win rate", "Published: win rate"]
    assert rows == [list(SETS)]


def test_the_title_of_the_table_stands_below_the_message() -> None:
    figure: Any = Picture(message=lambda data: "1 thing", note="A note").draw(
        table_of("+NEFT"), "Table 0\n5 seeds"
    )
    message, notes = (text.get_text() for text in (figure._suptitle, figure.texts[0]))
    assert message == "1 thing"
    assert notes.split("\n")[:3] == ["Table 0", "5 seeds", "A note"]


def test_rows_are_told_by_what_they_do_not_have_in_common() -> None:
    assert said(Picture().draw(table_of(*NOISES), "t"))[2] == [
        ["Alpaca: uniform", "Alpaca: gaussian", "Evol-Instruct: uniform", "Evol-Instruct: gaussian"]
    ]
    data = table_of(*NOISES)
    data["cells"] = [cell for cell in data["cells"] if cell["column"] == "Alpaca"]
    assert said(Picture().draw(data, "t"))[2] == [list(NOISES)]


def by_row(difference: Difference) -> str:
    return difference.row


def by_column(difference: Difference) -> str:
    return difference.column


@pytest.mark.parametrize(
    ("picture", "titles", "rows"),
    [
        (
            Picture(metrics=("win rate, %", "characters"), only=("uniform",)),
            ["Here: win rate", "Here: length", "Published: win rate"],
            [list(SETS)],
        ),
        (
            Picture(panel=by_column, row=by_row, published="below"),
            [f"{where}: {name}" for where in ("Here", "Published") for name in SETS],
            [list(NOISES), list(NOISES)],
        ),
        (
            Picture(heading=by_column, row=by_row),
            ["Here: win rate", "Published: win rate"],
            [["Alpaca", *NOISES, "Evol-Instruct", *NOISES]],
        ),
        (
            Picture(series=by_row, row=by_column),
            ["Here: win rate", "Published: win rate"],
            [list(SETS)],
        ),
        (
            Picture(metrics=("win rate, %", "characters"), only=("uniform",), columns=2),
            ["Here: win rate", "Here: length", "Published: win rate", ""],
            [list(SETS), list(SETS)],
        ),
    ],
    ids=["metrics", "panels", "headings", "series", "columns"],
)
def test_panels_and_rows(picture: Picture, titles: list[str], rows: list[list[str]]) -> None:
    figure = picture.draw(table_of(*NOISES), "t")
    assert said(figure)[1:] == (titles, rows)
    assert bool(figure.legends) == (picture.series is by_row)


def test_a_table_without_published_numbers_has_no_panel_for_them() -> None:
    figure = Picture().draw(table_of("+NEFT", published=None), "t")
    assert said(figure)[1] == ["Here: win rate"]


def test_a_setting_that_was_chosen_has_a_panel_of_its_own() -> None:
    data = table_of("+NEFT")
    settings = [entry("alpha", "+NEFT", column, 5.0) | {"value": 10.0} for column in SETS]
    data["cells"] += settings
    figure = Picture(choices="alpha").draw(data, "t")
    assert said(figure)[1] == ["Alpha chosen", "Here: win rate", "Published: win rate"]
    assert list(figure.axes[0].get_xticks()) == [5.0, 10.0]


def test_a_table_with_nothing_to_compare_says_so() -> None:
    data = table_of("+NEFT")
    data["cells"] = [cell for cell in data["cells"] if cell["row"] == "baseline"]
    message, titles, _ = said(Picture().draw(data, "t"))
    assert message == "The win rate was measured, and there is nothing to compare it with"
    assert titles == ["No differences"]


@pytest.mark.parametrize(
    ("message", "count"),
    [(changes("Noise changes it"), 4), (changes("Noise changes it", row="uniform"), 2)],
)
def test_changes_are_told_of_all_rows_or_of_one(message: Callable[[Data], str], count: int) -> None:
    text = message(table_of(*NOISES))
    assert text.startswith("Noise changes it by +1.0 to +1.0 points; ")
    assert f"{count} of {count} intervals" in text
