"""The one resolver of hyperparameters and execution, and what a scale says of its stand-ins."""

from dataclasses import replace
from typing import Any

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.cells.render import all_records
from experiments.commands.plan import table as plan_table
from experiments.names import UnknownNameError
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    INSTRUCTION_SETS,
    SHAREGPT,
    InstructionSet,
)
from experiments.runs import selection as selections
from experiments.runs.record import Record
from experiments.runs.selection import PUBLISHED, Choice, Selection, freelb
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.registry import SCALES
from experiments.scales.scale import Adapter, Scale, count_of
from experiments.scales.small import OWN_ATTENTION, SMALL, has_gpu
from neftune.training.recipe import Recipe
from tests.paths import BASE

MODELS = [(scale, model) for scale in SCALES.values() for model in scale.models]
ADAPTERS: tuple[Adapter, ...] = ("none", "qlora")
every_model = pytest.mark.parametrize(
    ("scale", "model"), MODELS, ids=[f"{scale.name}-{model}" for scale, model in MODELS]
)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_longer_pieces_of_conversations_train_with_longer_examples(scale: Scale) -> None:
    for tokens in (512, 1024):
        pieces = replace(SHAREGPT, piece_tokens=tokens)
        assert scale.recipe("llama-2-7b", pieces).max_length == tokens
    assert scale.recipe("llama-2-7b", SHAREGPT).max_length == 512


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_table_13_trains_its_columns_with_512_and_1024_tokens(scale: Scale) -> None:
    cells = ARTIFACTS["table13"].cells(Study(scale, 1, PUBLISHED))
    lengths = {
        cell.column: {run.recipe.max_length for group in cell.groups for run in group}
        for cell in cells
    }
    assert lengths == {"pieces of 512 tokens": {512}, "pieces of 1024 tokens": {1024}}


def fields(recipe: Recipe, *names: str) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in names}


def test_the_70b_has_the_papers_own_hyperparameters() -> None:
    recipe = PAPER.recipe("llama-2-70b", EVOL_INSTRUCT, selected_lr=5e-5)
    assert fields(recipe, "lr", "weight_decay", "batch", "max_length", "epochs") == {
        "lr": 2e-5,
        "weight_decay": 0.1,
        "batch": 64,
        "max_length": 2048,
        "epochs": 3,
    }


def test_the_30b_has_the_papers_own_qlora() -> None:
    recipe = PAPER.recipe("llama-1-30b", ALPACA, adapter="qlora", selected_lr=2e-4)
    own = fields(recipe, "lr", "batch", "adapter_dropout")
    assert own == {"lr": 1e-4, "batch": 32, "adapter_dropout": 0.05}
    smaller = PAPER.recipe("llama-2-13b", ALPACA, adapter="qlora", selected_lr=2e-4)
    own = fields(smaller, "lr", "batch", "adapter_dropout")
    assert own == {"lr": 2e-4, "batch": 16, "adapter_dropout": 0.1}


@every_model
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_the_caller_sets_wins_over_everything(
    scale: Scale, model: str, adapter: Adapter
) -> None:
    changes: dict[str, Any] = {"lr": 0.5, "batch": 6, "max_length": 99, "weight_decay": 0.7}
    recipe = scale.recipe(model, SHAREGPT, adapter=adapter, selected_lr=0.25, **changes)
    assert fields(recipe, *changes) == changes
    assert recipe.adapter == adapter
    assert scale.recipe(model, SHAREGPT, adapter=adapter, selected_lr=0.25).lr != 0.5


@every_model
@pytest.mark.parametrize("batch", (1, 2, 6, 15, 96))
def test_a_smaller_batch_has_passes_that_divide_it(scale: Scale, model: str, batch: int) -> None:
    usual = scale.recipe(model, ALPACA).micro_batch
    recipe = scale.recipe(model, ALPACA, batch=batch)
    assert recipe.batch == batch
    assert batch % recipe.micro_batch == 0
    assert recipe.micro_batch <= usual
    assert scale.recipe(model, ALPACA, batch=batch, micro_batch=1).micro_batch == 1


def test_a_hyperparameter_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="learning_rate"):
        NANO.recipe("llama-2-7b", ALPACA, learning_rate=1)


def sets_of(adapter: Adapter) -> list[InstructionSet]:
    """The sets that a learning rate is chosen for."""
    rates = PUBLISHED.qlora_lr if adapter == "qlora" else PUBLISHED.lr
    return [INSTRUCTION_SETS[role] for role in rates]


@every_model
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_study_has_the_resolved_recipe(scale: Scale, model: str, adapter: Adapter) -> None:
    rates = PUBLISHED.qlora_lr if adapter == "qlora" else PUBLISHED.lr
    study = Study(scale, 1, PUBLISHED)
    for dataset in sets_of(adapter):
        chosen = rates[dataset.role].value
        resolved = scale.recipe(model, dataset, adapter=adapter, selected_lr=chosen)
        (run,) = study.baseline(dataset, model=model, adapter=adapter)
        assert run.recipe == resolved
        (noisy,) = (
            study.neft(dataset, model=model, adapter=adapter)
            if has_alpha(model, dataset)
            else (run,)
        )
        assert noisy.recipe == resolved


def has_alpha(model: str, dataset: InstructionSet) -> bool:
    return f"{model}/{dataset.role}" in PUBLISHED.alpha


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_a_selection_trial_has_the_recipe_of_the_study_that_uses_the_choice(scale: Scale) -> None:
    def firsts(trials: selections.Trials, kind: str) -> dict[str, Choice]:
        return {n: Choice(min(tried)) for (each, n), tried in trials.items() if each == kind}

    rates = selections.rate_trials(scale)
    noise = selections.noise_trials(scale, firsts(rates, "lr"))
    chosen = Selection(
        firsts(rates, "lr"),
        firsts(rates, "qlora_lr"),
        firsts(noise, "alpha"),
        firsts(noise, "freelb")[""],
    )
    trials = [run for tried in (*rates.values(), *noise.values()) for run in tried.values()]
    recipes = {(run.model, run.dataset.role, run.noise, run.recipe) for run in trials}
    study = Study(scale, 1, chosen)
    used = [study.baseline(dataset)[0] for dataset in selections.SETS]
    used += [study.baseline(d, adapter="qlora", epochs=1)[0] for d in selections.QLORA_SETS]
    used += [study.neft(d, model=model)[0] for model, d in selections.alpha_pairs(scale)]
    model, dataset = selections.FREELB_PAIR
    used += study.freelb(dataset, model=model)
    for run in used:
        assert (run.model, run.dataset.role, run.noise, run.recipe) in recipes


@pytest.mark.parametrize("scale", (SMALL, PAPER), ids=lambda scale: scale.name)
@pytest.mark.parametrize("name", ("table1", "table2", "table3"))
def test_the_plan_counts_with_the_recipe_and_execution_of_the_runs(
    scale: Scale, name: str, monkeypatch: pytest.MonkeyPatch, workplace: object
) -> None:
    planned = []

    def counted(shape: Any, recipe: Recipe, execution: Any, gpus: int) -> float:
        planned.append((shape, recipe, execution))
        return 1.0

    monkeypatch.setattr(plan_table, "gpu_memory", counted)
    plan_table.plan(ARTIFACTS[name], scale, "A100-80GB", 8, 0.35, seeds=1)
    cells = ARTIFACTS[name].cells(Study(scale, 1, PUBLISHED))
    runs = {record.run for record in all_records(cells)}
    assert len(runs) > len(planned) > 0
    for run in runs:
        execution = scale.execution(run.model, run.recipe)
        assert (scale.shape(run.model), run.recipe, execution) in planned


def test_opt_and_freelb_train_padded_batches() -> None:
    assert PAPER.execution("llama-2-7b", PAPER.recipe("llama-2-7b", ALPACA)).packed
    assert not PAPER.execution("opt-6.7b", PAPER.recipe("opt-6.7b", ALPACA)).packed
    adversarial = PAPER.recipe("llama-1-7b", EVOL_INSTRUCT, freelb=freelb(1.0))
    assert not PAPER.execution("llama-1-7b", adversarial).packed


def test_an_adapter_on_4_bit_weights_is_not_compiled() -> None:
    assert NANO.execution("llama-2-7b", NANO.recipe("llama-2-7b", ALPACA)).compile_blocks
    adapted = NANO.recipe("llama-2-7b", ALPACA, adapter="qlora")
    assert not NANO.execution("llama-2-7b", adapted).compile_blocks


def test_the_70b_lies_in_main_memory_and_small_models_are_not_divided() -> None:
    def sharding(scale: Scale, model: str) -> str:
        return scale.execution(model, scale.recipe(model, EVOL_INSTRUCT)).sharding

    assert sharding(PAPER, "llama-2-70b") == "fsdp, offload"
    assert sharding(PAPER, "llama-2-13b") == "fsdp"
    assert {sharding(SMALL, model) for model in SMALL.models} == {"none"}


def test_titles_give_the_size_of_a_stand_in_and_only_of_a_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert PAPER.model_title("llama-2-7b") == "LLaMA-2 7B"
    assert PAPER.model_size("llama-2-7b") == "LLaMA-2 7B"
    assert PAPER.model_source("llama-2-7b") == "meta-llama/Llama-2-7b-hf"
    assert SMALL.model_title("llama-2-7b") == "LLaMA-2 7B (268M stand-in)"
    assert NANO.model_title("llama-2-7b") == "LLaMA-2 7B (2.4M stand-in)"
    assert NANO.model_size("llama-2-7b") == "a 2.4M-parameter stand-in for LLaMA-2 7B"
    assert NANO.model_source("llama-2-7b") == "experiments/nano/models/llama-2-7b"
    monkeypatch.setenv("MODEL_llama_2_7b", str(BASE))
    assert PAPER.model_title("llama-2-7b") == "LLaMA-2 7B (own folder, 2.4M)"
    assert PAPER.model_size("llama-2-7b") == (
        "a model of 2.4M parameters from your own folder, in the role of LLaMA-2 7B"
    )
    assert PAPER.model_source("llama-2-7b") == "experiments/nano/models/llama-2-7b"


@pytest.mark.parametrize(
    ("parameters", "text"),
    ((2_410_176, "2.4M"), (134_515_008, "135M"), (68_976_648_192, "69.0B"), (12_300, "12.3k")),
)
def test_a_number_of_parameters_is_rounded(parameters: int, text: str) -> None:
    assert count_of(parameters) == text


def test_the_sizes_of_a_local_model_are_those_of_its_weights() -> None:
    found = NANO.shape("llama-2-7b")
    assert found.parameters == pytest.approx(2_410_176, rel=0.01)
    assert (found.layers, found.hidden, found.vocabulary) == (4, 192, 2048)


def test_judges_and_models_that_a_scale_lacks_are_errors_that_list_the_others() -> None:
    with pytest.raises(UnknownNameError, match="unknown judge 'judy'; known: chatgpt, gpt-4"):
        NANO.judge("judy")
    with pytest.raises(UnknownNameError, match="unknown model 'llama-2-70b'; known: "):
        SMALL.base("llama-2-70b")


def test_overfitting_is_measured_on_another_set() -> None:
    assert NANO.other(ALPACA) == EVOL_INSTRUCT
    assert NANO.other(EVOL_INSTRUCT) == ALPACA


def test_records_of_two_scales_lie_in_different_folders(selection: Selection) -> None:
    folders = [
        Record(Study(scale, 1, selection).baseline(ALPACA)[0], "losses").path.parts[1]
        for scale in SCALES.values()
    ]
    assert folders == list(SCALES)


def test_a_job_has_the_attention_of_the_command_that_sent_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ATTENTION", raising=False)
    for chosen in ("sdpa", "eager"):
        monkeypatch.setenv(OWN_ATTENTION, chosen)
        assert SMALL.attention == chosen
    monkeypatch.setenv("ATTENTION", "sdpa")
    assert SMALL.attention == "sdpa"
    monkeypatch.delenv("ATTENTION")
    monkeypatch.delenv(OWN_ATTENTION)
    assert SMALL.attention == ("sdpa" if has_gpu() else "eager")
