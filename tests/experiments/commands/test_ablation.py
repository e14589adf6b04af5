"""An ablation: what it varies, what it holds, and the names of its results."""

import pytest

from experiments.commands.ablation import Ablation, SettingError, artifact, cells, settings_from
from experiments.runs.study import Study


def test_an_ablation_holds_everything_but_alpha(study: Study) -> None:
    ablation = Ablation((0, 5), dataset="sharegpt", settings=settings_from(["epochs=1", "lr=1e-3"]))
    runs = [run for cell in cells(ablation, study) for run in cell.groups[0]]
    assert {run.noise.alpha for run in runs} == {0, 5}
    assert {(run.recipe.epochs, run.recipe.lr) for run in runs} == {(1, 1e-3)}
    assert {(run.model, run.dataset.role) for run in runs} == {("llama-2-7b", "sharegpt")}
    assert ablation.name == "llama-2-7b-sharegpt-epochs=1-lr=0.001"


def test_results_of_different_ablations_have_different_names() -> None:
    every = [
        Ablation((0, 5)),
        Ablation((0, 5), model="opt-6.7b"),
        Ablation((0, 5), dataset="sharegpt"),
        Ablation((0, 5), distribution="gaussian"),
        Ablation((0, 5), length_rule="padded"),
        Ablation((0, 5), judge="chatgpt"),
        Ablation((0, 5), settings=(("epochs", 1),)),
    ]
    names = [artifact(ablation, seeds=3).name for ablation in every]
    assert names[0] == "ablations/llama-2-7b-alpaca/alpha"
    assert len(set(names)) == len(every)


def test_a_smaller_batch_can_be_set(study: Study) -> None:
    ablation = Ablation((0,), settings=settings_from(["batch=6"]))
    (cell, *_) = cells(ablation, study)
    assert {(run.recipe.batch, run.recipe.micro_batch) for run in cell.groups[0]} == {(6, 2)}


def test_the_noise_of_an_ablation_is_the_one_that_was_asked_for(study: Study) -> None:
    ablation = Ablation((5,), distribution="gaussian", length_rule="padded", judge="chatgpt")
    found = cells(ablation, study)
    noises = {run.noise for cell in found for run in cell.groups[0]}
    assert {(n.distribution, n.length_rule) for n in noises} == {("gaussian", "padded")}
    assert {cell.judge for cell in found} == {"chatgpt"}


@pytest.mark.parametrize("text", ("frozen=embedding", "schedule=constant", "lr"))
def test_a_setting_that_is_no_number_by_name_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        settings_from([text])
