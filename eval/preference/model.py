"""The preference model: fitted to GPT-4's verdicts on public models, asked about another model.

    judge = fit(Seen(pool))
    judge.probabilities({12: "Paris.", 40: "No."})       # of a model's answers, by instruction

Gradient-boosted trees, whose settings are fixed. The fit takes seconds, so nothing is stored. Of
what was tried on models left out in turn, trees agreed with GPT-4 most often and gave the win rates
with the smallest errors; logistic regression on the same features, alone or averaged with the
trees, and trees without the means over all of a model's answers were worse on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from eval.preference.features import Own, Seen, features

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Judge:
    """A fitted preference model.

    Args:
        seen: the public models that it was fitted to.
        left_out: places of models of theirs that it was not fitted to and does not use.
        trees: the fitted classifier.
    """

    seen: Seen
    left_out: tuple[int, ...]
    trees: HistGradientBoostingClassifier

    def probabilities(self, answers: Mapping[int, str]) -> Table:
        """How likely GPT-4 prefers each of one model's answers to the reference's.

        Args:
            answers: by the place of the instruction in the pool; to some or all of them.

        Returns:
            One for each answer, in their order.
        """
        every = [answers.get(n, text) for n, text in enumerate(self.seen.pool.references)]
        return self.of_read(self.seen.of(every), list(answers))

    def of_read(self, own: Own, asked: Sequence[int] | None = None) -> Table:
        """The same for answers that have been read.

        Args:
            own: an answer to each of the pool's instructions.
            asked: places of those that count; all, if not given.
        """
        found = features(self.seen, own, self.left_out, asked)
        rows = found if asked is None else found[list(asked)]
        return np.asarray(self.trees.predict_proba(rows)[:, 1])


def fit(seen: Seen, read: Sequence[Own] = (), left_out: Sequence[int] = ()) -> Judge:
    """Fit the preference model.

    Args:
        seen: the public models.
        read: their answers, read by `seen.of`; read here if not given.
        left_out: places of models that are not used.
    """
    own = read or [seen.of(answers) for answers in seen.pool.answers]
    kept = [place for place in range(len(seen.pool.models)) if place not in left_out]
    table = np.concatenate([features(seen, own[at], [*left_out, at]) for at in kept])
    won = np.concatenate([seen.pool.won[at] for at in kept])
    # A draw says nothing about which is better.
    decided = (won == 0) | (won == 1)
    trees = HistGradientBoostingClassifier(
        max_iter=250,
        learning_rate=0.05,
        max_leaf_nodes=12,
        min_samples_leaf=60,
        l2_regularization=5.0,
        random_state=0,
    )
    return Judge(seen, tuple(left_out), trees.fit(table[decided], won[decided]))
