"""The preference model: what it is fitted to, what it finds, what it cannot see."""

from dataclasses import replace

import numpy as np
import pytest

from eval.preference.features import NAMES, Seen, features
from eval.preference.model import fit
from eval.preference.verdicts import Pool
from tests.eval.preference.made_up import made_up_pool

POOL = made_up_pool()


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(POOL)


def with_verdicts(pool: Pool, model: int, won: np.ndarray) -> Pool:
    changed = pool.won.copy()
    changed[model] = won
    return replace(pool, won=changed)


def test_every_feature_has_a_name_and_a_value(seen: Seen) -> None:
    found = features(seen, seen.of(POOL.answers[2]))
    assert found.shape == (len(POOL.instructions), len(NAMES))
    assert len(set(NAMES)) == len(NAMES)
    assert np.isfinite(found).all()


def test_it_finds_what_wins_for_a_model_that_it_was_not_fitted_to(seen: Seen) -> None:
    agreed, rates = [], []
    for model in range(len(POOL.models)):
        found = fit(seen, left_out=[model]).probabilities(dict(enumerate(POOL.answers[model])))
        decided = POOL.won[model] != 0.5
        agreed.append(np.mean((found > 0.5)[decided] == POOL.won[model][decided]))
        rates.append(found.mean())
    assert np.mean(agreed) > 0.8
    true = POOL.won.mean(axis=1)
    assert np.corrcoef(true, rates)[0, 1] > 0.9


def test_the_verdicts_of_a_model_that_is_left_out_do_not_matter(seen: Seen) -> None:
    turned = Seen(with_verdicts(POOL, 3, 1 - POOL.won[3]))
    one = fit(seen, left_out=[3]).probabilities(dict(enumerate(POOL.answers[3])))
    other = fit(turned, left_out=[3]).probabilities(dict(enumerate(POOL.answers[3])))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, fit(turned).probabilities(dict(enumerate(POOL.answers[3]))))


def test_the_same_fit_gives_the_same_numbers(seen: Seen) -> None:
    first, second = (fit(seen).probabilities(dict(enumerate(POOL.answers[1]))) for _ in range(2))
    assert np.array_equal(first, second)


def test_instructions_without_any_verdict_are_judged_by_the_others() -> None:
    won = POOL.won.copy()
    won[:, :10] = np.nan
    found = fit(Seen(replace(POOL, won=won))).probabilities(dict(enumerate(POOL.answers[6])))
    assert np.isfinite(found).all()
    assert found.mean() > 0.5


def test_an_empty_answer_is_judged(seen: Seen) -> None:
    judge = fit(seen)
    empty = judge.probabilities(dict.fromkeys(range(len(POOL.instructions)), ""))
    assert empty.mean() < judge.probabilities(dict(enumerate(POOL.answers[-1]))).mean()
