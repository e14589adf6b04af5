"""The plan: its arithmetic, its sources, and what does not fit."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from eval.judge_config import JudgeError
from experiments.__main__ import main
from experiments.artifacts import ARTIFACTS
from experiments.cells.cell import records_of
from experiments.cells.settings import training_records
from experiments.commands.plan.costs import GPUS, tokens_of, training_flops
from experiments.commands.plan.table import PlanError, measured_speed, plan
from experiments.names import UnknownNameError
from experiments.published import EXAMPLES
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, SHAREGPT
from experiments.roles.sources import Shape
from experiments.runs.real_models import REAL_MODELS, arms, paper_noises
from experiments.runs.record import Record
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales import memory as memories
from experiments.scales.memory import GIB, gpu_memory, memory
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.scale import Scale
from experiments.scales.small import SMALL
from neftune.training import bounded_trainer, token_losses
from neftune.training.recipe import Execution, Recipe
from tests.experiments.records import write_record
from tests.paths import ROOT, shared

SEVEN_B = PAPER.shape("llama-2-7b")
STATES = ("weights", "gradients", "optimizer")


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a plan's table, by their titles."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[part.strip() for part in line.strip("|").split("|")] for line in lines]
    return [dict(zip(found[0], row, strict=True)) for row in found[2:]]


def row(text: str, model: str) -> dict[str, str]:
    (found,) = [each for each in rows(text) if each["model"] == model]
    return found


def settings(scale: Scale, model: str) -> tuple[Recipe, Execution]:
    recipe = scale.recipe(model, EVOL_INSTRUCT)
    return recipe, scale.execution(model, recipe)


def test_training_takes_six_operations_a_parameter_and_token_and_eight_with_recomputation() -> None:
    recipe = PAPER.recipe("llama-2-7b", ALPACA, epochs=1)
    assert training_flops(SEVEN_B, recipe, 10, recompute=False) == 60 * SEVEN_B.parameters
    assert training_flops(SEVEN_B, recipe, 10, recompute=True) == 80 * SEVEN_B.parameters


def test_full_fine_tuning_holds_sixteen_bytes_a_parameter_shared_by_the_gpus() -> None:
    one, eight = (memory(SEVEN_B, *settings(PAPER, "llama-2-7b"), gpus) for gpus in (1, 8))
    assert sum(one[name] for name in STATES) == pytest.approx(16 * SEVEN_B.parameters / GIB)
    assert sum(eight[name] for name in STATES) == pytest.approx(2 * SEVEN_B.parameters / GIB)
    assert eight["activations"] >= one["activations"]
    assert one["main memory"] == eight["main memory"] == 0


def test_without_sharding_more_gpus_do_not_lower_the_memory_of_each() -> None:
    shape, (recipe, execution) = SMALL.shape("llama-2-7b"), settings(SMALL, "llama-2-7b")
    assert execution.sharding == "none"
    one, eight = (gpu_memory(shape, recipe, execution, gpus) for gpus in (1, 8))
    assert one == eight
    sharded = replace(execution, sharding="fsdp")
    assert gpu_memory(shape, recipe, sharded, 8) < one


def test_with_offload_the_states_lie_in_main_memory() -> None:
    shape = PAPER.shape("llama-2-70b")
    parts = memory(shape, *settings(PAPER, "llama-2-70b"), 8)
    assert [parts[name] for name in STATES] == [0, 0, 0]
    assert parts["main memory"] == pytest.approx(16 * shape.parameters / GIB)


def test_qlora_fits_where_full_fine_tuning_does_not() -> None:
    recipe = PAPER.recipe("llama-2-7b", ALPACA, adapter="qlora", micro_batch=4)
    assert gpu_memory(SEVEN_B, recipe, PAPER.execution("llama-2-7b", recipe), 1) < 10


def test_tokens_are_the_papers_or_those_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    published = tokens_of(PAPER, "llama-2-7b", ALPACA, 512)
    assert (published.examples, published.source) == (EXAMPLES["alpaca"], "the paper's statistics")
    monkeypatch.setenv("DATA_alpaca", str(shared("alpaca52k/alpaca_data.json")))
    tokens_of.cache_clear()
    counted = tokens_of(PAPER, "llama-2-7b", ALPACA, 512)
    assert (counted.examples, counted.source) == (52_002, "the file's characters")
    assert counted.total == pytest.approx(published.total, rel=0.25)
    tokens_of.cache_clear()


def test_longer_pieces_of_conversations_are_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [{"from": who, "value": "word " * 400} for who in ("human", "gpt") * 4]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps([{"conversations": turns}] * 20))
    monkeypatch.setenv("DATA_sharegpt", str(path))
    tokens_of.cache_clear()
    short, long = (
        tokens_of(PAPER, "llama-2-7b", replace(SHAREGPT, piece_tokens=tokens), tokens)
        for tokens in (512, 1024)
    )
    assert short.total == long.total
    assert short.examples == pytest.approx(2 * long.examples, abs=1)


def test_table_1_of_the_paper(workplace: Path) -> None:
    text = plan(ARTIFACTS["table1"], PAPER, "A100-80GB", 8, 0.35, seeds=1)
    total = row(text, "total")
    assert (total["runs"], total["trained"]) == ("8", "0")
    assert total["judge calls"] == f"{8 * 805:,}"
    (alpaca,) = [each for each in rows(text) if each["set"] == "Alpaca"]
    assert alpaca["steps"] == f"{math.ceil(52_002 / 128) * 3:,}"
    assert float(total["judge dollars"].replace(",", "")) > 50  # for GPT-4's 6,440 verdicts


def test_the_70b_fits_eight_gpus_with_its_shards_in_main_memory(workplace: Path) -> None:
    text = plan(ARTIFACTS["table2"], PAPER, "A100-80GB", 8, 0.35, seeds=None)
    largest = row(text, "LLaMA-2 70B")
    assert float(largest["GiB a GPU"]) < 80
    assert largest["GiB offloaded"] == "1,028"
    assert row(text, "LLaMA-2 13B")["GiB offloaded"] == "–"
    needed = float(largest["GiB offloaded"].replace(",", "")) * 2**30 / 1e6
    assert PAPER.resources["mem_mb"] > needed


def test_the_human_study_takes_140_comparisons(workplace: Path) -> None:
    text = plan(ARTIFACTS["human"], PAPER, "A100-80GB", 8, 0.35, None)
    total = row(text, "total")
    assert total["judge calls"] == "140"
    assert total["runs"] == "2"
    assert float(total["judge dollars"]) > 1
    assert "GPU-hours, whose price is not counted, and for the judge's API $2.54." in text


def test_the_laboratory_costs_nothing_but_hours(workplace: Path, study: Study) -> None:
    (workplace / "results" / "nano").mkdir(parents=True)
    committed = ROOT / "results" / "nano" / "selection.json"
    (workplace / "results" / "nano" / "selection.json").write_text(committed.read_text())
    total = row(plan(ARTIFACTS["table1"], NANO, "A100-80GB", 1, 0.35, seeds=1), "total")
    assert total["judge dollars"] == "0.00"
    assert float(total["training GPU-hours"]) >= 0


def test_what_exists_is_not_planned_again(workplace: Path) -> None:
    study = Study(PAPER, 1, PUBLISHED)
    cells = ARTIFACTS["human"].cells(study)
    (judged,) = records_of(cells)
    write_record(judged, "[]")
    for record in training_records(cells):
        write_record(record, json.dumps({"examples": 52_002, "tokens": 10_000_000}))
    total = row(plan(ARTIFACTS["human"], PAPER, "A100-80GB", 8, 0.35, None), "total")
    assert (total["trained"], total["judge calls"], total["disk GiB"]) == ("2", "0", "0.00")


def test_a_table_of_settings_needs_no_training(workplace: Path) -> None:
    text = plan(ARTIFACTS["table8"], PAPER, "A100-80GB", 8, 0.35, None)
    assert text.endswith("needs no training.")


def test_without_a_gpu_hours_follow_from_finished_runs_with_the_same_adapter(
    workplace: Path, study: Study
) -> None:
    (tuned, _), (adapted, _) = study.baseline(ALPACA), study.baseline(ALPACA, adapter="qlora")
    for run, seconds in ((tuned, 18.0), (adapted, 72.0)):
        run.write_spec()
        write_record(Record(run, "checkpoint"), "{}", seconds=seconds)
    recompute = NANO.execution(tuned.model, tuned.recipe).gradient_checkpointing
    tokens = tokens_of(NANO, tuned.model, tuned.dataset, tuned.recipe.max_length).total
    flops = training_flops(NANO.shape(tuned.model), tuned.recipe, tokens, recompute)
    assert measured_speed(NANO, "none") == pytest.approx(flops / 18)
    assert measured_speed(NANO, "qlora") < measured_speed(NANO, "none")
    (tuned.folder / "made.json").unlink()
    with pytest.raises(PlanError, match="nothing was trained here yet at the scale nano"):
        measured_speed(NANO, "none")


def test_an_error_for_what_does_not_fit_says_what_would(workplace: Path) -> None:
    with pytest.raises(PlanError, match=r"does not fit: [\d,]+ GiB on each of 1 GPUs of 24 GiB"):
        plan(ARTIFACTS["table2"], PAPER, "4090-24GB", 1, 0.35, seeds=1)
    with pytest.raises(PlanError) as error:
        plan(ARTIFACTS["table1"], PAPER, "A100-80GB", 1, 0.35, seeds=1)
    (enough,) = re.findall(r"What would fit: (\d+) such GPUs", str(error.value))
    plan(ARTIFACTS["table1"], PAPER, "A100-80GB", int(enough), 0.35, seeds=1)


def test_what_fits_is_planned_and_what_does_not_is_named_with_what_would(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("plan", "table2", "--scale", "paper", "--gpu", "A100-80GB", "--gpus")
    assert main([*arguments, "2"]) == 0
    text = capsys.readouterr().out
    models = [each["model"] for each in rows(text)]
    assert "LLaMA-2 7B" in models
    assert "LLaMA-2 13B" not in models
    assert "Not in the table: LLaMA-2 13B on Evol-Instruct does not fit: " in text
    (enough,) = re.findall(r"What would fit: (\d+) such GPUs", text)
    main([*arguments, enough])
    text = capsys.readouterr().out
    assert "LLaMA-2 13B" in [each["model"] for each in rows(text)]
    assert "Not in the table" not in text


def test_a_model_that_is_only_decoded_needs_no_memory_for_training(workplace: Path) -> None:
    recipe = PAPER.recipe("llama-2-7b", SHAREGPT, epochs=0)
    parts = memory(SEVEN_B, recipe, PAPER.execution("llama-2-7b", recipe), 1)
    assert sum(parts.values()) == parts["weights"] > 0


def test_a_judge_of_ones_own_has_its_own_price(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dollars() -> str:
        return row(plan(ARTIFACTS["human"], PAPER, None, 8, 0.35, None), "total")["judge dollars"]

    monkeypatch.setattr("experiments.commands.plan.table.measured_speed", lambda *_: 1e12)
    monkeypatch.setenv("JUDGE_MODEL", "my-judge")
    assert dollars() == "not known"
    monkeypatch.setenv("JUDGE_PRICES", "0 0")
    assert dollars() == "0.00"
    monkeypatch.setenv("JUDGE_PRICES", "free")
    with pytest.raises(JudgeError, match="JUDGE_PRICES must be two numbers"):
        dollars()


def test_bounds_are_those_of_the_training() -> None:
    assert memories.ACTIVATIONS == bounded_trainer.ACTIVATIONS
    for name in ("TRAINED_LOGITS", "READ_LOGITS", "READ_TOKENS"):
        assert getattr(memories, name) == getattr(token_losses, name)


def measured() -> dict[str, float]:
    """GB of fine-tunings by their vocabulary or model, from the page of benchmarks."""
    page = (ROOT / "benchmarks" / "README.md").read_text()
    found = re.findall(r"\| ([\d,]+) \| [\d.]+ GB \| ([\d.]+) GB \|", page)
    found += re.findall(r"\| (SmolLM2-135M|Gemma 3 270M) \|.*\| ([\d.]+) GB \|", page)
    return {name: float(gigabytes) for name, gigabytes in found}


def four_layers(vocabulary: int) -> Shape:
    parameters = vocabulary * 256 + 4 * (4 * 256 * 256 + 3 * 256 * 576)
    return Shape(parameters, 4, 256, 576, vocabulary)


@pytest.mark.parametrize(
    ("name", "shape", "rows"),
    (
        ("2,048", four_layers(2_048), 4),
        ("49,152", four_layers(49_152), 4),
        ("262,144", four_layers(262_144), 4),
        ("SmolLM2-135M", Shape(134_515_008, 30, 576, 1536, 49_152), 32),
        ("Gemma 3 270M", Shape(268_098_176, 18, 640, 2048, 262_144), 32),
    ),
)
def test_memory_is_about_what_was_measured_on_a_cpu(name: str, shape: Shape, rows: int) -> None:
    recipe, program = Recipe(epochs=1, batch=rows, micro_batch=rows), 0.5
    planned = gpu_memory(shape, recipe, Execution(), gpus=0) * GIB / 1e9
    assert planned + program == pytest.approx(measured()[name], rel=0.25)


def test_logits_take_no_more_memory_in_larger_passes(workplace: Path) -> None:
    shape = Shape(268_098_176, 18, 640, 2048, 262_144)
    small, large = (
        memory(shape, Recipe(batch=64, micro_batch=rows), Execution(), 1)["activations"]
        for rows in (8, 64)
    )
    all_logits = 56 * 512 * shape.vocabulary * 4 / GIB
    assert large - small < all_logits / 2


def test_small_fits_one_gpu(workplace: Path) -> None:
    assert "total" in plan(ARTIFACTS["table1"], SMALL, "A5000-24GB", 1, 0.35, seeds=1)


def test_runs_stopped_early_or_interpolated_cost_no_training_and_their_weights_are_kept(
    workplace: Path,
) -> None:
    *found_rows, _ = rows(plan(ARTIFACTS["real"], SMALL, "H100-80GB", 1, 0.35, seeds=1))
    both = [row for row in found_rows if row["steps"] != "0"]
    for model, found in zip(REAL_MODELS, both, strict=True):
        assert (found["runs"], found["trained"]) == (str(len(paper_noises())), "0")
        weights = 4 * SMALL.shape(model).parameters / GIB
        epochs = SMALL.recipe(model, ALPACA).epochs
        kept = len(arms(Study(SMALL, 1, PUBLISHED), model)) + len(paper_noises()) * (epochs - 1)
        assert float(found["disk GiB"]) == pytest.approx(kept * weights, abs=0.01)


@pytest.mark.parametrize(("limit", "steps", "calls"), (("96", 9, 40), ("all", 4878, 805)))
def test_a_scale_is_planned_for_the_rows_and_instructions_that_it_takes(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, limit: str, steps: int, calls: int
) -> None:
    monkeypatch.setenv("ROWS", limit)
    monkeypatch.setenv("INSTRUCTIONS", "all" if limit == "all" else "40")
    tokens_of.cache_clear()
    untuned, found, *_ = rows(plan(ARTIFACTS["real"], SMALL, "H100-80GB", 1, 0.35, seeds=1))
    tokens_of.cache_clear()
    assert (untuned["steps"], untuned["judge calls"]) == ("0", f"{calls:,}")
    assert found["steps"] == f"{steps:,}"
    judged = len(arms(Study(SMALL, 1, PUBLISHED), REAL_MODELS[0]))
    assert found["judge calls"] == f"{judged * calls:,}"


def test_an_unknown_gpu_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=f"unknown GPU 'TPU'; known: {sorted(GPUS)[0]}"):
        plan(ARTIFACTS["table1"], PAPER, "TPU", 1, 0.35, None)


def test_an_impossible_share_of_the_peak_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "table1", "--scale", "paper", "--mfu", "1.5"])
    assert "must be above 0 and at most 1, not '1.5'" in capsys.readouterr().err
