"""How far the preference model can be trusted: public models that it was not fitted to.

    tests = left_out_in_turn(Seen(pool))                 # one for each model, minutes
    card(tests)                                          # agreement, win rates, calibration

Each public model is judged by a preference model that never saw its verdicts, in three ways:

model         the model is left out: the case of a new model on known instructions
relatives     it and the three models with the most similar answers are left out, since public
              models come in families, and a new model may have none here
instructions  it is left out, and so are all verdicts on the instructions that are judged, a fifth
              at a time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from tqdm import tqdm

from eval.preference.features import Own, Seen
from eval.preference.model import fit

Table = NDArray[np.float64]

WAYS = ("model", "relatives", "instructions")
RELATIVES = 3
FOLDS = 5
BINS = 10


@dataclass(frozen=True)
class LeftOut:
    """One model that was left out.

    Args:
        model: its name.
        nearest: the public model whose answers are most similar to its own.
        won: GPT-4's verdicts, as of `Pool.won`.
        longer: 1 where the answer is longer than the reference's, else 0.
        found: by way, the probabilities that it is preferred.
    """

    model: str
    nearest: str
    won: Table
    longer: Table
    found: dict[str, Table]


def left_out_in_turn(seen: Seen, models: Sequence[str] | None = None) -> list[LeftOut]:
    """Judge public models with preference models that did not see their verdicts.

    Args:
        seen: the public models.
        models: which are judged; all, if not given.
    """
    read = [seen.of(answers) for answers in seen.pool.answers]
    folds = np.arange(len(seen.pool.instructions)) % FOLDS
    parts = [_without_verdicts(seen, folds == fold) for fold in range(FOLDS)]
    tests = []
    for name in tqdm(models or seen.pool.models, desc="models left out", unit="model"):
        at = seen.pool.models.index(name)
        near = np.argsort(-read[at].to_pool.mean(axis=0), kind="stable")
        relatives = [int(place) for place in near if place != at][:RELATIVES]
        found = {
            "model": fit(seen, read, [at]).of_read(read[at]),
            "relatives": fit(seen, read, [at, *relatives]).of_read(read[at]),
            "instructions": _by_fold(parts, folds, read, at),
        }
        longer = (seen.lengths[at] > seen.reference_length).astype(float)
        nearest = seen.pool.models[relatives[0]]
        tests.append(LeftOut(name, nearest, seen.pool.won[at], longer, found))
    return tests


def _without_verdicts(seen: Seen, where: NDArray[np.bool_]) -> Seen:
    """The same texts, without the verdicts on some instructions."""
    other = Seen.__new__(Seen)
    other.__dict__.update(seen.__dict__)
    other.pool = replace(seen.pool, won=np.where(where, np.nan, seen.pool.won))
    return other


def _by_fold(parts: Sequence[Seen], folds: NDArray[Any], read: Sequence[Own], at: int) -> Table:
    found = np.full(len(folds), np.nan)
    for fold, part in enumerate(parts):
        judged = fit(part, read, [at]).of_read(read[at])
        found[folds == fold] = judged[folds == fold]
    return found


def card(tests: Sequence[LeftOut]) -> dict[str, Any]:
    """What the tests come to, as JSON.

    Agreement is in per cent of the instructions on which GPT-4 preferred one of the two answers;
    beside it that of "the longer answer" and of "the model's favourite", which is always the
    answer of whoever wins more often against this reference. Win rates are in per cent.
    """
    return {
        "models": [_of_model(test) for test in tests],
        "ways": {way: _of_way(tests, way) for way in WAYS},
        "differences of relatives": _of_differences(tests),
        "baselines": {
            "the longer answer": _mean([_agreement(test.longer, test.won) for test in tests]),
            "the model's favourite": _mean([_favourite(test.won) for test in tests]),
        },
    }


def _of_model(test: LeftOut) -> dict[str, Any]:
    return {
        "name": test.model,
        "win rate by GPT-4": 100 * float(np.nanmean(test.won)),
        "the longer answer": _agreement(test.longer, test.won),
        "the model's favourite": _favourite(test.won),
        **{
            way: {"agreement": _agreement(found, test.won), "win rate": _rate(found, test.won)}
            for way, found in test.found.items()
        },
    }


def _of_way(tests: Sequence[LeftOut], way: str) -> dict[str, Any]:
    true = [100 * float(np.nanmean(test.won)) for test in tests]
    found = [_rate(test.found[way], test.won) for test in tests]
    errors = np.subtract(found, true)
    return {
        "agreement": _mean([_agreement(test.found[way], test.won) for test in tests]),
        "lowest agreement": min(_agreement(test.found[way], test.won) for test in tests),
        "win rate, mean error": float(errors.mean()),
        "win rate, mean absolute error": float(np.abs(errors).mean()),
        "win rate, standard deviation of the error": float(errors.std(ddof=1)),
        "win rates within 3 points, %": 100 * float(np.mean(np.abs(errors) <= 3)),
        "rank correlation of models": float(spearmanr(true, found).statistic),
        "calibration": _calibration(tests, way),
    }


def _of_differences(tests: Sequence[LeftOut]) -> dict[str, float]:
    """The error of the difference between two similar models' win rates, neither of them seen.

    Each model is paired with the one whose answers are most similar. The judge errs on both alike,
    so the error of a difference is smaller than that of a win rate. Both errors are those of the
    way `relatives`.
    """
    by_name = {test.model: test for test in tests}
    error = {
        name: _rate(test.found["relatives"], test.won) - 100 * float(np.nanmean(test.won))
        for name, test in by_name.items()
    }
    pairs = {frozenset((each.model, each.nearest)) for each in tests if each.nearest in by_name}
    # The order of a pair means nothing, so the mean error is 0 and the mean square its variance.
    squares = [(error[a] - error[b]) ** 2 for a, b in (sorted(pair) for pair in pairs)]
    return {
        "pairs": len(squares),
        "standard deviation of the error": float(np.sqrt(np.mean(squares))) if squares else np.nan,
    }


def _calibration(tests: Sequence[LeftOut], way: str) -> list[dict[str, float]]:
    """By tenths of the probability: its mean, and how often GPT-4 preferred the answer, in %."""
    found = np.concatenate([test.found[way] for test in tests])
    won = np.concatenate([test.won for test in tests])
    there = ~np.isnan(won)
    found, won = found[there], won[there]
    place = np.minimum((found * BINS).astype(int), BINS - 1)
    return [
        {
            "answers": int(np.sum(place == each)),
            "probability": 100 * float(found[place == each].mean()),
            "preferred": 100 * float(won[place == each].mean()),
        }
        for each in range(BINS)
        if np.any(place == each)
    ]


def _agreement(found: Table, won: Table) -> float:
    decided = (won == 0) | (won == 1)
    return 100 * float(np.mean((found[decided] > 0.5) == (won[decided] > 0.5)))


def _favourite(won: Table) -> float:
    rate = float(np.mean(won[(won == 0) | (won == 1)]))
    return 100 * max(rate, 1 - rate)


def _rate(found: Table, won: Table) -> float:
    """The win rate on the instructions that have a verdict of GPT-4's."""
    return 100 * float(np.mean(found[~np.isnan(won)]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
