"""The claims as data, and the committed ones."""

import json

import pytest

from experiments.cells.cell import records_of
from experiments.claims.questions import ON_NOISE, QUESTIONS
from experiments.runs.study import Study
from tests.paths import ROOT


def test_every_claim_names_what_was_published_and_what_is_measured(study: Study) -> None:
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        assert question.published
        assert question.quantity
        assert records_of(question.cells(study))


def test_claims_about_the_chosen_alphas_are_asked_under_strong_noise_too(study: Study) -> None:
    strong = study.with_alpha(45)
    for question in ON_NOISE:
        alphas = {record.run.noise.alpha for record in records_of(question.cells(strong))}
        assert alphas == {0, 45}, question.text


@pytest.mark.parametrize("name", ("claims", "claims_strongnoise"))
def test_the_committed_claims_are_those_of_the_code(name: str) -> None:
    questions = QUESTIONS if name == "claims" else ON_NOISE
    committed = json.loads((ROOT / "results" / "nano" / f"{name}.json").read_text())
    fields = ("text", "published", "quantity", "direction", "margin")
    assert [[claim[field] for field in fields] for claim in committed] == [
        [getattr(question, field) for field in fields] for question in questions
    ]
    page = (ROOT / "results" / "nano" / "README.md").read_text()
    for claim in committed:
        assert f"| {claim['text']}" in page
