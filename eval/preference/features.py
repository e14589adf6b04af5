"""Features of a model's answers, beside public models' answers to the same instructions.

    seen = Seen(pool)                                    # what is read off the public texts, once
    own = seen.of(answers)                               # one model's answers, read likewise
    features(seen, own)                                  # (instructions, len(NAMES))

Everything that is computed from verdicts comes from the pool's models, and for a model of the pool
itself from the others alone (`left_out`). The last features are means over all of the model's
answers: how good a model is shows in all of them more clearly than in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.preference.texts import FORM, Words, form, likeness
from eval.preference.verdicts import Pool

Table = NDArray[np.float64]

PRIOR = 2.0
"""Verdicts at the mean rate that are added to those of an instruction before its odds are taken."""
ENDS = 8
"""So many of the pool's best and of its worst models are models to be like or unlike."""
NEAREST = 3

OF_INSTRUCTION = ("log-odds of a win on the instruction", "wins on the instruction")
OF_LENGTH = ("log length", "log length minus the reference's", "share of the pool that is shorter")
OF_LIKENESS = (
    "like the reference",
    "like the instruction",
    "wins of similar answers",
    "wins of very similar answers",
    "wins of similar answers beyond their models'",
    "like preferred answers",
    "like answers not preferred",
    "like preferred minus like the others",
    "like the best models",
    "like the worst models",
    "like the best minus like the worst",
    "like the nearest answers",
)
NAMES = (
    *OF_INSTRUCTION,
    *OF_LENGTH,
    *OF_LIKENESS,
    *FORM,
    *(f"{name} minus the reference's" for name in FORM),
    *(f"mean over answers: {name}" for name in (*OF_LENGTH, *OF_LIKENESS, *FORM)),
)


@dataclass(frozen=True)
class Own:
    """One model's answers, read.

    Args:
        length: characters of each.
        forms: (instructions, len(FORM)).
        to_reference: likeness to the reference's answer.
        to_instruction: likeness to the instruction.
        to_pool: (instructions, models): likeness to each pool model's answer.
    """

    length: Table
    forms: Table
    to_reference: Table
    to_instruction: Table
    to_pool: Table


class Seen:
    """What is read off the texts of a pool, once.

    Args:
        pool: the public models.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        texts = [text for answers in pool.answers for text in answers]
        self._words = Words([*texts, *pool.references, *pool.instructions])
        self._references = self._words.of(pool.references)
        self._instructions = self._words.of(pool.instructions)
        self._answers = [self._words.of(answers) for answers in pool.answers]
        self.reference_length = _lengths(pool.references)
        self.reference_forms = _forms(pool.references)
        self.lengths = np.stack([_lengths(answers) for answers in pool.answers])

    def of(self, answers: Sequence[str]) -> Own:
        """Read one model's answers, one to each of the pool's instructions."""
        vectors = self._words.of(answers)
        return Own(
            _lengths(answers),
            _forms(answers),
            likeness(vectors, self._references),
            likeness(vectors, self._instructions),
            np.stack([likeness(vectors, other) for other in self._answers], axis=1),
        )


def _lengths(texts: Sequence[str]) -> Table:
    return np.array([len(text) for text in texts], dtype=float)


def _forms(texts: Sequence[str]) -> Table:
    return np.array([form(text) for text in texts])


def features(
    seen: Seen, own: Own, left_out: Sequence[int] = (), asked: Sequence[int] | None = None
) -> Table:
    """Features of one model's answers.

    Args:
        seen: the pool.
        own: the answers, read.
        left_out: places of models whose answers and verdicts are not used.
        asked: places of the instructions that the model has answered, over which the means are
            taken; all, if not given.

    Returns:
        Shape (instructions, len(NAMES)).
    """
    kept = np.setdiff1d(np.arange(len(seen.pool.models)), left_out)
    won, like = seen.pool.won[kept], own.to_pool[:, kept]
    rate = float(np.nanmean(won))
    counted, wins = np.sum(~np.isnan(won), axis=0), np.nansum(won, axis=0)
    odds = np.log((wins + PRIOR * rate) / (counted - wins + PRIOR * (1 - rate)))
    mean = (wins + rate) / (counted + 1)
    instruction = np.stack([odds, mean], axis=1)

    length = np.log1p(own.length)
    shorter = np.mean(seen.lengths[kept] < own.length, axis=0)
    of_length = np.stack([length, length - np.log1p(seen.reference_length), shorter], axis=1)

    verdicts = np.where(np.isnan(won), rate, won).T
    of_model = np.nanmean(won, axis=1)
    order = np.argsort(-of_model, kind="stable")
    best, worst = (like[:, places].mean(axis=1) for places in (order[:ENDS], order[-ENDS:]))
    preferred, other = _weighted(like, verdicts), _weighted(like, 1 - verdicts)
    of_likeness = np.stack(
        [
            own.to_reference,
            own.to_instruction,
            _weighted(verdicts, like**2) - mean,
            _weighted(verdicts, like**4) - mean,
            _weighted(verdicts - of_model, like**3),
            preferred,
            other,
            preferred - other,
            best,
            worst,
            best - worst,
            np.sort(like, axis=1)[:, -NEAREST:].mean(axis=1),
        ],
        axis=1,
    )
    single = np.concatenate(
        [instruction, of_length, of_likeness, own.forms, own.forms - seen.reference_forms], axis=1
    )
    every = np.concatenate([of_length, of_likeness, own.forms], axis=1)
    whole = (every if asked is None else every[list(asked)]).mean(axis=0)
    return np.concatenate([single, np.tile(whole, (len(single), 1))], axis=1)


def _weighted(values: Table, weights: Table) -> Table:
    """The mean of each row's values with weights."""
    return np.asarray((values * weights).sum(axis=1) / (weights.sum(axis=1) + 1e-9))
