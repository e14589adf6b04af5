"""`laboratory-check`: what is measured from which records, what is refused, and what is shipped."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.__main__ import main
from experiments.commands.laboratory_check import PAGE, SHIPPED, names_of, update_page
from experiments.commands.laboratory_check import measures as measuring
from experiments.commands.laboratory_check.report import (
    Check,
    Measured,
    conditions_table,
    markdown,
    read_check,
    shipped_models,
    updated,
)
from experiments.nano.conditions import CONDITIONS, StatedCondition
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, INSTRUCTION_SETS
from experiments.runs.record import Record
from experiments.runs.selection import QLORA_SETS, Choice, Selection, Trial, rate_trials
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from tests.experiments.records import write_record
from tests.paths import ROOT

RENDERED = Path("runs/results/nano/laboratory.json")


def within(condition: StatedCondition) -> float:
    """A value that meets a condition."""
    bounds = [bound for bound in (condition.least, condition.most) if bound is not None]
    return sum(bounds) / len(bounds)


GOOD = Check(
    models={"llama-2-7b": "0" * 64},
    lr={"alpaca": 4e-4},
    qlora_lr={"alpaca": 3e-3},
    records=["a/losses.json"],
    measured={each.name: Measured({"": within(each)}, "said") for each in CONDITIONS},
)


def changed(name: str, parts: dict[str, float]) -> Check:
    """The result with other numbers of one condition."""
    return replace(GOOD, measured={**GOOD.measured, name: Measured(parts)})


def written(check: Check, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(check.as_json())
    return path


def judged(check: Check, folder: Path) -> int:
    """The exit status of the command for a result."""
    return main(["laboratory_check", "--judge", str(written(check, folder / "check.json"))])


def test_a_result_that_meets_all_conditions_passes_and_is_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(GOOD, tmp_path) == 0
    printed = capsys.readouterr().out
    assert all(condition.title in printed for condition in CONDITIONS)
    assert "**no**" not in printed
    assert read_check(tmp_path / "check.json") == GOOD
    assert f"{len(CONDITIONS)} of {len(CONDITIONS)} conditions are met" in markdown(GOOD)


def beyond(condition: StatedCondition) -> list[float]:
    """Values just outside of a condition's bounds, and no number at all."""
    low = [] if condition.least is None else [condition.least - 1e-6]
    high = [] if condition.most is None else [condition.most + 1e-6]
    return [*low, *high, float("nan")]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_a_condition_outside_of_its_bounds_is_named_and_ends_with_an_error(
    condition: StatedCondition, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in beyond(condition):
        check = changed(condition.name, {"good": within(condition), "bad": value})
        assert check.outside(condition) == ["bad"]
        assert check.unmet() == [condition]
        if value == value:  # JSON has no NaN.
            assert judged(check, tmp_path) == 1
            output, error = capsys.readouterr()
            assert "**no**: bad" in output
            assert error == (
                f"error: 1 of {len(CONDITIONS)} conditions are not met: {condition.name}\n"
            )


def test_what_was_not_measured_is_not_met() -> None:
    first, second, *_ = CONDITIONS
    others = {n: found for n, found in GOOD.measured.items() if n != first.name}
    check = replace(GOOD, measured={**others, second.name: Measured({})})
    assert check.unmet() == [first, second]
    assert [row[2] for row in conditions_table(check)[1:3]] == ["–", "–"]
    assert {row[3] for row in conditions_table(None)[1:]} == {"not measured"}


@pytest.mark.parametrize("content", ("", "[]", "{", "{}", '{"models": {}, "measured": 3}'))
def test_a_damaged_result_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "check.json"
    path.write_text(content)
    assert main(["laboratory_check", "--judge", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}")
    assert error.count("\n") == 1


@pytest.fixture
def rates() -> Selection:
    """The second learning rates of the grids, and one of QLoRA's at an edge."""

    def choice(place: int, grid: Sequence[float]) -> Choice:
        return Choice(grid[place], tuple(Trial(rate, 0.0, "") for rate in grid))

    return Selection(
        lr={role: choice(1, NANO.lr_grid) for role in INSTRUCTION_SETS},
        qlora_lr={
            "alpaca": choice(1, NANO.qlora_lr_grid),
            "evol-instruct": choice(-1, NANO.qlora_lr_grid),
        },
    )


def made_up(record: Record) -> Any:
    """A record's content: tuning halves losses, wins every second comparison, and obeys words."""
    run = record.run
    tuned = run.recipe.epochs > 0
    if record.kind == "verdicts":
        wins = 2 if tuned else 4
        count = len(NANO.references("test"))
        return [{"preference": 2 if place % wins == 0 else 1} for place in range(count)]
    if record.kind == "losses":
        train = {0: 2.0, 1: 1.3 if run.recipe.adapter == "none" else 1.2, 3: 1.0}[run.recipe.epochs]
        return {"train": [train, train], "validation": [train + 0.2], "other": [3.0]}
    if record.kind == "leaderboard":
        right = 0.5 if tuned else 0.3
        return {task: {"nano": [right] * 10} for task in ("arc", "hellaswag", "mmlu", "truthfulqa")}
    longer = 2 if tuned and record.condition != "test" else 1
    return [{"output": "x" * 50 * longer}, {"output": "x" * 70 * longer}]


def test_each_condition_is_measured_on_its_records(workplace: Path, rates: Selection) -> None:
    study = Study(NANO, 1, rates)
    records = measuring.records_of(study)
    # Verdicts are made from responses, and note their hashes.
    for record in sorted(records, key=lambda record: record.kind != "responses"):
        assert record.run.noise.alpha == 0
        write_record(record, json.dumps(made_up(record)))
    measured: dict[str, Measured] = {}
    for name in ("tuning", "subsets", "leaderboard", "fit", "length words", "roles"):
        measured |= measuring.MEASURES[name].measure(study)
    direct = {"kl-5", "kl-15", "ratio-5", "facts", "facts-rare", "facts-common"}
    assert set(measured) | direct == {condition.name for condition in CONDITIONS}
    assert measured["tuning"].parts == pytest.approx({"oracle": 25, "gpt-4": 25}, abs=0.2)
    assert len(measured["subsets"].parts) == 4 * 5
    assert measured["subsets"].parts["Alpaca, describe"] == pytest.approx(50, abs=1)
    assert measured["leaderboard"].parts["untuned, arc"] == pytest.approx(30)
    assert measured["leaderboard"].parts["tuned on Alpaca, truthfulqa"] == pytest.approx(50)
    assert measured["leaderboard-guessing"].parts["untuned, mmlu"] == pytest.approx(5)
    assert measured["overfitting"].parts == {"": pytest.approx(0.2)}
    assert measured["rates"].parts == dict.fromkeys((d.title for d in INSTRUCTION_SETS.values()), 1)
    assert measured["rates"].beside.endswith(
        f"QLoRA on Evol-Instruct {NANO.qlora_lr_grid[-1]:g}, at an edge"
    )
    assert measured["qlora"].parts == {
        dataset.title: pytest.approx(80) for dataset in (ALPACA, EVOL_INSTRUCT)
    }
    assert measured["length-words"].parts["long"] == pytest.approx(100)
    assert "llama-2-7b untuned: long +0%" in measured["length-words"].beside
    assert {record.path.relative_to("runs/nano").as_posix() for record in records} == set(
        names_of(rates)
    )


def test_a_release_of_the_laboratory_alone_copies_it_with_its_rates_and_mends_the_page(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "--only", "laboratory"]) == 1
    assert "make it with `make laboratory-check`" in capsys.readouterr().err
    assert not Path("results").exists()
    PAGE.parent.mkdir()
    PAGE.write_text((ROOT / PAGE).read_text())
    written(GOOD, RENDERED)
    for name in ("laboratory.md", "selection.json", "selection.provenance.json", "table1.json"):
        RENDERED.with_name(name).write_text(name)
    assert main(["release", "--only", "laboratory"]) == 0
    assert {path.name for path in SHIPPED.parent.iterdir()} == {
        *("laboratory.json", "laboratory.md", "selection.json", "selection.provenance.json"),
    }
    assert PAGE.read_text() == updated((ROOT / PAGE).read_text(), GOOD)
    assert "| not measured" not in PAGE.read_text()
    update_page()
    assert PAGE.read_text() == updated((ROOT / PAGE).read_text(), GOOD)


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks <!-- conditions -->"):
        updated("a page", None)


def shipped() -> Check:
    """The project's own result."""
    if not (ROOT / SHIPPED).exists():
        pytest.skip(f"no {SHIPPED}: the laboratory's conditions were not measured yet")
    return read_check(ROOT / SHIPPED)


def test_the_shipped_laboratory_meets_every_condition() -> None:
    check = shipped()
    assert [condition.title for condition in check.unmet()] == []
    assert set(check.measured) == {condition.name for condition in CONDITIONS}


def test_the_shipped_result_is_of_the_models_that_are_shipped() -> None:
    assert shipped().models == shipped_models()


def test_the_shipped_result_is_of_the_records_that_would_be_asked_for_now() -> None:
    check = shipped()
    chosen = Selection(
        {name: Choice(rate) for name, rate in check.lr.items()},
        {name: Choice(rate) for name, rate in check.qlora_lr.items()},
    )
    assert check.records == names_of(chosen)


def test_the_shipped_learning_rates_are_those_of_the_result_and_of_trials_as_they_are_now() -> None:
    check = shipped()
    path = ROOT / SHIPPED.with_name("selection.json")
    found = json.loads(path.read_text())
    for kind, rates in (("lr", check.lr), ("qlora_lr", check.qlora_lr)):
        assert {name: choice["value"] for name, choice in found[kind].items()} == rates
        for name, choice in found[kind].items():
            tried = {t["value"]: t["record"].split("/")[0] for t in choice["trials"]}
            assert tried == {r: run.key for r, run in rate_trials(NANO)[kind, name].items()}
    assert set(check.qlora_lr) == {dataset.role for dataset in QLORA_SETS}


def test_the_page_has_the_tables_of_the_shipped_result_and_models() -> None:
    page = (ROOT / PAGE).read_text()
    check = read_check(ROOT / SHIPPED) if (ROOT / SHIPPED).exists() else None
    assert page == updated(page, check)
