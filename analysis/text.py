"""Length, repetition and diversity of responses (the paper's Table 4).

    repetition(responses, n=2, words=50)                 # per cent
    log_diversity(responses, words=50)                   # as published
    plain_log_diversity(responses, words=50)             # without the second division

All are measured on the first so many whitespace words of each response; shorter ones are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FLOOR = math.exp(-20)


def mean_characters(texts: Sequence[str]) -> float:
    """Mean number of characters."""
    return sum(map(len, texts)) / len(texts)


def mean_words(texts: Sequence[str]) -> float:
    """Mean number of whitespace words."""
    return sum(len(text.split()) for text in texts) / len(texts)


def first_words(texts: Sequence[str], words: int) -> list[list[str]]:
    """The first `words` whitespace words of each text that has so many."""
    split = [text.split() for text in texts]
    return [tokens[:words] for tokens in split if len(tokens) >= words]


def repeated_share(tokens: Sequence[str], n: int, *, drop_last: bool = False) -> float:
    """1 - unique / total of the n-grams of a text.

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
    """Mean share of repeated n-grams in per cent; NaN where every text is shorter than `words`."""
    shares = [repeated_share(tokens, n) for tokens in first_words(texts, words)]
    return 100 * sum(shares) / len(shares) if shares else math.nan


def log_diversity(texts: Sequence[str], words: int) -> float:
    """Log-diversity as published, for comparison with the paper.

    -log(max(1 - prod_{n=2,3,4} (1 - rep_n / 100), exp(-20))), averaged over texts. In the code the
    paper cites rep_n is already a fraction, is divided by 100 all the same, and leaves out a
    text's last n-gram; the published values of 8 to 16 only come out that way.
    """
    return _mean_diversity(texts, words, divisor=100, drop_last=True)


def plain_log_diversity(texts: Sequence[str], words: int) -> float:
    """Log-diversity as the formula means it: rep_n a fraction of all n-grams, not divided again."""
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
