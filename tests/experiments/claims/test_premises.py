"""The file of premises: complete, consistent, and refused where it is not."""

import subprocess

import pytest
import yaml  # type: ignore[import-untyped]

from experiments.cells.cell import records_of
from experiments.claims.finding import questions
from experiments.claims.measures import MEASURES
from experiments.claims.premises import CHOSEN, FILE, PREMISES, PremiseError, last_changed, read
from experiments.names import UnknownNameError
from experiments.published import ALPHA_GRID
from experiments.runs.real_models import REAL_MODELS
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.paper import PAPER
from experiments.scales.small import SMALL
from tests.paths import ROOT

PAPERS = [f"{alpha:g}" for alpha in ALPHA_GRID]
ENTRY = {
    "id": "loss",
    "group": "Overfitting",
    "text": "Training loss goes up",
    "published": "{TABLE_1[+NEFT][average]:.1f}",
    "measure": "loss on the training set",
    "direction": "rises",
    "margin": 0.01,
    "because": "of a reason",
    "alphas": [5],
    "seeds": 1,
    "registered": True,
}


def text(**changes: object) -> str:
    return str(yaml.safe_dump({"claims": [ENTRY | changes]}))


def test_every_claim_has_all_that_a_verdict_rests_on() -> None:
    for premise in PREMISES:
        assert premise.margin > 0
        assert premise.because
        assert premise.published
        assert set(premise.alphas) <= {*PAPERS, CHOSEN}
        assert 1 <= premise.seeds <= 5
        if premise.direction in ("stays", "does not rise") and premise.id != "flips":
            assert premise.least_dose == 0.03
    assert [p.id for p in PREMISES if p.least_dose is None] == ["flips"]


def test_what_concerns_noise_is_asked_at_every_alpha_and_by_both_judges() -> None:
    named = {premise.id: premise for premise in PREMISES if "paper" in premise.scales}
    others = {"uniform", "attention", "epochs", "qlora", "flips"}
    for name in named.keys() - others:
        assert named[name].alphas == (*PAPERS, CHOSEN), name
    for premise in named.values():
        if premise.judges and not premise.id.startswith("length"):
            assert premise.judges == ("oracle", "gpt-4"), premise.id


def test_claims_on_real_models_are_asked_of_both_at_every_alpha_of_the_paper() -> None:
    real = [premise for premise in PREMISES if premise.scales == ("small",)]
    assert {premise.alphas for premise in real} == {tuple(PAPERS)}
    study = Study(SMALL, 3, PUBLISHED)
    asked = questions(PREMISES, study)
    assert {question.premise.id for question in asked} == {premise.id for premise in real}
    for question in asked:
        models = [part.cells[0].groups[0][0].model for part in question.parts]
        assert models == list(REAL_MODELS)


def test_a_judge_that_is_blind_to_length_is_not_asked_about_equal_length() -> None:
    for premise in PREMISES:
        if "equal length" in premise.measure:
            assert "oracle" not in premise.judges


def test_every_question_reads_records_with_its_own_alpha_and_at_most_its_seeds(
    study: Study,
) -> None:
    for question in questions(PREMISES, study):
        runs = {record.run for record in records_of(question.cells)}
        assert runs, question.premise.id
        assert {run.seed for run in runs} <= set(range(question.premise.seeds))
        if question.alpha != CHOSEN and question.premise.id != "flips":
            alphas = {run.noise.alpha for run in runs}
            assert alphas <= {0, float(question.alpha)}
            assert float(question.alpha) in alphas


def test_where_a_scale_lacks_a_judge_the_others_are_asked(study: Study) -> None:
    from dataclasses import replace

    asked = questions(PREMISES, replace(study, scale=PAPER))
    assert {question.judge for question in asked} == {"", "gpt-4"}


def test_published_numbers_are_filled_in() -> None:
    (premise,) = read(text())
    assert premise.published == "72.8"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    (
        ({"mesure": 1}, PremiseError, "claim loss: .*mesure"),
        ({"published": "{TABLE_99[a]}"}, PremiseError, "claim loss: .*TABLE_99"),
        ({"measure": "loss on the training sets"}, UnknownNameError, "did you mean loss on the"),
        ({"direction": "raises"}, UnknownNameError, "did you mean rises"),
        ({"judges": ["gpt-4"]}, PremiseError, "its measure and its judges do not fit"),
        ({"registered": "false"}, PremiseError, "registered must be true or false, not 'false'"),
        ({"limits": [85, 20]}, PremiseError, "limits must be two rising per cents"),
        ({"limits": [0.2, 0.85]}, PremiseError, "limits are per cents, not shares"),
        ({"alphas": "15"}, PremiseError, "claim loss: alphas is no list"),
        ({"alphas": []}, PremiseError, "alphas are missing"),
        ({"alphas": [7]}, PremiseError, "alphas may be 5, 10, 15, chosen, not 7"),
        ({"least dose": "1e-2"}, PremiseError, "least dose must be a number, not '1e-2'"),
        ({"margin": None}, PremiseError, "margin must be a number, not None"),
        ({"seeds": 0}, PremiseError, "seeds must be a number from 1 on, not 0"),
    ),
)
def test_an_entry_that_cannot_be_judged_is_refused(
    changes: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read(text(**changes))


@pytest.mark.parametrize("content", ("", "claims: []", "claims: loss", "[]"))
def test_a_file_without_claims_is_refused(content: str) -> None:
    with pytest.raises(PremiseError, match="no list of claims"):
        read(content)


def test_two_claims_of_one_name_are_refused() -> None:
    with pytest.raises(PremiseError, match="same id"):
        read(str(yaml.safe_dump({"claims": [ENTRY, ENTRY]})))


def test_no_measure_is_there_that_no_claim_uses() -> None:
    used = {premise.measure for premise in PREMISES}
    used |= {premise.gain.measure for premise in PREMISES if premise.gain}
    assert used == set(MEASURES)


def test_it_says_when_the_file_was_last_changed() -> None:
    found = last_changed("nano")
    asked = ["git", "hash-object", str(FILE)]
    assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert len(found["sha256"]) == 64
    assert found["commit"]
