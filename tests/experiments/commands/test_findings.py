"""The findings by dose: whose numbers stand where, and at which dose."""

import json
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.artifacts import ARTIFACTS
from experiments.commands.findings import collected, markdown, picture, published, seeds_apart
from experiments.doses import find
from experiments.paths import RENDERED
from experiments.runs.real_models import EQUAL_DOSE, NO_NOISE, NOT_TUNED, arms, other_noises
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.small import SMALL
from tests.experiments.cells.made_up import made_up
from tests.paths import ROOT

DOSES = {"llama-2-7b": "gemma-3-270m", "llama-2-chat-7b": "smollm2-135m-instruct"}


@pytest.fixture
def made(workplace: Path) -> dict[str, dict[str, object]]:
    """The two tables of real models, with numbers that nobody measured."""
    (workplace / "results").symlink_to(ROOT / "results")
    study = Study(SMALL, 1, PUBLISHED)
    found = {name: made_up(ARTIFACTS[name], study) for name in ("real", "treatments")}
    (RENDERED / "small").mkdir(parents=True)
    for name, data in found.items():
        (RENDERED / "small" / f"{name}.json").write_text(json.dumps(data))
    return found


def test_every_row_of_a_real_model_is_a_point_at_its_own_dose(
    made: dict[str, dict[str, object]],
) -> None:
    found = collected()
    for role, dose in DOSES.items():
        points = {p.row: p for p in found if p.model == SMALL.short_title(role)}
        rows = {*arms(Study(SMALL, 1, PUBLISHED), role), *other_noises(role)} - {NO_NOISE}
        assert set(points) == rows | {NOT_TUNED}
        kl = find(dose).kl
        assert points["alpha 5"].kl == pytest.approx(kl[5.0])
        assert min(kl[1.0], kl[15.0]) < (points[f"alpha {EQUAL_DOSE[role]:g}"].kl or 0) < kl[30.0]
        assert all((p.kl is None) == (not row.startswith("alpha")) for row, p in points.items())


def test_a_row_of_both_tables_has_the_numbers_of_the_one_with_more_seeds(
    made: dict[str, dict[str, object]],
) -> None:
    (cell,) = (
        cell
        for cell in made["real"]["cells"]  # type: ignore[attr-defined]
        if (cell["metric"], cell["row"], cell["column"])
        == ("win rate, %", "alpha 15", SMALL.short_title("llama-2-7b"))
    )
    (point,) = (p for p in collected() if (p.model, p.row) == (cell["column"], cell["row"]))
    assert point.changes["win rate, %"] == cell["difference"]


def test_each_seed_of_a_real_model_is_shown_beside_the_others(
    made: dict[str, dict[str, object]],
) -> None:
    table = seeds_apart(collected())
    (place,) = (k for k, title in enumerate(table[0]) if title == "win rate, points")
    column = SMALL.short_title("llama-2-7b")
    (row,) = (row for row in table if row[:2] == [column, "alpha 15"])
    cells = {
        cell["row"]: cell["value"]
        for cell in made["real"]["cells"]  # type: ignore[attr-defined]
        if (cell["metric"], cell["column"]) == ("win rate, %", column)
    }
    assert row[place] == f"{cells['alpha 15'] - cells[NO_NOISE]:+.1f}"
    assert {row[0] for row in table[1:]} == {SMALL.short_title(role) for role in DOSES}


def test_the_committed_changes_of_each_seed_average_to_the_committed_ones() -> None:
    points = {(point.model, point.row): point for point in collected()}
    table = seeds_apart(list(points.values()))
    place = table[0].index("win rate, points")
    for model, row, *_ in table[1:]:
        (texts,) = (line[place] for line in table if line[:2] == [model, row])
        changes = [float(text) for text in texts.split(", ")]
        wanted = points[model, row].changes["win rate, %"]["value"]
        assert sum(changes) / len(changes) == pytest.approx(wanted, abs=0.051)


def test_the_paper_stands_beside_them_without_what_it_does_not_say(
    made: dict[str, dict[str, object]],
) -> None:
    assert published().changes["win rate, %"]["value"] == pytest.approx(64.69 - 29.79)
    assert set(published().changes) == {"win rate, %", "characters"}
    (row,) = (
        line for line in markdown(collected(), [["model"]]).splitlines() if "in the paper" in line
    )
    assert row.count("| – ") == 5


def test_what_rests_on_one_seed_is_told_from_what_rests_on_three() -> None:
    points = {
        (point.model, point.row): point for point in collected() if point.model == "gemma-3-270m"
    }
    seeds = {row: point.seeds for (_, row), point in points.items()}
    # A model before tuning is one run, however many trainings it is compared with.
    assert {row for row, count in seeds.items() if count == 1} == {
        f"alpha {EQUAL_DOSE['llama-2-7b']:g}",
        "Gaussian, variance of 5",
        NOT_TUNED,
    }
    assert {count for count in seeds.values() if count != 1} == {3}
    drawn = picture(list(points.values()))
    marks = [
        line
        for line in drawn.axes[0].get_lines()
        if line.get_markerfacecolor() == "white" and len(line.get_xdata())
    ]
    (mark,) = marks
    assert list(mark.get_xdata()) == [points["gemma-3-270m", "alpha 1.3"].kl]


def test_without_results_of_real_models_one_line_says_what_to_do(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "results").mkdir()
    for name in ("nano", "dose"):
        (workplace / "results" / name).symlink_to(ROOT / "results" / name)
    assert main(["findings"]) == 1
    assert "make it with `make real SCALE=small`" in capsys.readouterr().err
    assert not (RENDERED / "findings").exists()
