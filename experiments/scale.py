"""What stands for each role of the paper at each scale: models, data, prompts, judges, recipe.

    rows = NANO.rows("alpaca", "train")
    NANO.models["llama-2-7b"], NANO.judges["gpt-4"]

A scale is data and a few functions that fetch data; every table runs at every scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.nano.answers import reference_answer
from experiments.nano.instructions import instruction_set, longer_conversations
from experiments.nano.tasks import evaluation_tasks
from experiments.nano.world import Split
from neftune.spec import Recipe

NANO_FOLDER = Path(__file__).parent / "nano"


@dataclass(frozen=True)
class Scale:
    """One set of stand-ins.

    Args:
        name: `nano`, `small` or `paper`.
        models: folder or hub name of each base model, by the paper's role; columns of tables whose
            role a scale does not have are left out.
        prompts: the prompt format of each instruction set (the paper's section 3).
        judges: alpaca-eval configuration folder of each judge's role.
        recipe: the hyperparameters that no tuning touches.
        attention: transformers' attention implementation while training. For nano `eager`: on
            short rows a CPU trains 1.5 times as fast with it as with `sdpa`.
        compile_blocks: see `neftune.compilation`; faster from a few runs in one process on.
        runs_per_job: how many runs one process trains, one after the other.
        adapter_rank: of QLoRA's adapters.
        lr_grid: the learning rates that the baseline is tuned over.
        rows: the rows of an instruction set, by name and split, in its own fields.
        outputs: AlpacaEval's records of the reference answers of a split.
    """

    name: str
    models: Mapping[str, Path]
    prompts: Mapping[str, str]
    judges: Mapping[str, Path]
    recipe: Recipe
    attention: str
    compile_blocks: bool
    runs_per_job: int
    adapter_rank: int
    lr_grid: Sequence[float]
    rows: Callable[[str, Split], Sequence[Mapping[str, Any]]]
    outputs: Callable[[Split], list[dict[str, Any]]]

    def other(self, dataset: str) -> str:
        """The set on which overfitting shows (Figure 4: Evol-Instruct, or Alpaca for itself)."""
        return "alpaca" if dataset == "evol-instruct" else "evol-instruct"


NANO_EXAMPLES = 500


def _nano_rows(name: str, split: Split) -> Sequence[Mapping[str, Any]]:
    if name == "sharegpt-1024":
        return longer_conversations(split, NANO_EXAMPLES)
    return instruction_set(name, split)[:NANO_EXAMPLES]


def _nano_reference(split: Split) -> list[dict[str, Any]]:
    return [
        {
            "instruction": task.instruction,
            "output": reference_answer(task),
            "generator": "reference",
            "dataset": task.subset,
        }
        for task in evaluation_tasks(split)
    ]


NANO = Scale(
    name="nano",
    models={
        role: NANO_FOLDER / "models" / role
        for role in (
            "llama-2-7b",
            "llama-2-chat-7b",
            "llama-1-7b",
            "opt-6.7b",
        )
    },
    prompts={
        "alpaca": "alpaca",
        "evol-instruct": "alpaca",
        "sharegpt": "vicuna",
        "sharegpt-1024": "vicuna",
        "open-platypus": "alpaca",
    },
    judges={
        "gpt-4": NANO_FOLDER / "judges" / "oracle",
        "chatgpt": NANO_FOLDER / "judges" / "biased_oracle",
    },
    recipe=Recipe(lr=5e-4, batch=16, micro_batch=16, max_length=512),
    attention="eager",
    compile_blocks=True,
    runs_per_job=8,
    adapter_rank=8,
    lr_grid=(2.5e-4, 5e-4, 1e-3),
    rows=_nano_rows,
    outputs=_nano_reference,
)
SCALES = {scale.name: scale for scale in (NANO,)}
