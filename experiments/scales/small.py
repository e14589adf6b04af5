"""The scale `small`: models of 70M to 360M parameters, which one GPU fine-tunes; all else is real.

make table1 SCALE=small
"""

from __future__ import annotations

from dataclasses import replace

from eval.decoding import Decoding
from experiments.scales import real_sets
from experiments.scales.paper import PAPER, checks_at

SMALL = replace(
    PAPER,
    name="small",
    base_recipe=replace(PAPER.base_recipe, micro_batch=16),
    base_execution=replace(PAPER.base_execution, gradient_checkpointing=False, sharding="none"),
    decoding=Decoding(max_new_tokens=512, batch=64),
    resources={"gpu": 1, "mem_mb": 64_000, "runtime": 720},
    rows=real_sets.rows_cut_by("small"),
    rows_identity=real_sets.rows_identity_at("small"),
    checks=checks_at("small"),
)
