"""The scale `small`: real models of 70M to 360M parameters and real data, on a CPU or one GPU.

make real SCALE=small                                # docs/real-scale.md has the data's variables

LLaMA-2-Chat 7B is SmolLM2-135M-Instruct and LLaMA-2 7B is gemma-3-270m, both from packages of the
package index. Without a GPU, 384 rows of each set are trained on and 300 of AlpacaEval's
instructions are answered; with one, all of them. ROWS and INSTRUCTIONS say other numbers, or `all`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from eval.decoding import Decoding
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    SHAREGPT,
    InstructionSet,
    Split,
)
from experiments.scales import real_sets
from experiments.scales.hub import SourceError
from experiments.scales.paper import PAPER, checks_at
from experiments.scales.real_leaderboard import ZERO_SHOT_TASKS, leaderboard, leaderboard_identity

ROWS = 384
INSTRUCTIONS = 300
"""On a machine without a GPU."""
OWN_ATTENTION = "NEFTUNE_SMALL_ATTENTION"
"""The variable by which jobs learn what attention the command that sent them has chosen."""
STEPS_BETWEEN_STATES = 8
"""A training of 384 rows has 36 steps of up to three minutes on a CPU. One of a whole set saves its
state where its loss is logged, which is twenty times."""
LEADERBOARD_ITEMS = 500
"""Of each benchmark. Where two models differ on every ninth item, the interval of the difference
of their scores is 3 points wide to each side."""


ROWS_OF_EVOL_INSTRUCT = (
    "The shipped results' rows of Evol-Instruct are drawn from the 1,000 with the highest quality "
    "scores by ChatGPT (docs/real-scale.md)"
)
NOTES = {
    "table1": "Win rates are by a judge that is fitted to GPT-4's public verdicts "
    "(docs/public-judge.md). Their intervals do not cover its error about GPT-4, which need not "
    "average out over the sets; those of `make sets` do. Losses are of 16 rows each, without "
    "intervals; those of `make sets` and `make real` are of 64. "
    f"{ROWS_OF_EVOL_INSTRUCT}.",
}


def wanted(variable: str, on_a_cpu: int) -> int | None:
    """How many of something are wanted: what a variable says, or a number on a CPU.

    Args:
        variable: of the environment; a whole number, or `all`.
        on_a_cpu: how many without it on a machine without a GPU.

    Returns:
        The number; None for all.

    Raises:
        SourceError: the variable says something else.
    """
    # Jobs inherit it, so a node with a GPU does not decide otherwise than where it was asked.
    own = os.environ.get(variable) or ("all" if has_gpu() else str(on_a_cpu))
    os.environ[variable] = own
    if own == "all":
        return None
    if not own.isdecimal() or int(own) < 1:
        raise SourceError(f"{variable}={own}: a whole number from 1, or all")
    return int(own)


DEVICES = ("nvidia[0-9]*", "kfd", "dxg")
"""Files in /dev that a machine with a GPU has: of NVIDIA, of AMD, and in Windows' Linux."""


@cache
def has_gpu() -> bool:
    """Whether torch sees a GPU; it is asked only on a machine that may have one."""
    if not any(True for pattern in DEVICES for _ in Path("/dev").glob(pattern)):
        return False
    import torch

    return torch.cuda.is_available()


def rows_wanted() -> int | None:
    """How many rows of a set are trained on; None for all."""
    return wanted("ROWS", ROWS)


def instructions_wanted() -> int | None:
    """How many of AlpacaEval's instructions are answered; None for all."""
    return wanted("INSTRUCTIONS", INSTRUCTIONS)


def attention() -> str:
    """Plain matrix products on a CPU; on a GPU `sdpa`, which does not hold their scores.

    Rows are short, and plain products are faster for them on a CPU (benchmarks/README.md). On a GPU
    a pass has 32 rows, whose scores would take more than the rest of the training.
    """
    # Jobs inherit it, as they do the number of rows.
    return os.environ.setdefault(OWN_ATTENTION, "sdpa" if has_gpu() else "eager")


def _rows_identity(dataset: InstructionSet) -> str:
    found = real_sets.rows_identity_at("small")(dataset)
    return f"{found}, {rows_wanted() or 'all'} rows"


def references(split: Split) -> list[dict[str, Any]]:
    """The reference answers to the instructions that are answered at this scale."""
    every = real_sets.reference_outputs(split)
    return list(map(dict, real_sets.of_every_subset(every, instructions_wanted())))


def _named(identity: str) -> str:
    return f"{identity}, {instructions_wanted() or 'all'} instructions"


SMALL = replace(
    PAPER,
    name="small",
    base_recipe=replace(PAPER.base_recipe, batch=32, micro_batch=32),
    base_execution=replace(
        PAPER.base_execution,
        packed=False,
        compile_blocks=True,
        gradient_checkpointing=False,
        sharding="none",
        checkpoint_steps=STEPS_BETWEEN_STATES,
        keep_epochs=True,
    ),
    own_attention=attention,
    decoding=Decoding(max_new_tokens=512, batch=160),
    loss_examples=64,
    # OpenPlatypus is on the hub alone.
    sets=(ALPACA, EVOL_INSTRUCT, SHAREGPT),
    # Others, such as `table2`, are asked for by name.
    artifacts={
        "table1": 1,
        "real": 3,
        "treatments": 1,
        "benchmarks": 1,
        "trajectories": 3,
        "sets": 1,
        "figure4": 3,
        "figure5": 3,
    },
    notes=NOTES,
    # Around the paper's 5e-5, and above it, because a training has few steps.
    lr_grid=(5e-5, 1e-4, 2e-4),
    resources={"gpu": 1, "mem_mb": 64_000, "runtime": 720},
    rows_limit=rows_wanted,
    instructions_limit=instructions_wanted,
    rows=real_sets.drawn_rows("small", rows_wanted),
    rows_identity=_rows_identity,
    references=references,
    references_identity=lambda split: _named(real_sets.references_identity(split)),
    instructions_identity=lambda split: _named(real_sets.instructions_identity(split)),
    leaderboard=partial(leaderboard, ZERO_SHOT_TASKS, prefix="zero_shot"),
    leaderboard_identity=lambda: f"{leaderboard_identity()}, {LEADERBOARD_ITEMS} of each task",
    leaderboard_items=LEADERBOARD_ITEMS,
    checks=checks_at("small", ZERO_SHOT_TASKS, rows_wanted),
)
