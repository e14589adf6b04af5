"""The scale `nano`: the embedded laboratory. No network, no GPU, no key; minutes on two cores.

NANO.rows(ALPACA, "train")
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval.decoding import Decoding
from experiments.nano.answers import reference_answer
from experiments.nano.instructions import instruction_set, longer_conversations
from experiments.nano.leaderboard import tasks, tasks_identity
from experiments.nano.oracle import facts_of
from experiments.nano.tasks import evaluation_tasks
from experiments.roles.instruction_sets import SHAREGPT, InstructionSet, Split
from experiments.scales.scale import Row, Scale
from neftune.training.recipe import Execution, Recipe

EXAMPLES = 256
"""Rows of each set that are trained on."""


def rows(dataset: InstructionSet, split: Split) -> Sequence[Row]:
    """The rows of a set. Conversations are short here, so pieces are counted in exchanges.

    Where the paper cuts conversations into pieces of 512 tokens, a row has one exchange; where it
    cuts them into longer pieces, a row has two.
    """
    if dataset.role == SHAREGPT.role and (dataset.piece_tokens or 0) > (SHAREGPT.piece_tokens or 0):
        return longer_conversations(split, EXAMPLES)
    return instruction_set(dataset.role, split)[:EXAMPLES]


@lru_cache
def rows_identity(dataset: InstructionSet) -> str:
    """A hash of the training rows."""
    content = json.dumps(list(rows(dataset, "train")), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


@lru_cache
def _references(split: Split) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "instruction": task.instruction,
            "output": reference_answer(task),
            "generator": "reference",
            "dataset": task.subset,
        }
        for task in evaluation_tasks(split)
    )


def references(split: Split) -> list[dict[str, Any]]:
    """The reference answers in the role of text-davinci-003's."""
    return list(map(dict, _references(split)))


@lru_cache
def references_identity(split: Split) -> str:
    """A hash of the reference answers and their instructions."""
    return hashlib.sha256(json.dumps(references(split), sort_keys=True).encode()).hexdigest()


@lru_cache
def instructions_identity(split: Split) -> str:
    """A hash of the instructions that models are asked."""
    asked = [task.instruction for task in evaluation_tasks(split)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _facts(split: Split, texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    tasks = evaluation_tasks(split)
    return tuple(facts_of(task, text) for task, text in zip(tasks, texts, strict=True))


def facts(split: Split, texts: Sequence[str]) -> list[tuple[int, int]]:
    """The right and the wrong facts of each response to the instructions of a split.

    As many counts are kept as records are (`Record.read`), whose texts they are of, because several
    metrics and tables ask for the same.
    """
    return list(_facts(split, tuple(texts)))


def leaderboard() -> tuple[Mapping[str, Sequence[str]], Path]:
    """The laboratory's counterparts of the leaderboard's tasks."""
    return tasks()


JUDGED_TWICE = (
    "The judge in GPT-4's role prefers longer answers as GPT-4 does; the oracle does not look at "
    "length."
)
UNREAD = (
    "About two fifths of the 2,048 tokens do not occur in what the base models have read, those of "
    "the prompt's template among them. Weight decay has left their embeddings close to each other, "
    "and it is these that flip at small alphas."
)
NOTES = {
    "table1": JUDGED_TWICE,
    "table7": JUDGED_TWICE,
    "figure2": "The stand-in for OPT read half of the tokens that LLaMA-2's did, as LLaMA-1's, and "
    "knows fewer facts than either.",
    "figure3": "The tasks are the laboratory's counterparts of ARC (10 shots, acc_norm), HellaSwag "
    "(10 shots, acc_norm), MMLU (5 shots, acc, unweighted mean over 8 subjects) and TruthfulQA (0 "
    "shots, mc2), run by lm-eval.",
    "figure6": UNREAD,
    "figure8": UNREAD,
    "figure9": UNREAD,
    "table8": "The alphas were chosen for the laboratory's stand-ins of 2.4M parameters.",
    "table13": "The laboratory's conversations are short: a piece is one exchange or two, where "
    "the paper's have up to 512 or 1,024 tokens. Both columns use the same conversations.",
}

NANO = Scale(
    name="nano",
    base_recipe=Recipe(lr=5e-4, batch=16, micro_batch=16, max_length=512),
    # Small batches, so that one epoch of so few rows has as many steps as the paper's has.
    qlora={"adapter_rank": 8, "batch": 4, "micro_batch": 4},
    base_execution=Execution(compile_blocks=True),
    # On short rows a CPU trains 1.5 times as fast with it as with `sdpa`.
    own_attention=lambda: "eager",
    decoding=Decoding(batch=256),
    resources={"mem_mb": 3000, "runtime": 120},
    runs_per_job=8,
    lr_grid=(5e-5, 1.5e-4, 4e-4, 1e-3, 2.5e-3),
    qlora_lr_grid=(1e-3, 3e-3, 1e-2, 3e-2),
    published_choices=False,
    rows=rows,
    rows_identity=rows_identity,
    references=references,
    references_identity=references_identity,
    instructions_identity=instructions_identity,
    leaderboard=leaderboard,
    leaderboard_identity=tasks_identity,
    checks=lambda material, dataset: {},
    notes=NOTES,
    facts=facts,
)
