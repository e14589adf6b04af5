"""The rivals: as many trials for each, equal variance where that is said, each its own run."""

import pytest

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.rivals import NOISE, RIVALS, equal_variance
from experiments.runs.selection import Choice, Selection
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from neftune.distributions import Noise
from neftune.noise import expected_norm

STUDY = Study(NANO, 2, Selection({"alpaca": Choice(4e-4)}, {}))


def test_each_has_as_many_settings_as_alpha_but_epochs_below_three() -> None:
    counts = {name: len(rival.settings(STUDY, ALPACA)) for name, rival in RIVALS.items()}
    assert counts == dict.fromkeys(RIVALS, 3) | {"epochs": 2}


def test_every_setting_is_another_run_and_none_is_the_usual_one() -> None:
    every = [runs for rival in RIVALS.values() for runs in rival.settings(STUDY, ALPACA).values()]
    keys = [run.key for runs in every for run in runs]
    assert len(set(keys)) == len(keys) == 2 * len(every)
    assert not set(keys) & {run.key for run in STUDY.baseline(ALPACA)}


@pytest.mark.parametrize("alpha", (5.0, 10.0, 15.0))
def test_gaussian_noise_of_equal_variance_has_the_norm_of_the_uniform(alpha: float) -> None:
    assert expected_norm(equal_variance(alpha)) == pytest.approx(expected_norm(Noise(alpha)))


def test_only_the_noise_and_its_variants_have_noise() -> None:
    noisy = {
        name
        for name, rival in RIVALS.items()
        for runs in rival.settings(STUDY, ALPACA).values()
        if runs[0].noise.alpha
    }
    assert noisy == {NOISE, "gaussian", "prompt", "response"}
