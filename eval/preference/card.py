"""How far the preference model can be trusted: public models that it was not fitted to.

    seen = Seen(pool)
    tests = left_out_in_turn(seen)                       # one for each model, minutes
    pairs = pairs_left_out(seen)                         # one for each pair of similar models
    card(tests, pairs)                                   # agreement, win rates, calibration

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
WEAK = 60.0
"""A win rate in per cent: a model below it is called weak. Real small models win less than all."""
LENGTHS = (0.5, 1.0, 2.0)
"""Between these an answer's length lies, as a multiple of the reference's, in characters."""


@dataclass(frozen=True)
class LeftOut:
    """One model that was left out.

    Args:
        model: its name.
        won: GPT-4's verdicts, as of `Pool.won`.
        length: of each answer, as a multiple of the reference's.
        found: by way, the probabilities that it is preferred.
    """

    model: str
    won: Table
    length: Table
    found: dict[str, Table]


@dataclass(frozen=True)
class PairLeftOut:
    """Two models with similar answers, which one preference model did not see, nor their relatives.

    Args:
        models: their names.
        won: GPT-4's verdicts on each.
        found: the probabilities that each is preferred.
    """

    models: tuple[str, str]
    won: tuple[Table, Table]
    found: tuple[Table, Table]


def left_out_in_turn(
    seen: Seen, read: Sequence[Own] = (), models: Sequence[str] | None = None
) -> list[LeftOut]:
    """Judge public models with preference models that did not see their verdicts.

    Args:
        seen: the public models.
        read: their answers, as of `fit`.
        models: which are judged; all, if not given.
    """
    read = read or [seen.of(answers) for answers in seen.pool.answers]
    folds = np.arange(len(seen.pool.instructions)) % FOLDS
    parts = [_without_verdicts(seen, folds == fold) for fold in range(FOLDS)]
    tests = []
    for name in tqdm(models or seen.pool.models, desc="models left out", unit="model"):
        at = seen.pool.models.index(name)
        found = {
            "model": fit(seen, read, [at]).of_read(read[at]),
            "relatives": fit(seen, read, [at, *_relatives(read, at)]).of_read(read[at]),
            "instructions": _by_fold(parts, folds, read, at),
        }
        length = seen.lengths[at] / np.maximum(seen.reference_length, 1)
        tests.append(LeftOut(name, seen.pool.won[at], length, found))
    return tests


def pairs_left_out(seen: Seen, read: Sequence[Own] = ()) -> list[PairLeftOut]:
    """Judge each model and the one with the most similar answers, neither of them seen.

    Two runs of one base model are new to the judge together, so one preference model judges both,
    fitted without them and without the relatives of either.

    Args:
        seen: the public models.
        read: their answers, as of `fit`.
    """
    read = read or [seen.of(answers) for answers in seen.pool.answers]
    near = [_relatives(read, at) for at in range(len(read))]
    pairs = sorted({(min(at, of[0]), max(at, of[0])) for at, of in enumerate(near)})
    tests = []
    for first, second in tqdm(pairs, desc="pairs left out", unit="pair"):
        judge = fit(seen, read, sorted({first, second, *near[first], *near[second]}))
        names, won = seen.pool.models, seen.pool.won
        tests.append(
            PairLeftOut(
                (names[first], names[second]),
                (won[first], won[second]),
                (judge.of_read(read[first]), judge.of_read(read[second])),
            )
        )
    return tests


def _relatives(read: Sequence[Own], at: int) -> list[int]:
    """The places of the models whose answers are most similar to those of one, nearest first."""
    near = np.argsort(-read[at].to_pool.mean(axis=0), kind="stable")
    return [int(place) for place in near if place != at][:RELATIVES]


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


def card(tests: Sequence[LeftOut], pairs: Sequence[PairLeftOut]) -> dict[str, Any]:
    """What the tests come to, as JSON.

    Agreement is in per cent of the instructions on which GPT-4 preferred one of the two answers;
    beside it that of "the longer answer" and of "the model's favourite", which is always the
    answer of whoever wins more often against this reference. Win rates are in per cent.
    """
    return {
        "models": [_of_model(test) for test in tests],
        "ways": {way: _of_way(tests, way) for way in WAYS},
        "weak models": _of_weak(tests),
        "pairs": _of_pairs(pairs),
        "by length": _by_length(tests),
        "baselines": {
            "the longer answer": _mean([_agreement(_longer(test), test.won) for test in tests]),
            "the model's favourite": _mean([_favourite(test.won) for test in tests]),
        },
    }


def _of_model(test: LeftOut) -> dict[str, Any]:
    return {
        "name": test.model,
        "win rate by GPT-4": 100 * float(np.nanmean(test.won)),
        "the longer answer": _agreement(_longer(test), test.won),
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


def _of_weak(tests: Sequence[LeftOut]) -> dict[str, float]:
    """The error of the win rates of weak models, left out with their relatives."""
    errors = [
        _rate(test.found["relatives"], test.won) - _rate(test.won, test.won)
        for test in tests
        if _rate(test.won, test.won) < WEAK
    ]
    return {
        "win rate below, %": WEAK,
        "models": len(errors),
        "mean error": _mean(errors) if errors else np.nan,
        "root mean square error": _root_mean_square(errors),
    }


def _of_pairs(pairs: Sequence[PairLeftOut]) -> dict[str, float]:
    """The error of the difference between two similar models' win rates, neither of them seen.

    The judge errs on both alike, so it is smaller than that of a win rate.
    """
    errors = []
    for pair in pairs:
        (first, second), (won, other) = pair.found, pair.won
        true = _rate(won, won) - _rate(other, other)
        errors.append(_rate(first, won) - _rate(second, other) - true)
    # The order of a pair means nothing, so the mean error does not either.
    return {"pairs": len(errors), "root mean square error": _root_mean_square(errors)}


def _root_mean_square(errors: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else np.nan


def _by_length(tests: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """By the length of an answer beside the reference's: agreement and calibration, in %."""
    length = np.concatenate([test.length for test in tests])
    won = np.concatenate([test.won for test in tests])
    found = np.concatenate([test.found["model"] for test in tests])
    place = np.searchsorted(LENGTHS, length)
    rows = []
    for each in range(len(LENGTHS) + 1):
        here = (place == each) & ~np.isnan(won)
        if here.any():
            rows.append(
                {
                    "above": LENGTHS[each - 1] if each else 0.0,
                    "to": LENGTHS[each] if each < len(LENGTHS) else None,
                    "answers": int(here.sum()),
                    "agreement": _agreement(found[here], won[here]),
                    "the longer answer": _agreement((length[here] > 1).astype(float), won[here]),
                    "probability": 100 * float(found[here].mean()),
                    "preferred": 100 * float(won[here].mean()),
                }
            )
    return rows


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


def _longer(test: LeftOut) -> Table:
    """1 where the answer is longer than the reference's, else 0."""
    return (test.length > 1).astype(float)


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
