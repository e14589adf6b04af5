"""docs/judges.md says of the judges' length bias what is measured."""

import pytest

from experiments.nano.length_study import rows, study
from tests.paths import ROOT


def test_the_document_holds_the_measured_table() -> None:
    text = (ROOT / "docs" / "judges.md").read_text()
    assert [row for row in rows() if row not in text] == []


def test_the_oracle_is_blind_to_length_and_the_other_judge_is_not() -> None:
    assert study("oracle").equal_draws == 1
    biased = study("biased_oracle")
    assert biased.equal_longer == pytest.approx(0.9, abs=0.06)  # one verdict in ten is turned
