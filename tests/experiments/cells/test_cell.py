"""Cells: their values, their differences from another row, and the rows of text."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.cells.cell import (
    Cell,
    also,
    records_of,
    rows_by_metric,
    table_data,
    table_rows,
    values_of,
)
from experiments.cells.markdown import estimate_text, markdown_table
from experiments.cells.metrics import Metric, setting
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Numbers, Record
from experiments.runs.study import Study
from neftune.distributions import Noise


def made_up(number: Callable[[Record], float]) -> Metric:
    """A metric of three items, the last of them missing, that reads no file."""

    def values(record: Record) -> Numbers:
        return np.array([10.0, 20.0, np.nan]) + number(record)

    return Metric("score, %", ("losses",), values)


SCORE = made_up(lambda record: record.run.noise.alpha + record.run.seed)


def test_a_cell_is_the_mean_over_seeds_and_items_and_is_compared_with_its_row(study: Study) -> None:
    rows = {"base": study.baseline(ALPACA), "noisy": study.noisy(ALPACA, Noise(5))}
    cells = [Cell(row, "Alpaca", SCORE, (runs,), 48.26) for row, runs in rows.items()]
    data = table_data(cells, against="base")
    base, noisy = data["cells"]
    assert base["value"] == pytest.approx(15.5)
    assert base["seeds"] == [15.0, 16.0]
    assert base["low"] < 15.5 < base["high"]
    assert "difference" not in base
    assert noisy["difference"] == {"value": 5.0, "low": 5.0, "high": 5.0}
    assert noisy["runs"] == [run.key for run in rows["noisy"]]
    text = markdown_table(table_rows(data))
    for words in ("paper, score, %: base", "48.26", "score, %: noisy minus base", "+5.00"):
        assert words in text
    assert len({len(line) for line in text.splitlines()}) == 1


def test_groups_are_averaged_item_by_item(study: Study) -> None:
    groups = (study.baseline(ALPACA), study.noisy(ALPACA, Noise(10)))
    (cell,) = table_data([Cell("a", "Average", SCORE, groups)], None)["cells"]
    assert cell["value"] == pytest.approx(20.5)


def test_a_difference_is_paired_by_seed(study: Study) -> None:
    """A seed that is better in both rows does not widen the interval of their difference."""
    unlike = made_up(lambda record: 1000.0 * record.run.seed + record.run.noise.alpha)
    rows = {"base": study.baseline(ALPACA), "noisy": study.noisy(ALPACA, Noise(5))}
    cells = [Cell(row, "Alpaca", unlike, (runs,)) for row, runs in rows.items()]
    _, noisy = table_data(cells, against="base")["cells"]
    assert noisy["difference"] == {"value": 5.0, "low": 5.0, "high": 5.0}
    assert noisy["high"] - noisy["low"] > 900


def test_rows_of_different_seeds_are_not_compared(study: Study) -> None:
    one, two = study.baseline(ALPACA)[:1], study.noisy(ALPACA, Noise(5))
    cells = [Cell("one", "Alpaca", SCORE, (one,)), Cell("two", "Alpaca", SCORE, (two,))]
    assert all("difference" not in cell for cell in table_data(cells, against="one")["cells"])


def test_a_setting_has_a_number_and_no_runs(study: Study) -> None:
    alpha = setting("alpha", 0)
    cell = Cell("+NEFT", "Alpaca", alpha, published=5.0, constant=10.0)
    assert records_of([cell]) == []
    assert values_of(cell).tolist() == [[10.0]]
    rows = table_rows(table_data([cell], None))
    assert rows[1:] == [["alpha: +NEFT", "10"], ["paper, alpha: +NEFT", "5"]]
    with pytest.raises(TypeError, match="alpha is a setting and is not measured"):
        alpha.values(Record(study.baseline(ALPACA)[0], "losses"))


def test_a_record_that_several_cells_read_is_asked_for_once(study: Study) -> None:
    cells = [Cell("a", "Alpaca", SCORE, (study.baseline(ALPACA),), 1.0)]
    twice = also(cells, replace(SCORE, title="another"))
    assert [(cell.metric.title, cell.published) for cell in twice] == [
        ("score, %", 1.0),
        ("another", None),
    ]
    assert records_of(twice) == [Record(run, "losses") for run in study.baseline(ALPACA)]


def test_a_table_can_have_a_column_a_metric(study: Study) -> None:
    runs = {"alpha 0": study.baseline(ALPACA), "alpha 5": study.noisy(ALPACA, Noise(5))}
    cells = [Cell(row, SCORE.title, SCORE, (group,)) for row, group in runs.items()]
    rows = rows_by_metric(table_data(cells, against="alpha 0"))
    assert [row[0] for row in rows] == ["", "alpha 0", "alpha 5", "alpha 5 minus alpha 0"]
    assert rows[-1][1] == "+5.00"


@pytest.mark.parametrize(
    ("estimate", "sign", "text"),
    (
        ((1.0, 0.5, 1.5), False, "1.00 [0.50, 1.50]"),
        ((1.0, -0.5, 1.5), True, "+1.00 [-0.50, +1.50]"),
        ((1.0, 1.0, 1.0), False, "1.00"),
        ((np.nan, np.nan, np.nan), False, "–"),
    ),
)
def test_an_estimate_as_text(estimate: tuple[float, ...], sign: bool, text: str) -> None:
    value, low, high = estimate
    assert estimate_text({"value": value, "low": low, "high": high}, sign=sign) == text
