"""Figures whose data are more than a table's: what they compute from records, and what they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.cells.cell import Data
from experiments.figures import curves, figure6
from experiments.runs.record import Record
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import BASELINE, NEFT, Study
from experiments.scales.nano import NANO
from tests.experiments.records import write_record

STUDY = Study(NANO, 2, PUBLISHED)


@pytest.fixture(autouse=True)
def work_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data_of(name: str, kind: str, content: Any) -> Data:
    """The data of a figure whose records of one kind are written first.

    Args:
        name: the figure's.
        kind: of the records.
        content: gives a record's text from whether its run has noise, and from its seed.
    """
    artifact = ARTIFACTS[name]
    cells = artifact.cells(STUDY)
    runs = dict.fromkeys(run for cell in cells for group in cell.groups for run in group)
    for run in runs:
        write_record(Record(run, kind), content(run.noise.alpha > 0, run.seed))
    return artifact.data(cells)


def message(name: str, data: Data) -> str:
    """The first line of a figure's picture."""
    figure: Any = ARTIFACTS[name].draw(data, "title")
    text: str = figure._suptitle.get_text()
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_figure_4_shows_the_difference_of_each_example() -> None:
    def content(noisy: bool, seed: int) -> str:
        rise = 0.2 if noisy else 0.0
        return json.dumps({"train": [1.0 + rise, 2.0 + rise], "other": [3.0 - rise, 4.0 - rise]})

    data = data_of("figure4", "losses", content)
    assert data["items"]["Training set (Alpaca)"] == {BASELINE: [1.0, 2.0], NEFT: [1.2, 2.2]}
    figure: Any = ARTIFACTS["figure4"].draw(data, "title")
    (text,) = figure.axes[0].texts
    assert text.get_text().startswith("mean +0.2000 [+0.2000, +0.2000]\nabove 0: 100%")
    assert message("figure4", data) == (
        "Noise changes the loss on the training set by +0.200 nats [+0.200, +0.200], "
        "on another set by −0.200 nats [−0.200, −0.200]"
    )


def test_figure_7_shows_the_change_of_each_singular_value_paired_by_seed() -> None:
    def content(noisy: bool, seed: int) -> str:
        factor = (1.01 + 0.01 * seed if noisy else 1.0) * (1 + seed)
        return json.dumps([factor * value for value in (8.0, 4.0, 2.0)])

    data = data_of("figure7", "spectrum", content)
    assert [point["x"] for point in data["changes, %"]] == [1, 2, 3]
    for point in data["changes, %"]:
        assert point["value"] == pytest.approx(1.5)
        assert point["low"] < 1.0 < 2.0 < point["high"]
    assert message("figure7", data).startswith("Noise changes none of the 100 largest")


def test_curves_show_the_difference_at_each_step() -> None:
    def content(noisy: bool, seed: int) -> str:
        rows = [
            {"step": step, "loss": 1.0 + noisy, f"eval_{p}_loss": 2.0 + 0.5 * noisy + seed}
            for step in (0, 5)
            for p in ("train", "validation", "other")
        ]
        return "\n".join(map(json.dumps, rows))

    data = data_of("curves", "log", content)
    line = data["Alpaca"]["train"][curves.DIFFERENCE]
    assert [(p["x"], p["value"], p["low"], p["high"]) for p in line] == [
        (0.0, 0.5, 0.5, 0.5),
        (5.0, 0.5, 0.5, 0.5),
    ]
    assert [p["value"] for p in data["Alpaca"]["train"][NEFT]] == [3.0, 3.0]
    assert "the training set by +0.500 [+0.500, +0.500] nats" in message("curves", data)


def test_figure_9_counts_the_vocabulary() -> None:
    settings = [
        {"alpha": 1.0, "length": 512, "flipped": 0, "first": []},
        {"alpha": 50.0, "length": 16, "flipped": 3, "first": [["a", "b"], ["c", "d"]]},
    ]
    found = {"flipped tokens": settings, "vocabulary": 2048, "norms": [1.0]}
    data = data_of("figure9", "flips", lambda noisy, seed: json.dumps(found))
    assert data == {"settings": settings, "vocabulary": 2048}
    assert message("figure9", data) == (
        "Of 2,048 tokens, noise of alpha 1 on a sequence of 512 flips none; "
        "alpha 50 on one of 16 flips 3"
    )


def flips(*shares: float) -> Data:
    cells = [
        {"x": 10.0 * place, "value": share, "column": "a", "row": ""}
        for place, share in enumerate(shares, start=1)
    ]
    return {"cells": cells}


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ((0, 0, 5), "No token flips up to alpha 20; at alpha 30, 5.0% of it flip"),
        ((0, 0), "No token flips up to alpha 20"),
        ((1, 2), "At alpha 20, 2.0% of it flip"),
    ],
)
def test_flips_are_told_by_the_largest_alpha_without_and_with_them(
    shares: tuple[float, ...], text: str
) -> None:
    assert figure6.flip_message(flips(*shares), "it") == text


def test_of_the_alphas_at_which_nothing_flips_the_largest_alone_is_drawn() -> None:
    (axis,) = figure6.flip_map(flips(0, 0, 0.001, 2.5), "title", "name").axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["20", "30", "40"]
    assert [text.get_text() for text in axis.texts] == ["0", "< 0.01", "2.50"]
