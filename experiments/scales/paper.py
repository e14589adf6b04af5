"""The scale `paper`: the paper's own models, data, judges and benchmarks, on GPUs and with keys.

make plan SCALE=paper TABLE=1
make table1 SCALE=paper
"""

from __future__ import annotations

from eval.decoding import Decoding
from experiments.published import LEARNING_RATE
from experiments.scales import real_sets
from experiments.scales.real_leaderboard import leaderboard
from experiments.scales.scale import Scale
from neftune.training.recipe import Execution, Recipe

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
    own_attention="sdpa",
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
    notes=NOTES,
)
