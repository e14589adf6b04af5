"""The choices of learning rates and alphas: the best of equal trials, by losses and by a judge."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.published import ALPHA_GRID, TABLE_7_ALPHA, TABLE_9_ALPHA
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs import selection as selections
from experiments.runs.record import Record
from experiments.runs.selection import (
    FREELB_STRENGTHS,
    HELD_OUT_LOSS,
    PUBLISHED,
    RATES,
    WIN_RATE,
    Choice,
    Selection,
    SelectionError,
    alpha_pairs,
    freelb,
    load_selection,
    select,
    select_rates,
    selection_file,
)
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.small import SMALL
from tests.experiments.records import write_record


def choices(selection: Selection) -> Iterator[tuple[str, Choice]]:
    """Every choice, by its kind."""
    for kind in ("lr", "qlora_lr", "alpha"):
        yield from ((kind, choice) for choice in getattr(selection, kind).values())
    if selection.freelb is not None:
        yield "freelb", selection.freelb


def test_every_choice_is_the_best_of_its_trials(selection: Selection) -> None:
    assert set(selection.lr) == set(INSTRUCTION_SETS)
    assert set(selection.alpha) == {f"{model}/{d.role}" for model, d in alpha_pairs(NANO)}
    tried = {
        "lr": NANO.lr_grid,
        "qlora_lr": NANO.qlora_lr_grid,
        "alpha": ALPHA_GRID,
        "freelb": FREELB_STRENGTHS,
    }
    for kind, choice in choices(selection):
        measured = {trial.value: trial.measured for trial in choice.trials}
        assert tuple(measured) == tried[kind]
        best, by = (min, HELD_OUT_LOSS) if kind in RATES else (max, WIN_RATE)
        assert choice.by == by
        assert measured[choice.value] == best(measured.values())


def test_without_a_choice_of_their_own_the_real_scales_take_the_papers(workplace: Path) -> None:
    assert load_selection(PAPER) is load_selection(SMALL) is PUBLISHED
    for role, alpha in TABLE_7_ALPHA.items():
        assert PUBLISHED.alpha[f"llama-2-7b/{role}"].value == alpha
    for model, alpha in TABLE_9_ALPHA.items():
        assert PUBLISHED.alpha[f"{model}/evol-instruct"].value == alpha
    with pytest.raises(FileNotFoundError, match="no selection yet; make it with `make selection`"):
        load_selection(NANO)


LOSSES = {
    adapter: {rate: 1.1 if place in (1, 2) else 1.3 for place, rate in enumerate(grid)}
    for adapter, grid in (("none", NANO.lr_grid), ("qlora", NANO.qlora_lr_grid))
}
"""Made-up held-out losses by adapter and learning rate: the second and the third are lowest."""


def made_up(records: list[Record], jobs: int | None) -> None:
    """Write losses as above, and verdicts by which alpha 15 and the strength 3 win most."""
    for record in records:
        run = record.run
        if record.kind == "losses":
            assert (run.noise.alpha, run.recipe.freelb) == (0, None)
            loss = LOSSES[run.recipe.adapter][run.recipe.lr]
            write_record(record, json.dumps({"train": [9.0], "validation": [loss], "other": [0.0]}))
        else:
            assert (record.condition, record.judge) == ("validation", "gpt-4")
            won = run.noise.alpha == 15 or run.recipe.freelb == freelb(3.0)
            write_record(record, json.dumps([{"preference": 2 if won else 1}]))


@pytest.fixture
def chosen(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """What is chosen from the made-up records."""
    monkeypatch.setattr(selections, "produce", made_up)
    return select(NANO, None)


def test_rates_have_the_lowest_held_out_loss_alphas_the_most_wins_and_of_equals_the_smallest(
    chosen: Selection,
) -> None:
    assert {choice.value for choice in chosen.lr.values()} == {NANO.lr_grid[1]}
    assert {choice.steps_from_edge for choice in chosen.lr.values()} == {1}
    assert {choice.value for choice in chosen.qlora_lr.values()} == {NANO.qlora_lr_grid[1]}
    assert {choice.value for choice in chosen.alpha.values()} == {15.0}
    assert {choice.steps_from_edge for choice in chosen.alpha.values()} == {0}
    assert chosen.freelb is not None
    assert chosen.freelb.value == 3.0
    assert load_selection(NANO) == chosen


def test_choices_that_are_recorded_are_kept_without_any_run(
    chosen: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(records: list[Record], jobs: int | None) -> None:
        assert records == []

    monkeypatch.setattr(selections, "produce", nothing)
    before = selection_file(NANO).read_text()
    assert select(NANO, None) == chosen
    assert selection_file(NANO).read_text() == before


def test_a_choice_whose_trials_are_other_ones_now_is_made_anew(
    chosen: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Record] = []

    def noted(records: list[Record], jobs: int | None) -> None:
        made.extend(records)
        made_up(records, jobs)

    path = selection_file(NANO)
    recorded = json.loads(path.read_text())
    recorded["qlora_lr"]["alpaca"]["trials"][0]["record"] = "another"
    path.write_text(json.dumps(recorded))
    monkeypatch.setattr(selections, "produce", noted)
    assert select(NANO, None) == chosen
    assert {(r.run.recipe.adapter, r.run.dataset.role) for r in made} == {("qlora", "alpaca")}


def test_learning_rates_alone_are_chosen_without_any_noise(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_noise(records: list[Record], jobs: int | None) -> None:
        assert {record.run.noise.alpha for record in records} == {0}
        made_up(records, jobs)

    monkeypatch.setattr(selections, "produce", without_noise)
    rates = select_rates(NANO, None)
    assert {choice.value for choice in rates.lr.values()} == {NANO.lr_grid[1]}
    assert rates.alpha == {}
    with pytest.raises(SelectionError, match="no alphas; choose those with `make selection`"):
        load_selection(NANO)


def test_a_stronger_adversary_is_stronger_in_every_way() -> None:
    weak, strong = freelb(1.0), freelb(3.0)
    for field in ("magnitude", "step_size", "max_norm"):
        assert getattr(strong, field) == pytest.approx(3 * getattr(weak, field))
