"""Length, repetition and diversity of responses (Table 4 of the paper).

    repetition(responses, n=2, words=50)                 # per cent
    log_diversity(responses, words=50)                   # as published
    plain_log_diversity(responses, words=50)             # as the formula is meant

Repetition and diversity are measured on the first `words` words of each response, separated by
whitespace; shorter responses are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FLOOR = math.exp(-20)


def mean_characters(texts: Sequence[str]) -> float:
    """Mean number of characters."""
    return sum(map(len, texts)) / len(texts)


def mean_words(texts: Sequence[str]) -> float:
    """Mean number of words, separated by whitespace."""
    return sum(len(text.split()) for text in texts) / len(texts)


def first_words(texts: Sequence[str], words: int) -> list[list[str]]:
    """The first `words` words of each text that has at least so many."""
    split = [text.split() for text in texts]
    return [tokens[:words] for tokens in split if len(tokens) >= words]


def repeated_share(tokens: Sequence[str], n: int, *, drop_last: bool = False) -> float:
    """The share of repeated n-grams of a text: 1 - unique / total.

    Args:
        tokens: the text's words.
        n: the size of an n-gram.
        drop_last: leave out the last n-gram, as the code that the paper cites does (Kirchenbauer
            et al. 2023, arXiv 2306.04634).
    """
    count = len(tokens) - n + 1 - drop_last
    grams = [tuple(tokens[start : start + n]) for start in range(count)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def repetition(texts: Sequence[str], n: int, words: int) -> float:
    """Mean share of repeated n-grams in per cent; NaN if every text is shorter than `words`."""
    shares = [repeated_share(tokens, n) for tokens in first_words(texts, words)]
    return 100 * sum(shares) / len(shares) if shares else math.nan


def log_diversity(texts: Sequence[str], words: int) -> float:
    """Log-diversity as it was published, for comparison with the paper.

    The value is -log(max(1 - prod_{n=2,3,4} (1 - rep_n / 100), exp(-20))), averaged over texts. In
    the code that the paper cites (Kirchenbauer et al. 2023, arXiv 2306.04634), rep_n is already a
    fraction but is divided by 100 nevertheless, and the last n-gram of a text is left out. Only
    this computation gives the published values of 8 to 16.
    """
    return _mean_diversity(texts, words, divisor=100, drop_last=True)


def plain_log_diversity(texts: Sequence[str], words: int) -> float:
    """Log-diversity as the formula is meant: rep_n is a fraction of all n-grams and not divided."""
    return _mean_diversity(texts, words, divisor=1, drop_last=False)


def _mean_diversity(texts: Sequence[str], words: int, divisor: float, drop_last: bool) -> float:
    values = [
        diversity_of(tokens, divisor=divisor, drop_last=drop_last)
        for tokens in first_words(texts, words)
    ]
    return sum(values) / len(values) if values else math.nan


def diversity_of(tokens: Sequence[str], *, divisor: float, drop_last: bool) -> float:
    """Log-diversity of one text's words.

    Args:
        tokens: the words.
        divisor: what each rep_n, a fraction, is divided by: 100 as published, 1 as meant.
        drop_last: leave out the last n-gram, as published.
    """
    fresh = math.prod(
        1 - repeated_share(tokens, n, drop_last=drop_last) / divisor for n in (2, 3, 4)
    )
    return -math.log(max(1 - fresh, FLOOR))
