r"""What a text is like: its length, its form, and its likeness to other texts.

    words = Words([*references, *answers])
    likeness(words.of(answers), words.of(references))    # cosines, one a pair
    form("1. Yes.\n2. No.")                              # counts and shares, as FORM names them

Likeness is the cosine of tf-idf vectors of single words and pairs of neighbouring words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

Table = NDArray[np.float64]

REFUSALS = ("i'm sorry", "i am sorry", "sorry", "as an ai", "i cannot")

FORM: Mapping[str, Callable[[str], float]] = {
    "lines by hundred characters": lambda text: text.count("\n") / (1 + len(text) / 100),
    "list items": lambda text: text.count("- ") + text.count("* "),
    "share of digits": lambda text: sum(map(str.isdigit, text)) / (1 + len(text)),
    "share of different words": lambda text: len(set(text.split())) / (1 + len(text.split())),
    "words by sentence": lambda text: len(text.split()) / (1 + text.count(".")),
    "begins with a refusal": lambda text: text.lower().startswith(REFUSALS),
    "calls itself an AI": lambda text: "as an ai" in text.lower(),
    "ends as a sentence does": lambda text: text.rstrip()[-1:] in tuple(".!?)\"'`"),
    "blocks of code": lambda text: text.count("```"),
    "questions": lambda text: text.count("?"),
    "exclamations": lambda text: text.count("!"),
}
"""What is counted of a text's form, by its name."""


def form(text: str) -> list[float]:
    """The numbers of `FORM` for a text."""
    return [float(count(text)) for count in FORM.values()]


class Words:
    """Tf-idf vectors of texts, with the frequencies of some others.

    Args:
        texts: whose frequencies weigh the words.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = HashingVectorizer(
            ngram_range=(1, 2), n_features=2**20, alternate_sign=False, norm=None
        )
        self._weigh = TfidfTransformer(sublinear_tf=True).fit(self._count.transform(texts))

    def of(self, texts: Sequence[str]) -> csr_matrix:
        """The vectors of some texts, of length 1, shape (texts, words)."""
        return self._weigh.transform(self._count.transform(texts))


def likeness(first: csr_matrix, second: csr_matrix) -> Table:
    """The cosine of each pair of two lists of texts, from their vectors; shape (texts,)."""
    return np.asarray(first.multiply(second).sum(axis=1)).ravel()
