"""The choices of learning rates and alphas: equal trials for both arms, and the best of them."""

import json
from pathlib import Path

import pytest

from experiments.published import TABLE_7_ALPHA, TABLE_9_ALPHA
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs import selection as selections
from experiments.runs.record import Record
from experiments.runs.selection import (
    PUBLISHED,
    Selection,
    alpha_pairs,
    freelb,
    load_selection,
    select,
    selection_file,
)
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.small import SMALL
from tests.experiments.records import write_record
from tests.paths import ROOT


def test_every_choice_is_the_best_of_three_trials(selection: Selection) -> None:
    assert set(selection.lr) == set(INSTRUCTION_SETS)
    assert set(selection.alpha) == {f"{model}/{d.role}" for model, d in alpha_pairs(NANO)}
    groups = (selection.lr, selection.alpha, selection.qlora_lr, {"freelb": selection.freelb})
    for choice in (choice for group in groups for choice in group.values()):
        assert len(choice.trials) == 3
        rates = {trial.value: trial.win_rate for trial in choice.trials}
        assert rates[choice.value] == max(rates.values())


def test_without_a_choice_of_their_own_the_real_scales_take_the_papers(workplace: Path) -> None:
    assert load_selection(PAPER) is load_selection(SMALL) is PUBLISHED
    for role, alpha in TABLE_7_ALPHA.items():
        assert PUBLISHED.alpha[f"llama-2-7b/{role}"].value == alpha
    for model, alpha in TABLE_9_ALPHA.items():
        assert PUBLISHED.alpha[f"{model}/evol-instruct"].value == alpha
    with pytest.raises(FileNotFoundError, match="no selection yet; make it with `make selection`"):
        load_selection(NANO)


def test_choices_that_are_recorded_are_kept_without_any_run(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    def nothing(records: list[Record], jobs: int | None) -> None:
        assert records == []

    path = selection_file(NANO)
    path.parent.mkdir(parents=True)
    committed = (ROOT / path).read_text()
    path.write_text(committed)
    monkeypatch.setattr(selections, "produce", nothing)
    assert select(NANO, None) == selection
    assert json.loads(path.read_text()) == json.loads(committed)


def test_the_best_value_is_chosen_and_the_smallest_of_equals(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    """Verdicts are made up: every run loses all its comparisons but those of QLoRA at 3e-3."""

    def judged(records: list[Record], jobs: int | None) -> None:
        for record in records:
            assert (record.condition, record.judge) == ("validation", "chatgpt")
            won = record.run.recipe.adapter == "qlora" and record.run.recipe.lr == 3e-3
            write_record(record, json.dumps([{"preference": 2 if won else 1}]))

    monkeypatch.setattr(selections, "produce", judged)
    chosen = select(NANO, None)
    assert {choice.value for choice in chosen.qlora_lr.values()} == {3e-3}
    assert {choice.value for choice in chosen.lr.values()} == {min(NANO.lr_grid)}
    assert {choice.value for choice in chosen.alpha.values()} == {5.0}
    assert load_selection(NANO) == chosen


def test_a_stronger_adversary_is_stronger_in_every_way() -> None:
    weak, strong = freelb(1.0), freelb(3.0)
    for field in ("magnitude", "step_size", "max_norm"):
        assert getattr(strong, field) == pytest.approx(3 * getattr(weak, field))
