"""A study: the runs that tables ask for."""

import pytest

from experiments.names import UnknownNameError
from experiments.published import ALPHA_GRID
from experiments.roles.instruction_sets import ALPACA, INSTRUCTION_SETS, OPEN_PLATYPUS
from experiments.runs.study import BASELINE, NEFT, Study
from neftune.distributions import Noise
from neftune.training.recipe import FreeLB


def test_two_arms_differ_in_the_noise_alone(study: Study) -> None:
    for dataset in INSTRUCTION_SETS.values():
        arms = study.arms(dataset)
        assert list(arms) == [BASELINE, NEFT]
        for base, neft in zip(*arms.values(), strict=True):
            assert base.noise.alpha == 0
            assert neft.noise.alpha in ALPHA_GRID
            (alike,) = [run for run in study.noisy(dataset, neft.noise) if run.seed == base.seed]
            assert neft == alike
            assert (base.recipe, base.seed) == (neft.recipe, neft.seed)
            assert base.key != neft.key


def test_runs_have_seeds_from_zero_on(study: Study) -> None:
    assert [run.seed for run in study.baseline(ALPACA)] == [0, 1]
    assert study.with_seeds(1).baseline(ALPACA) == study.baseline(ALPACA)[:1]
    assert study.with_seeds(3).seeds == 2


def test_one_alpha_can_replace_all_that_were_chosen(study: Study) -> None:
    strong = study.with_alpha(45)
    assert {run.noise for run in strong.neft(ALPACA)} == {Noise(45)}
    assert strong.baseline(ALPACA) == study.baseline(ALPACA)


def test_freelb_has_an_adversary_in_place_of_noise(study: Study) -> None:
    for run in study.freelb(ALPACA, model="llama-1-7b"):
        assert run.noise.alpha == 0
        assert isinstance(run.recipe.freelb, FreeLB)


def test_what_was_not_selected_is_an_error_that_lists_what_was(study: Study) -> None:
    with pytest.raises(UnknownNameError, match="unknown selected learning rate 'open-platypus'"):
        study.baseline(OPEN_PLATYPUS, adapter="qlora")
    with pytest.raises(UnknownNameError, match="unknown selected alpha 'llama-2-70b/alpaca'"):
        study.neft(ALPACA, model="llama-2-70b")
