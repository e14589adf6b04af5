"""The plan: its arithmetic, its sources, and what it refuses."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.plan import (
    EXAMPLES,
    GIB,
    GPUS,
    SHAPES,
    PlanError,
    measured_speed,
    memory,
    plan,
    shape_of,
    tokens_of,
    training_flops,
)
from experiments.run import UnknownNameError
from experiments.scale import NANO, PAPER, SMALL
from experiments.selection import load_selection
from experiments.study import Study
from tests.paths import shared

SEVEN_B = SHAPES["meta-llama/Llama-2-7b-hf"]


def cells(text: str, first: str) -> list[str]:
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in row.split("|")[1:-1]]


def test_training_takes_six_operations_a_parameter_and_token_and_eight_with_recomputation() -> None:
    recipe = replace(PAPER.recipe, epochs=1)
    assert training_flops(SEVEN_B, recipe, 10, recompute=False) == 60 * SEVEN_B.parameters
    assert training_flops(SEVEN_B, recipe, 10, recompute=True) == 80 * SEVEN_B.parameters


def test_full_fine_tuning_holds_sixteen_bytes_a_parameter_shared_by_the_gpus() -> None:
    one, eight = (memory(SEVEN_B, PAPER.recipe, gpus, recompute=True) for gpus in (1, 8))
    states = ("weights", "gradients", "optimizer")
    assert sum(one[name] for name in states) == pytest.approx(16 * SEVEN_B.parameters / GIB)
    assert sum(eight[name] for name in states) == pytest.approx(2 * SEVEN_B.parameters / GIB)
    assert eight["activations"] >= one["activations"]


def test_qlora_fits_where_full_fine_tuning_does_not() -> None:
    recipe = replace(PAPER.recipe, adapter="qlora", adapter_rank=64, micro_batch=4)
    assert sum(memory(SEVEN_B, recipe, 1, recompute=True).values()) < 10


def test_the_sizes_of_a_local_model_are_those_of_its_weights() -> None:
    found = shape_of(NANO, "llama-2-7b")
    assert found.parameters == pytest.approx(2_410_176, rel=0.01)
    assert (found.layers, found.hidden, found.vocabulary) == (4, 192, 2048)


def test_tokens_are_the_papers_or_those_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    told = tokens_of("paper", "llama-2-7b", "alpaca", 512)
    assert (told.examples, told.source) == (EXAMPLES["alpaca"], "the paper's statistics")
    monkeypatch.setenv("DATA_alpaca", str(shared("alpaca52k/alpaca_data.json")))
    tokens_of.cache_clear()
    counted = tokens_of("paper", "llama-2-7b", "alpaca", 512)
    assert (counted.examples, counted.source) == (52_002, "the file's characters")
    assert counted.total == pytest.approx(told.total, rel=0.25)
    tokens_of.cache_clear()


def test_table_1_of_the_paper() -> None:
    text = plan(ARTIFACTS["table1"], PAPER, "A100-80GB", 8, 0.35, seeds=1)
    total = cells(text, "total")
    assert total[3:5] == ["8", "0"]
    assert total[12] == f"{8 * 805:,}"
    alpaca = next(line for line in text.splitlines() if "alpaca" in line).split("|")
    assert alpaca[8].strip() == f"{math.ceil(52_002 / 128) * 3:,}"
    assert float(total[13].replace(",", "")) > 50  # dollars, for GPT-4's 6,440 verdicts


def test_the_laboratory_costs_nothing_but_hours() -> None:
    total = cells(plan(ARTIFACTS["table1"], NANO, "A100-80GB", 1, 0.35, seeds=1), "total")
    assert total[13] == "0.00"


def test_without_a_gpu_hours_follow_from_finished_runs_with_the_same_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(NANO, 1, load_selection(NANO))
    tuned, adapted = (
        next(run for run, _ in ARTIFACTS[name].needs(study)) for name in ("table1", "table3")
    )
    monkeypatch.chdir(tmp_path)
    for run, seconds in ((tuned, 18.0), (adapted, 72.0)):
        run.write_spec()
        (run.folder / "made.json").write_text(json.dumps({"model": {"seconds": seconds}}))
    shape, recompute = shape_of(NANO, tuned.model), NANO.execution.gradient_checkpointing
    tokens = tokens_of("nano", tuned.model, tuned.dataset, tuned.recipe.max_length).total
    flops = training_flops(shape, tuned.recipe, tokens, recompute)
    assert measured_speed(NANO, "none") == pytest.approx(flops / 18)
    assert measured_speed(NANO, "qlora") < measured_speed(NANO, "none")
    (tuned.folder / "made.json").unlink()
    with pytest.raises(PlanError, match="nothing was trained here yet at the scale nano"):
        measured_speed(NANO, "none")


def test_what_does_not_fit_says_what_would() -> None:
    with pytest.raises(PlanError, match=r"does not fit: [\d,]+ GiB on each of 1 GPUs of 24 GiB"):
        plan(ARTIFACTS["table2"], PAPER, "4090-24GB", 1, 0.35, seeds=1)
    try:
        plan(ARTIFACTS["table1"], PAPER, "A100-80GB", 1, 0.35, seeds=1)
    except PlanError as error:
        (enough,) = re.findall(r"What would: (\d+) such GPUs", str(error))
    plan(ARTIFACTS["table1"], PAPER, "A100-80GB", int(enough), 0.35, seeds=1)


def test_small_fits_one_gpu() -> None:
    assert "total" in plan(ARTIFACTS["table1"], SMALL, "A5000-24GB", 1, 0.35, seeds=1)


def test_an_unknown_gpu_is_told() -> None:
    with pytest.raises(UnknownNameError, match=f"unknown GPU 'TPU'; known: {sorted(GPUS)[0]}"):
        plan(ARTIFACTS["table1"], PAPER, "TPU", 1, 0.35, None)
