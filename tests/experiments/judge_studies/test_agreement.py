"""The judges are as often right as the published agreement of those whose roles they play."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.cells.markdown import markdown_table
from experiments.judge_studies.agreement import (
    HEADER,
    constants,
    fickleness,
    implied,
    majority,
    published,
    pull,
    reference_pairs,
    rows,
)
from experiments.nano.oracle import Taste, taste
from tests.paths import ROOT

shares = st.floats(0.55, 0.99)
DOCUMENT = (ROOT / "docs" / "judges.md").read_text()


def test_the_document_holds_the_measured_table() -> None:
    assert markdown_table([HEADER, *rows()]) in DOCUMENT


def test_the_document_says_that_the_longer_answer_agrees_more_than_chatgpt() -> None:
    longest, named, other = (
        published(name).agreement for name in ("longest", "chatgpt", "chatgpt_fn")
    )
    assert named < other < longest
    assert f"agrees with people {longest:.1%}, more often than" in DOCUMENT
    assert f"`chatgpt` ({named:.1%}) and `chatgpt_fn` ({other:.1%})" in DOCUMENT


def test_the_configurations_hold_what_the_rule_gives() -> None:
    rule = constants()
    gpt_4, chatgpt = taste("gpt_4_role"), taste("chatgpt_role")
    assert gpt_4 is not None
    assert chatgpt is not None
    assert gpt_4.sharpness == chatgpt.sharpness == round(rule.sharpness, 1)
    assert gpt_4.length_preference == chatgpt.length_preference == round(rule.length_preference, 2)
    assert (gpt_4.fickleness, chatgpt.fickleness) == (0, round(rule.fickleness, 2))


def test_the_length_preference_is_below_what_was_fitted_with_content_in_it() -> None:
    gpt_4 = taste("gpt_4_role")
    assert gpt_4 is not None
    fitted = re.search(r"\| tanh of log ratio +\|.* (\d\.\d\d) \[", DOCUMENT)
    assert fitted is not None
    assert 0 < gpt_4.length_preference < float(fitted[1])


@given(shares, shares)
def test_the_implied_share_is_the_one_that_gives_the_agreement(judge: float, person: float) -> None:
    m = majority(person)

    def agrees(right: float) -> float:
        return right * m + (1 - right) * (1 - m)

    assert implied(agrees(judge), agrees(person)) == pytest.approx(judge, abs=1e-6)


def test_simulated_people_agree_as_the_formula_says() -> None:
    right = np.random.default_rng(0).random((200_000, 4)) < 0.74
    most = right[:, :3].sum(1) >= 2
    assert majority(0.74) == pytest.approx(most.mean(), abs=0.005)
    assert implied(float((most == right[:, 3]).mean()), 0.6566) == pytest.approx(0.74, abs=0.01)


@given(shares, st.floats(0, 1))
def test_fickleness_is_the_share_of_tosses(right: float, tosses: float) -> None:
    assert fickleness((1 - tosses) * right + tosses / 2, right) == pytest.approx(tosses)


def test_a_sharper_judge_agrees_more_and_tosses_make_it_agree_less() -> None:
    pairs = reference_pairs()
    assert pairs.agreement(None) == 1
    agreements = [pairs.agreement(Taste(s, 0, 0)) for s in (0, 2, 8, 1000)]
    assert agreements[0] == 0.5
    assert agreements == sorted(agreements)
    assert agreements[-1] > 0.999
    assert pairs.agreement(Taste(8, 0, 1)) == 0.5
    own = Taste(1, 2, 0)
    assert pairs.agreement(Taste(pairs.sharpness(own, 0.8), 2, 0)) == pytest.approx(0.8)


def test_the_agreement_of_a_published_judge_predicts_its_win_rates() -> None:
    expected, seen = pull()
    assert expected == pytest.approx(seen, abs=0.05)
