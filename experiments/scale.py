"""What stands for each role of the paper at each scale: models, data, prompts, judges, recipe.

    rows = NANO.rows("alpaca", "train")
    NANO.base("llama-2-7b"), NANO.judges["gpt-4"]

A scale is data and a few functions that fetch data; every table runs at every scale. `nano` is the
embedded laboratory; `small` fits one GPU; `paper` is the paper's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval.decoding import Decoding
from experiments import real_data
from experiments.nano.answers import reference_answer
from experiments.nano.instructions import instruction_set, longer_conversations
from experiments.nano.tasks import evaluation_tasks
from experiments.nano.world import Split
from experiments.sources import Hub, chosen, identity, installed, local
from neftune.spec import Execution, Recipe

NANO_FOLDER = Path(__file__).parent / "nano"


@dataclass(frozen=True)
class Scale:
    """One set of stand-ins.

    Args:
        name: `nano`, `small` or `paper`.
        models: folder or hub repository of each base model, by the paper's role; columns of tables
            whose role a scale does not have are left out.
        prompts: the prompt format of each instruction set (the paper's section 3).
        judges: alpaca-eval configuration folder of each judge's role.
        recipe: the hyperparameters that no tuning touches.
        attention: transformers' attention implementation while training. For nano `eager`: on
            short rows a CPU trains 1.5 times as fast with it as with `sdpa`.
        execution: how a fine-tuning is carried out.
        resources: what a job asks a cluster for, in Snakemake's terms.
        own_executions: what is carried out otherwise for a model, by role.
        runs_per_job: how many runs one process trains, one after the other.
        qlora: hyperparameters that QLoRA has of its own.
        own_recipes: hyperparameters that a model has of its own, by role and adapter.
        decoding: how responses are decoded, greedily.
        leaderboard: the tasks of the Open LLM Leaderboard, by name, with lm-eval's names of them,
            and the folder of their files.
        lr_grid: the learning rates that the baseline is tuned over.
        published_choices: whether learning rates and alphas are the paper's, as long as none were
            chosen anew.
        rows: the rows of an instruction set, by name and split, in its own fields.
        rows_identity: what a run's key knows the training rows by.
        outputs: AlpacaEval's records of the reference answers of a split.
    """

    name: str
    models: Mapping[str, Path | Hub]
    prompts: Mapping[str, str]
    judges: Mapping[str, Path]
    recipe: Recipe
    attention: str
    execution: Execution
    resources: Mapping[str, int]
    own_executions: Mapping[str, Mapping[str, Any]]
    runs_per_job: int
    qlora: Mapping[str, Any]
    own_recipes: Mapping[tuple[str, str], Mapping[str, Any]]
    decoding: Decoding
    leaderboard: Callable[[], tuple[Mapping[str, Sequence[str]], Path]]
    lr_grid: Sequence[float]
    published_choices: bool
    rows: Callable[[str, Split], Sequence[Mapping[str, Any]]]
    rows_identity: Callable[[str], str]
    outputs: Callable[[Split], list[dict[str, Any]]]

    def base(self, role: str) -> Path:
        """The folder of a base model; downloads it if need be."""
        return local(chosen("MODEL", role, self.models[role]), role)

    def base_identity(self, role: str) -> str:
        """What a run's key knows a base model by."""
        return _base_identity(chosen("MODEL", role, self.models[role]), role)

    def other(self, dataset: str) -> str:
        """The set on which overfitting shows (Figure 4: Evol-Instruct, or Alpaca for itself)."""
        return "alpaca" if dataset == "evol-instruct" else "evol-instruct"


@lru_cache
def _base_identity(source: Path | Hub, role: str) -> str:
    if isinstance(source, Path) and source.is_relative_to(NANO_FOLDER):
        weights = source / "model.safetensors"
        if not weights.is_file():
            raise FileNotFoundError(
                f"{weights}: the base model is not there; make it with "
                f"`python -m experiments.nano.pretrain --role {role}`"
            )
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    return identity(source)


NANO_EXAMPLES = 500


def _nano_rows(name: str, split: Split) -> Sequence[Mapping[str, Any]]:
    if name == "sharegpt-1024":
        return longer_conversations(split, NANO_EXAMPLES)
    return instruction_set(name, split)[:NANO_EXAMPLES]


@lru_cache
def _nano_rows_identity(name: str) -> str:
    rows = json.dumps(list(_nano_rows(name, "train")), sort_keys=True)
    return hashlib.sha256(rows.encode()).hexdigest()


def _nano_leaderboard() -> tuple[Mapping[str, Sequence[str]], Path]:
    from experiments.nano.leaderboard import tasks

    return tasks()


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


PROMPT_FORMATS = {
    "alpaca": "alpaca",
    "evol-instruct": "alpaca",
    "sharegpt": "vicuna",
    "sharegpt-1024": "vicuna",
    "open-platypus": "alpaca",
}

NANO = Scale(
    name="nano",
    models={
        role: NANO_FOLDER / "models" / role
        for role in (
            "llama-2-7b",
            "llama-2-13b",
            "llama-2-70b",
            "llama-2-chat-7b",
            "llama-1-7b",
            "llama-1-30b",
            "opt-6.7b",
        )
    },
    prompts=PROMPT_FORMATS,
    judges={
        "gpt-4": NANO_FOLDER / "judges" / "oracle",
        "chatgpt": NANO_FOLDER / "judges" / "biased_oracle",
    },
    recipe=Recipe(lr=5e-4, batch=16, micro_batch=16, max_length=512),
    attention="eager",
    execution=Execution(compile_blocks=True),
    resources={"mem_mb": 3000, "runtime": 120},
    own_executions={},
    runs_per_job=8,
    qlora={"adapter_rank": 8},
    own_recipes={},
    decoding=Decoding(batch=256),
    leaderboard=_nano_leaderboard,
    lr_grid=(2.5e-4, 5e-4, 1e-3),
    published_choices=False,
    rows=_nano_rows,
    rows_identity=_nano_rows_identity,
    outputs=_nano_reference,
)


def _real_leaderboard() -> tuple[Mapping[str, Sequence[str]], Path]:
    from experiments.real_leaderboard import leaderboard

    return leaderboard()


def _real_rows(scale: str) -> Callable[[str, Split], Sequence[Mapping[str, Any]]]:
    """The real sets; conversations are cut by the tokenizer of the scale's LLaMA-2 7B."""

    def tokenizer() -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(SCALES[scale].base("llama-2-7b"))

    return lambda name, split: real_data.rows(name, split, tokenizer)


def _alpaca_eval_judge(name: str) -> Path:
    """The folder of one of alpaca-eval's own configurations."""
    return installed("alpaca_eval") / "evaluators_configs" / name


PAPER = Scale(
    name="paper",
    models={
        "llama-2-7b": Hub("meta-llama/Llama-2-7b-hf", "01c7f73d771dfac7d292323805ebc428287df4f9"),
        "llama-2-13b": Hub("meta-llama/Llama-2-13b-hf", "5c31dfb671ce7cfe2d7bb7c04375e44c55e815b1"),
        "llama-2-70b": Hub("meta-llama/Llama-2-70b-hf", "3aba440b59558f995867ba6e1f58f21d0336b5bb"),
        "llama-2-chat-7b": Hub(
            "meta-llama/Llama-2-7b-chat-hf", "f5db02db724555f92da89c216ac04704f23d4590"
        ),
        "llama-1-7b": Hub("huggyllama/llama-7b", "8416d3fefb0cb3ff5775a7b13c1692d10ff1aa16"),
        "llama-1-30b": Hub("huggyllama/llama-30b", "2b1edcdb3c7ced7bce6c1aa75c94545777c3118b"),
        "opt-6.7b": Hub("facebook/opt-6.7b", "a45aa65bbeb77c1558bc99bedc6779195462dab0"),
    },
    prompts=PROMPT_FORMATS,
    judges={
        "gpt-4": _alpaca_eval_judge("alpaca_eval_gpt4"),
        "chatgpt": _alpaca_eval_judge("chatgpt"),
    },
    recipe=Recipe(lr=5e-5, batch=128, micro_batch=4, max_length=512),
    attention="sdpa",
    execution=Execution(
        packed=True,
        gradient_checkpointing=True,
        split_independent=True,
        checkpoint_steps=100,
        sharding="fsdp",
    ),
    resources={"gpu": 8, "mem_mb": 1_000_000, "runtime": 2880},
    own_executions={
        # Its shards lie in main memory, since GPUs cannot hold them.
        "llama-2-70b": {"sharding": "fsdp, offload"},
        # transformers' OPT does not keep packed sequences apart.
        "opt-6.7b": {"packed": False},
    },
    runs_per_job=1,
    # Appendix B.2 of Dettmers et al. 2023.
    qlora={
        "adapter_rank": 64,
        "adapter_dropout": 0.1,
        "batch": 16,
        "micro_batch": 16,
        "max_grad_norm": 0.3,
        "schedule": "constant",
    },
    own_recipes={
        ("llama-2-70b", "none"): {
            "lr": 2e-5,
            "weight_decay": 0.1,
            "batch": 64,
            "micro_batch": 1,
            "max_length": 2048,
        },
        ("llama-1-30b", "qlora"): {"lr": 1e-4, "batch": 32, "adapter_dropout": 0.05},
    },
    decoding=Decoding(max_new_tokens=1024, batch=32),
    leaderboard=_real_leaderboard,
    lr_grid=(5e-5,),
    published_choices=True,
    rows=_real_rows("paper"),
    rows_identity=real_data.rows_identity,
    outputs=real_data.reference_outputs,
)
SMALL = replace(
    PAPER,
    name="small",
    models={
        "llama-2-7b": Hub("HuggingFaceTB/SmolLM2-135M", "93efa2f097d58c2a74874c7e644dbc9b0cee75a2"),
        "llama-2-chat-7b": Hub(
            "HuggingFaceTB/SmolLM2-135M-Instruct", "12fd25f77366fa6b3b4b768ec3050bf629380bac"
        ),
        "llama-2-13b": Hub(
            "HuggingFaceTB/SmolLM2-360M", "f8027fd0eaeea54caa13c31d31b9fdc459c38b49"
        ),
        "llama-1-7b": Hub("EleutherAI/pythia-160m", "50f5173d932e8e61f858120bcb800b97af589f46"),
        "opt-6.7b": Hub("EleutherAI/pythia-70m", "a39f36b100fe8a5377810d56c3f4789b9c53ac42"),
    },
    recipe=replace(PAPER.recipe, micro_batch=16),
    execution=replace(PAPER.execution, gradient_checkpointing=False, sharding="none"),
    resources={"gpu": 1, "mem_mb": 64_000, "runtime": 720},
    own_executions={},
    own_recipes={},
    decoding=Decoding(max_new_tokens=512, batch=64),
    rows=_real_rows("small"),
)
SCALES = {scale.name: scale for scale in (NANO, SMALL, PAPER)}
