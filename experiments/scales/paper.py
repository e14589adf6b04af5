"""The scale `paper`: the paper's own models, data, judges and benchmarks, on GPUs and with keys.

make plan SCALE=paper TABLE=1
make table1 SCALE=paper
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from eval.decoding import Decoding
from experiments.published import LEARNING_RATE
from experiments.roles.instruction_sets import InstructionSet
from experiments.roles.models import MODELS
from experiments.scales import real_sets
from experiments.scales.fetch import check_model, chosen
from experiments.scales.real_leaderboard import (
    TASKS,
    Task,
    check_task,
    leaderboard,
    leaderboard_identity,
)
from experiments.scales.scale import Check, Material, Scale
from neftune.training.recipe import Execution, Recipe


def checks_at(
    scale: str, tasks: Mapping[str, Task], rows_limit: Callable[[], int | None]
) -> Callable[[Material, InstructionSet], Mapping[str, Check]]:
    """How it is checked within seconds that what a scale does not make itself can be had.

    Args:
        scale: its name.
        tasks: its benchmarks.
        rows_limit: how many rows of a set it trains on; None for all.
    """

    def measuring_model() -> int:
        role = real_sets.MEASURING_MODEL
        return check_model(chosen("MODEL", role, MODELS[role].stand_ins[scale].source), role)

    def checks(material: Material, dataset: InstructionSet) -> Mapping[str, Check]:
        if material == "references":
            return {"AlpacaEval's instructions and reference answers": real_sets.check_references}
        if material == "leaderboard":
            return {
                f"the leaderboard's {label}": partial(check_task, task)
                for label, task in tasks.items()
            }
        found: dict[str, Check] = {
            dataset.title: lambda: real_sets.check_set(scale, dataset, rows_limit())
        }
        if dataset.piece_tokens is not None:
            found[MODELS[real_sets.MEASURING_MODEL].title] = measuring_model
        return found

    return checks


NOTES = {
    "figure3": "ARC (25 shots, acc_norm), HellaSwag (10 shots, acc_norm), MMLU (5 shots, acc, "
    "unweighted mean over 57 subjects) and TruthfulQA (0 shots, mc2), run by lm-eval.",
}

PAPER = Scale(
    name="paper",
    base_recipe=Recipe(lr=LEARNING_RATE, batch=128, micro_batch=4, max_length=512),
    # Appendix B.2 of Dettmers et al. 2023.
    qlora={
        "adapter_rank": 64,
        "adapter_dropout": 0.1,
        "batch": 16,
        "micro_batch": 16,
        "max_grad_norm": 0.3,
        "schedule": "constant",
    },
    base_execution=Execution(
        packed=True,
        gradient_checkpointing=True,
        group_by_length=False,
        noise_by_sequence=True,
        checkpoint_steps=100,
        sharding="fsdp",
    ),
    own_attention=lambda: "sdpa",
    decoding=Decoding(max_new_tokens=1024, batch=32),
    # The 70B, whose shards lie in main memory, needs 1,028 GiB of it.
    resources={"gpu": 8, "mem_mb": 1_200_000, "runtime": 2880},
    runs_per_job=1,
    lr_grid=(LEARNING_RATE,),
    # Around the QLoRA authors' 2e-4.
    qlora_lr_grid=(1e-4, 2e-4, 4e-4),
    published_choices=True,
    rows=real_sets.rows_cut_by("paper"),
    rows_identity=real_sets.rows_identity_at("paper"),
    references=real_sets.reference_outputs,
    references_identity=real_sets.references_identity,
    instructions_identity=real_sets.instructions_identity,
    leaderboard=leaderboard,
    leaderboard_identity=leaderboard_identity,
    checks=checks_at("paper", TASKS, lambda: None),
    notes=NOTES,
)
