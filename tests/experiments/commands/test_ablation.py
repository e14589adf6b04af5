"""An ablation: what it varies, what it holds, and the names of its results."""

from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.cells.render import file_name
from experiments.commands.ablation import SEEDS, Ablation, artifact, cells, settings_from
from experiments.runs.study import Study
from tests.paths import ROOT


def test_an_ablation_holds_everything_but_alpha(study: Study) -> None:
    ablation = Ablation((0, 5), dataset="sharegpt", settings=settings_from(["epochs=1", "lr=1e-3"]))
    runs = [run for cell in cells(ablation, study) for run in cell.groups[0]]
    assert {run.noise.alpha for run in runs} == {0, 5}
    assert {(run.recipe.epochs, run.recipe.lr) for run in runs} == {(1, 1e-3)}
    assert {(run.model, run.dataset.role) for run in runs} == {("llama-2-7b", "sharegpt")}
    assert ablation.name == "llama-2-7b-sharegpt-epochs=1-lr=0.001/alpha-0-5"


def test_results_of_different_ablations_have_different_names() -> None:
    every = [
        Ablation((0, 5)),
        Ablation((0, 5), model="opt-6.7b"),
        Ablation((0, 5), dataset="sharegpt"),
        Ablation((0, 5), distribution="gaussian"),
        Ablation((0, 5), length_rule="padded"),
        Ablation((0, 5), judge="chatgpt"),
        Ablation((0, 5), settings=(("epochs", 1),)),
        Ablation((5, 0)),
        Ablation((0, 5, 15)),
        Ablation((0, 5.000001)),
        Ablation((0, 0.5)),
        *(Ablation((0, *range(40), last)) for last in (50, 51)),
        *(Ablation((0,), settings=(("lr", 0.1), ("warmup", 1 / 3), ("batch", n))) for n in (1, 2)),
    ]
    names = [
        file_name(artifact(ablation), seeds) for ablation in every for seeds in (1, 2, SEEDS, 1000)
    ]
    assert names[2] == "ablations/llama-2-7b-alpaca/alpha-0-5"
    assert names[0] == "ablations/llama-2-7b-alpaca/alpha-0-5.seeds1"
    assert len(set(names)) == 4 * len(every)
    assert all(len(part) <= 100 for name in names for part in name.split("/"))


def test_settings_in_another_order_are_the_same_ablation() -> None:
    one, other = (
        Ablation((0, 5), settings=settings_from(texts))
        for texts in (["lr=1e-3", "epochs=1"], ["epochs=1", "lr=0.001"])
    )
    assert one.name == other.name


def test_another_list_of_alphas_or_number_of_seeds_overwrites_nothing(
    workplace: Path,
) -> None:
    results = workplace / "results" / "nano"
    results.mkdir(parents=True)
    for name in ("selection.json", "records.tar.xz"):
        (results / name).symlink_to(ROOT / "results" / "nano" / name)
    main(["unpack"])
    rendered, written = workplace / "runs" / "results", []
    for alphas, seeds in (("0 5", 2), ("0", 1)):
        before = {path: path.read_bytes() for path in rendered.rglob("alpha*")}
        assert main(["ablation", "--alpha", *alphas.split(), "--seeds", str(seeds)]) == 0
        assert {path: path.read_bytes() for path in before} == before
        written.append(set(rendered.rglob("alpha*")) - set(before))
    assert [len(each) for each in written] == [6, 6]


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
    with pytest.raises(ValueError, match=text.partition("=")[0]):
        settings_from([text])
