"""docs/judges.md says of the judges' length preference what is measured."""

from experiments.cells.markdown import markdown_table
from experiments.judge_studies.length import equal, free, pairs, rows
from experiments.nano.oracle import taste
from tests.paths import ROOT


def test_the_document_holds_the_measured_table() -> None:
    assert markdown_table(rows()) in (ROOT / "docs" / "judges.md").read_text()


def test_at_equal_content_the_oracle_is_blind_to_length_and_the_other_judges_are_not() -> None:
    both = pairs(equal)
    assert not both.decided.any()
    assert both.prefers_longer(None) == 0.5
    assert both.prefers_longer(taste("gpt_4_role")) > both.prefers_longer(taste("chatgpt_role"))
    assert both.prefers_longer(taste("chatgpt_role")) > 0.5


def test_free_pairs_differ_in_help_and_in_length() -> None:
    both = pairs(free)
    assert both.decided.mean() > 0.9
    assert both.prefers_longer(None) > 0.5
