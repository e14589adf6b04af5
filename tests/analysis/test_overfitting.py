"""ROUGE-L and BLEU-4 against answers known from their definitions."""

import pytest

from analysis.overfitting import bleu_4, rouge_l

ANSWER = "its fur is brown and its tail is long"


def test_a_copy_scores_one_and_a_stranger_nothing() -> None:
    assert rouge_l([ANSWER], [ANSWER]) == [1]
    assert bleu_4([ANSWER], [ANSWER]) == [pytest.approx(1)]
    assert rouge_l(["quite another"], [ANSWER]) == [0]
    assert bleu_4(["quite another"], [ANSWER])[0] < 0.05


def test_rouge_l_is_the_f_measure_of_the_longest_common_subsequence() -> None:
    # Six of eight words in common order: precision 6/8, recall 6/9.
    response = "its fur is grey and its tail short"
    precision, recall = 6 / 8, 6 / 9
    expected = 2 * precision * recall / (precision + recall)
    assert rouge_l([response], [ANSWER]) == [pytest.approx(expected)]


def test_a_short_copy_is_not_punished_for_orders_that_it_cannot_have() -> None:
    assert bleu_4(["brown"], ["brown"]) == [pytest.approx(1)]


def test_pairs_must_match() -> None:
    for score in (rouge_l, bleu_4):
        with pytest.raises(ValueError, match=r"zip\(\) argument"):
            score([ANSWER], [ANSWER, ANSWER])
