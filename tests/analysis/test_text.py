"""Repetition and diversity, against values worked out by hand."""

import math

import pytest

from analysis.text import (
    first_words,
    log_diversity,
    mean_characters,
    mean_words,
    plain_log_diversity,
    repeated_share,
    repetition,
)

TEXT = "a b a b a c"  # 2-grams: ab ba ab ba ac; 3-grams: aba bab aba bac; 4-grams: abab baba abac


def test_means() -> None:
    assert mean_characters(["ab", "abcd"]) == 3
    assert mean_words(["one two", "one"]) == 1.5


def test_shorter_responses_are_dropped_and_longer_ones_cut() -> None:
    assert first_words(["a b c", "a b", "a"], 2) == [["a", "b"], ["a", "b"]]


def test_repetition_by_hand() -> None:
    assert repetition([TEXT], 2, 6) == pytest.approx(100 * 2 / 5)
    assert repetition([TEXT], 3, 6) == pytest.approx(100 * 1 / 4)
    assert repetition([TEXT], 4, 6) == 0
    assert repeated_share(TEXT.split(), 2, drop_last=True) == pytest.approx(2 / 4)
    assert math.isnan(repetition(["a"], 2, 6))


def test_plain_log_diversity_by_hand() -> None:
    fresh = (3 / 5) * (3 / 4) * 1
    assert plain_log_diversity([TEXT], 6) == pytest.approx(-math.log(1 - fresh))


def test_published_log_diversity_by_hand() -> None:
    fresh = (1 - 2 / 4 / 100) * (1 - 1 / 3 / 100) * 1
    assert log_diversity([TEXT], 6) == pytest.approx(-math.log(1 - fresh))


def test_a_text_without_repetition_is_at_the_floor_of_exp_minus_20() -> None:
    assert log_diversity(["a b c d e f"], 6) == pytest.approx(20)
