"""From records to verdicts, on numbers made by hand: premises, averages, parts, and the page."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]

from experiments.claims.finding import Finding, Question, find, questions
from experiments.claims.page import (
    beside_the_paper,
    by_chance,
    claims_data,
    claims_text,
    message,
    summary_rows,
    write_claims,
)
from experiments.claims.premises import PREMISES, read
from experiments.claims.published_changes import PUBLISHED_CHANGES
from experiments.claims.rule import UNTESTABLE
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from tests.experiments.claims.test_premises import ENTRY
from tests.experiments.records import write_record

Shares = Callable[[Run, int], float]
"""For a run and the number of an instruction, the preference from 1 to 2."""
LOSS = {"least dose": 0.01}
WINS: dict[str, Any] = {
    "measure": "win rate, four sets",
    "margin": 1.0,
    "least dose": 0.01,
    "limits": [20, 85],
    "judges": ["gpt-4"],
    "seeds": 2,
}
ITEMS = 240


def asked(study: Study, *entries: dict[str, Any]) -> list[Question]:
    """Questions on claims like the file's."""
    claims = [ENTRY | {"id": f"claim {n}"} | entry for n, entry in enumerate(entries)]
    return questions(read(yaml.safe_dump({"claims": claims})), study)


def write_dose(question: Question, kl: float) -> None:
    for record in question.doses:
        content = {"kl": {f"{alpha:g}": {"value": kl * alpha / 5} for alpha in (5, 10, 15)}}
        write_record(record, json.dumps(content))


def write_losses(question: Question, rise: float) -> None:
    """Losses of two seeds, which alpha raises a little."""
    rng = np.random.default_rng(0)
    hard = rng.uniform(0.5, 1.5, ITEMS)
    for cell in question.cells:
        for run in cell.groups[0]:
            noise = rng.normal(0, 0.001, ITEMS)
            losses = list(hard + rise * run.noise.alpha / 5 + noise)
            content = json.dumps({"train": losses, "other": losses})
            write_record(Record(run, "losses"), content)
            write_settings(run)


def write_settings(run: Run) -> None:
    execution = asdict(NANO.execution(run.model, run.recipe))
    content = {"examples": 500, "recipe": asdict(run.recipe), "execution": execution}
    write_record(Record(run, "settings"), json.dumps(content))


def write_verdicts(question: Question, preference: Shares) -> None:
    for cell in question.cells:
        for runs in cell.groups:
            for record in cell.records(runs, "verdicts"):
                rows = [{"preference": preference(record.run, n)} for n in range(ITEMS)]
                write_record(record, json.dumps(rows))
                write_settings(record.run)


def won(share: float) -> Shares:
    """Without noise a share of the instructions is won, with noise a tenth more of all of them."""

    def preference(run: Run, number: int) -> float:
        gain = 0.1 if run.noise.alpha else 0.0
        return 1.0 + ((number * 7 % ITEMS) / ITEMS < share + gain)

    return preference


def found(question: Question) -> tuple[str, str]:
    finding = find(question)
    return finding.verdict, finding.reason


@pytest.mark.parametrize(
    ("rise", "verdict"),
    ((0.05, "holds"), (0.005, "holds, but negligible"), (-0.05, "does not hold")),
)
def test_a_verdict_is_that_of_the_paired_difference(
    workplace: Path, study: Study, rise: float, verdict: str
) -> None:
    (question,) = asked(study, LOSS | {"seeds": 2})
    write_losses(question, rise)
    write_dose(question, 0.02)
    finding = find(question)
    assert finding.verdict == verdict
    assert finding.estimate.value == pytest.approx(rise, abs=0.001)
    assert finding.estimate.low < finding.estimate.value < finding.estimate.high


def test_below_the_least_dose_nothing_is_tested(workplace: Path, study: Study) -> None:
    weak, strong = asked(study, LOSS | {"seeds": 2, "alphas": [5, 15]})
    for question in (weak, strong):
        write_losses(question, 0.05)
        write_dose(question, 0.004)
    assert found(weak) == ("not testable here", "the dose is 0.004 nats, below 0.01")
    assert found(strong) == ("holds", "")


def test_an_average_shows_its_parts_and_names_those_that_it_leaves_out(
    workplace: Path, study: Study
) -> None:
    (question,) = asked(study, WINS)
    write_dose(question, 0.02)

    def preference(run: Run, number: int) -> float:
        share = 0.88 if run.dataset.role == "sharegpt" else 0.4
        return won(share)(run, number)

    write_verdicts(question, preference)
    finding = find(question)
    assert finding.verdict == "holds"
    assert finding.left_out == ("ShareGPT",)
    assert finding.estimate.value == pytest.approx(10, abs=0.1)
    verdicts = {part.title: part.verdict for part in finding.parts}
    assert verdicts.pop("ShareGPT") == "not testable here"
    assert set(verdicts.values()) == {"holds"}
    assert "a ceiling: 88.3% in the arm compared with, above 85%" in {
        part.reason for part in finding.parts
    }


def test_an_average_with_most_parts_at_a_floor_is_not_testable(
    workplace: Path, study: Study
) -> None:
    (question,) = asked(study, WINS)
    write_dose(question, 0.02)
    write_verdicts(question, lambda run, n: won(0.1)(run, n))
    verdict, reason = found(question)
    assert verdict == "not testable here"
    assert reason == "4 of 4 parts: a floor: 10.0% in the arm compared with, below 20%"


def test_without_a_gain_there_is_nothing_to_explain(workplace: Path, study: Study) -> None:
    gain = {"measure": "win rate, four sets", "least": 15.0, "otherwise": "no gain to explain"}
    small, large = asked(study, WINS | {"gain": gain}, WINS | {"gain": gain | {"least": 5.0}})
    write_dose(small, 0.02)
    write_verdicts(small, won(0.4))
    assert found(small) == ("not testable here", "no gain to explain")
    assert found(large) == ("holds", "")


def write_rival(question: Question, noisy_loss: Callable[[Run], float]) -> None:
    """Per epoch, training without noise loses 0.1 nats and wins 12 points; noise wins 60%."""
    write_dose(question, 0.02)
    shares = {3: 0.6, 2: 0.48, 1: 0.36}
    runs = {run for part in question.parts for cell in part.cells for run in cell.groups[0]}
    for run in runs:
        noisy = run.noise.alpha > 0
        loss = noisy_loss(run) if noisy else 1 - 0.1 * run.recipe.epochs
        share = 0.6 if noisy else shares[run.recipe.epochs]
        losses = [loss + 0.002 * (n % 2 - 0.5) for n in range(40)]
        content = {"train": losses, "validation": losses, "other": losses}
        write_record(Record(run, "losses"), json.dumps(content))
        rows = [{"preference": 1.0 + (n / ITEMS < share)} for n in range(ITEMS)]
        write_record(Record(run, "responses"), "[]")
        write_record(Record(run, "verdicts", judge="gpt-4"), json.dumps(rows))


@pytest.mark.parametrize("which", ("held-out", "training"))
def test_a_rival_is_met_where_its_loss_is_that_of_the_noise(
    workplace: Path, study: Study, which: str
) -> None:
    measure = f"noise against fewer epochs, same {which} loss"
    (question,) = asked(study, WINS | {"measure": measure, "limits": [0, 100], "seeds": 2})
    write_rival(question, lambda run: 0.75)
    finding = find(question)
    # At the loss of 2.5 epochs the rival wins 54%.
    assert finding.estimate.value == pytest.approx(60 - 54, abs=1)
    assert finding.verdict == "holds"


def test_noise_below_every_loss_of_a_rival_is_said_to_be_below(
    workplace: Path, study: Study
) -> None:
    measure = "noise against fewer epochs, same held-out loss"
    (question,) = asked(study, WINS | {"measure": measure, "limits": [0, 100], "seeds": 2})
    write_rival(question, lambda run: 0.69)
    why = "the noise's loss on held-out rows is lower than that of any of its settings"
    verdict, reason = found(question)
    assert (verdict, reason) == ("not testable here", f"2 of 2 parts: {why}")


def test_a_set_on_which_the_losses_never_meet_is_left_out(workplace: Path, study: Study) -> None:
    measure = "noise against fewer epochs, same held-out loss"
    (question,) = asked(study, WINS | {"measure": measure, "limits": [0, 100], "seeds": 2})
    write_rival(question, lambda run: 0.75 if run.dataset.role == "alpaca" else 0.95)
    finding = find(question)
    assert finding.verdict == "holds"
    assert finding.left_out == ("Evol-Instruct",)
    (claim,) = claims_data([finding], study)["claims"]
    assert summary_rows([claim])[1][-1] == "holds (1 of 2 parts)"


def test_the_largest_of_several_parts_has_its_own_interval(workplace: Path, study: Study) -> None:
    premise = {
        "measure": "flipped tokens of every base model",
        "direction": "does not rise",
        "margin": 0.1,
        "seeds": 1,
    }
    (question,) = asked(study, premise)
    for place, part in enumerate(question.parts):
        run = part.cells[0].groups[0][0]
        shares = [float(place), float(place) + 0.5] * 20
        content = {"share of each training example, %": {"5": shares}}
        write_record(Record(run, "flips"), json.dumps(content))
    finding = find(question)
    assert finding.estimate.value == pytest.approx(len(question.parts) - 1 + 0.25)
    assert finding.estimate.low > len(question.parts) - 1
    assert finding.verdict == "does not hold"


def findings(study: Study) -> list[Finding]:
    """The findings on two claims, one of them exploratory and asked at two alphas."""
    wins, *losses = asked(
        study, WINS, LOSS | {"seeds": 2, "alphas": [5, "chosen"], "registered": False}
    )
    write_dose(wins, 0.02)
    write_verdicts(wins, won(0.4))
    for question in losses:
        write_losses(question, 0.05)
    return [find(question) for question in (wins, *losses)]


def test_the_page_has_each_verdict_its_parts_and_what_is_exploratory(
    workplace: Path, study: Study
) -> None:
    study = study.with_alpha(5)
    data = claims_data(findings(study), study)
    text = claims_text(data)
    assert data["judges"] == {"gpt-4": NANO.describe_judge("gpt-4")}
    assert "Training loss goes up (exploratory)" in text
    assert "Training loss goes up, judge gpt-4 |" in " ".join(text.split())
    for part in ("Alpaca", "Evol-Instruct", "ShareGPT", "OpenPlatypus"):
        assert any(
            line.startswith(f"| {part} ") and "**holds** +10" in line and "{0.02}" in line
            for line in text.splitlines()
        ), part
    assert by_chance(data) in text
    head, *rows = summary_rows(data["claims"])
    assert head == ["claim", "judge", "alpha 5", "alpha chosen"]
    assert rows == [
        ["Training loss goes up", "gpt-4", "holds", ""],
        ["Training loss goes up (exploratory)", "", "holds", "holds"],
    ]


def test_a_chosen_alpha_that_equals_another_is_counted_once(workplace: Path, study: Study) -> None:
    study = study.with_alpha(5)
    data = claims_data(findings(study), study)
    assert [len(claim["findings"]) for claim in data["claims"]] == [1, 2]
    assert sum(data["verdicts"].values()) == 2
    assert message(data) == "2 of 2 testable verdicts hold"
    assert "There are 2 verdicts" in by_chance(data)
    assert "at most about 0.1 of them" in by_chance(data)


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-2.0, 15.0), "in 0 of them it lies within the interval of what was measured here, in 1"),
        ((-2.0, 15.2), "in 1 of them it lies within the interval of what was measured here, in 0"),
    ],
)
def test_the_papers_change_lies_within_an_interval_or_outside(
    ends: tuple[float, float], text: str
) -> None:
    found = {"low": ends[0], "high": ends[1], "verdict": "not resolved"}
    found |= {"left_out": [], "alphas": [5.0]}
    change = PUBLISHED_CHANGES["conversation"]
    assert change == pytest.approx(72.80 - 57.71)
    others = [
        {**found, "alphas": [10.0], "verdict": UNTESTABLE},
        {**found, "alphas": [15.0], "left_out": ["Alpaca"]},
        {**found, "alpha": "chosen"},
    ]
    claims = [
        {"published_change": change, "judge": "gpt-4", "findings": [found, *others]},
        {"published_change": change, "judge": "oracle", "findings": [found]},
        {"published_change": None, "judge": "gpt-4", "findings": [found]},
    ]
    assert text in beside_the_paper({"claims": claims})
    assert beside_the_paper({"claims": claims[1:]}) == ""


def test_every_published_change_is_one_of_a_claim_and_has_its_sign() -> None:
    named = {premise.id: premise for premise in PREMISES}
    assert PUBLISHED_CHANGES.keys() <= named.keys()
    for name, change in PUBLISHED_CHANGES.items():
        rises = named[name].direction == "rises"
        assert change > 0 if rises else change < named[name].margin, name


def test_everything_is_written_and_says_when_its_premises_were(
    workplace: Path, study: Study
) -> None:
    (question,) = asked(study, LOSS | {"seeds": 2})
    write_losses(question, 0.05)
    write_dose(question, 0.02)
    data = write_claims([question], study, workplace)
    assert json.loads((workplace / "claims.json").read_text())["verdicts"] == data["verdicts"]
    assert (workplace / "claims.md").read_text() == f"# Claims\n\n{claims_text(data)}\n"
    provenance = json.loads((workplace / "claims.provenance.json").read_text())
    assert provenance["command"] == "make claims"
    assert set(provenance["premises"]) == {"sha256", "commit", "code"}
    assert {run.key for cell in question.cells for run in cell.groups[0]} <= set(
        provenance["seconds"]
    )
    for suffix in ("png", "svg"):
        assert (workplace / f"claims.{suffix}").stat().st_size > 0
