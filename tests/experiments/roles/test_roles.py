"""The paper's models, sets and judges; and a new one, which is one new entry."""

from pathlib import Path

import pytest
import torch

from eval.judge_config import judge_configuration
from experiments.commands.ablation import Ablation, cells
from experiments.names import UnknownNameError
from experiments.roles.instruction_sets import ALPACA, INSTRUCTION_SETS, SHAREGPT
from experiments.roles.judges import JUDGES, Judge, Shipped
from experiments.roles.models import MODELS, Model, StandIn
from experiments.roles.sources import Hub, Shape
from experiments.runs.record import Record, record_at
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.distributions import DISTRIBUTIONS, Distribution, Noise
from tests.paths import BASE


def test_titles_are_those_of_the_paper() -> None:
    titles = [dataset.title for dataset in INSTRUCTION_SETS.values()]
    assert titles == ["Alpaca", "Evol-Instruct", "ShareGPT", "OpenPlatypus"]
    assert [judge.title for judge in JUDGES.values()] == ["GPT-4", "ChatGPT", "Oracle"]
    assert {model.title for model in MODELS.values()} == {
        "OPT 6.7B",
        "LLaMA-1 7B",
        "LLaMA-1 30B",
        "LLaMA-2 7B",
        "LLaMA-2 13B",
        "LLaMA-2 70B",
        "LLaMA-2-Chat 7B",
    }


def test_sharegpt_has_vicunas_prompt_and_pieces_of_512_tokens() -> None:
    assert (SHAREGPT.prompt, SHAREGPT.piece_tokens) == ("vicuna", 512)
    others = [d for d in INSTRUCTION_SETS.values() if d is not SHAREGPT]
    assert {(d.prompt, d.piece_tokens) for d in others} == {("alpaca", None)}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_every_scale_has_the_papers_judges_as_configurations_that_can_be_read(
    scale: Scale,
) -> None:
    for role in ("gpt-4", "chatgpt"):
        assert scale.has_judge(role)
        assert judge_configuration(scale.judge(role))


def test_only_the_laboratory_has_the_oracle() -> None:
    assert [name for name, scale in SCALES.items() if scale.has_judge("oracle")] == ["nano"]
    assert judge_configuration(NANO.judge("oracle"))
    with pytest.raises(UnknownNameError, match="oracle"):
        PAPER.judge("oracle")


def test_the_laboratory_says_whom_a_judge_stands_in_for_and_the_oracle_for_nobody() -> None:
    for role in ("gpt-4", "chatgpt"):
        assert NANO.describe_judge(role).endswith(f"standing in for {JUDGES[role].title}")
    assert "standing in" not in NANO.describe_judge("oracle")
    assert "does not look at length" in NANO.describe_judge("oracle")


def test_each_judge_of_the_laboratory_files_its_verdicts_under_a_name_of_its_own() -> None:
    assert len({NANO.judgement_identity(role, "test") for role in JUDGES}) == len(JUDGES)


def test_every_model_is_itself_at_the_papers_scale() -> None:
    assert PAPER.models == list(MODELS)
    for role, model in MODELS.items():
        assert PAPER.model_title(role) == model.title
        assert PAPER.shape(role).parameters > 6e9


def test_the_laboratory_has_small_stand_ins_of_all_models_but_the_largest() -> None:
    assert [role for role in MODELS if role not in NANO.models] == ["llama-2-70b"]
    for role in NANO.models:
        assert NANO.shape(role).parameters < 1e7


def test_a_new_judge_is_one_entry(monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
    own = NANO.judge("chatgpt")
    entry = Judge("My judge", {"nano": own, "paper": Shipped("claude")}, {"nano": "a friend"})
    monkeypatch.setitem(JUDGES, "mine", entry)
    assert NANO.judge("mine") == own
    assert judge_configuration(PAPER.judge("mine"))
    assert NANO.describe_judge("mine") == "a friend, standing in for My judge"
    assert PAPER.describe_judge("mine") == "My judge"
    found = cells(Ablation((0, 5), judge="mine"), study)
    assert {cell.judge for cell in found} == {"mine"}


@pytest.mark.usefixtures("workplace")
def test_a_new_model_is_one_entry(monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
    shape = Shape(1_235_814_400, 16, 2048, 8192, 128256)
    entry = Model(
        "LLaMA-3.2 1B",
        {
            "nano": StandIn(BASE, recipe={"none": {"lr": 0.5}}),
            "paper": StandIn(Hub("meta-llama/Llama-3.2-1B", "4e20de362430"), shape),
        },
    )
    monkeypatch.setitem(MODELS, "llama-3-1b", entry)
    run, _ = study.baseline(ALPACA, model="llama-3-1b")
    assert run.recipe.lr == 0.5
    run.write_spec()
    assert record_at(Record(run, "losses").path).run == run
    assert NANO.base("llama-3-1b") == BASE
    assert PAPER.model_size("llama-3-1b") == "LLaMA-3.2 1B"
    assert PAPER.model_source("llama-3-1b") == "meta-llama/Llama-3.2-1B"
    assert PAPER.shape("llama-3-1b") == shape
    assert "llama-3-1b" not in SCALES["small"].models
    assert cells(Ablation((0, 5), model="llama-3-1b"), study)


@pytest.mark.usefixtures("workplace")
def test_a_new_distribution_is_one_entry(monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
    def draw(entries: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        return entries.exponential_(generator=generator).sub_(1)

    with pytest.raises(ValueError, match="unknown noise distribution 'exponential'"):
        Noise(5, "exponential")
    monkeypatch.setitem(DISTRIBUTIONS, "exponential", Distribution(draw, variance=1.0))
    run, _ = study.noisy(ALPACA, Noise(5, "exponential"))
    run.write_spec()
    assert record_at(Record(run, "losses").path).run == run
    ablation = Ablation((0, 5), distribution="exponential")
    runs = [run for cell in cells(ablation, study) for run in cell.groups[0]]
    assert {run.noise.distribution for run in runs} == {"exponential"}


def test_the_laboratorys_models_lie_in_its_folder() -> None:
    for role in NANO.models:
        source = NANO.source(role)
        assert isinstance(source, Path)
        assert source.is_dir()
