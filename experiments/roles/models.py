"""The paper's base models: their titles, and what stands in for each at every scale.

    MODELS["llama-2-7b"].title                           # "LLaMA-2 7B"
    MODELS["llama-2-7b"].stand_ins["nano"].pretraining   # how the laboratory's counterpart is made

One entry is all that a new model needs: tables name its role, and each scale that is in its
`stand_ins` has it. A laboratory model is then pretrained with
`python -m experiments.nano.pretrain --role ROLE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from experiments.paths import LABORATORY
from experiments.roles.packaged import GEMMA_270M, SMOLLM2_INSTRUCT
from experiments.roles.sources import Hub, Shape, Source


@dataclass(frozen=True)
class Pretraining:
    """How a base model of the laboratory is made (`experiments/nano/pretrain.py`).

    Args:
        d: embedding dimension.
        layers: transformer blocks.
        heads: attention heads.
        feedforward: width of the feed-forward layers.
        tokens: length of the learning rate's schedule, in tokens.
        lr: peak learning rate.
        warmup: steps in which the learning rate rises.
        batch: rows of 512 tokens per step.
        architecture: `llama` or `opt`.
        stop: the share of the tokens after which the training leaves its schedule.
        cooldown: the share of the tokens over which its learning rate then falls to 0.
        seed: of the initial weights.
    """

    d: int
    layers: int
    heads: int
    feedforward: int
    tokens: int
    lr: float = 3e-3
    warmup: int = 200
    batch: int = 4
    architecture: Literal["llama", "opt"] = "llama"
    stop: float = 1.0
    cooldown: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class StandIn:
    """What stands in for a model at one scale.

    Args:
        source: a folder, or a repository of the hub.
        shape: sizes of a hub model; those of a folder are read from its configuration.
        recipe: hyperparameters that this model has of its own, by adapter (`none` or `qlora`).
        execution: fields of `Execution` that this model has of its own.
        pretraining: how a laboratory model is made; None where it is not pretrained here.
    """

    source: Source
    shape: Shape | None = None
    recipe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    pretraining: Pretraining | None = None


@dataclass(frozen=True)
class Model:
    """A base model of the paper.

    Args:
        title: its name in the paper.
        stand_ins: by the name of the scale. At the scale `paper` it is the model itself.
        tuned_on: the roles of the instruction sets for which an alpha is chosen for it
            (`make selection`), so that tables can show both of its arms.
    """

    title: str
    stand_ins: Mapping[str, StandIn]
    tuned_on: tuple[str, ...] = ()


def _laboratory(role: str, pretraining: Pretraining | None) -> StandIn:
    return StandIn(LABORATORY / "models" / role, pretraining=pretraining)


LLAMA_7B = Shape(6_738_415_616, 32, 4096, 11008, 32000)

FOUR_SETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")

MODELS: dict[str, Model] = {
    "llama-2-7b": Model(
        "LLaMA-2 7B",
        {
            "nano": _laboratory("llama-2-7b", Pretraining(192, 4, 4, 448, 6_000_000)),
            "small": StandIn(GEMMA_270M, Shape(268_098_176, 18, 640, 2048, 262144)),
            "paper": StandIn(
                Hub("meta-llama/Llama-2-7b-hf", "01c7f73d771dfac7d292323805ebc428287df4f9"),
                LLAMA_7B,
            ),
        },
        tuned_on=FOUR_SETS,
    ),
    "llama-2-chat-7b": Model(
        "LLaMA-2-Chat 7B",
        {
            # Made from the base model by experiments/nano/chat.py.
            "nano": _laboratory("llama-2-chat-7b", None),
            "small": StandIn(SMOLLM2_INSTRUCT, Shape(134_515_008, 30, 576, 1536, 49152)),
            "paper": StandIn(
                Hub("meta-llama/Llama-2-7b-chat-hf", "f5db02db724555f92da89c216ac04704f23d4590"),
                LLAMA_7B,
            ),
        },
        tuned_on=("evol-instruct",),
    ),
    "llama-2-13b": Model(
        "LLaMA-2 13B",
        {
            "nano": _laboratory("llama-2-13b", Pretraining(288, 5, 6, 672, 6_000_000, lr=2e-3)),
            "small": StandIn(
                Hub("HuggingFaceTB/SmolLM2-360M", "f8027fd0eaeea54caa13c31d31b9fdc459c38b49"),
                Shape(361_821_120, 32, 960, 2560, 49152),
            ),
            "paper": StandIn(
                Hub("meta-llama/Llama-2-13b-hf", "5c31dfb671ce7cfe2d7bb7c04375e44c55e815b1"),
                Shape(13_015_864_320, 40, 5120, 13824, 32000),
            ),
        },
        tuned_on=("evol-instruct",),
    ),
    "llama-2-70b": Model(
        "LLaMA-2 70B",
        {
            "paper": StandIn(
                Hub("meta-llama/Llama-2-70b-hf", "3aba440b59558f995867ba6e1f58f21d0336b5bb"),
                Shape(68_976_648_192, 80, 8192, 28672, 32000),
                # Section 4 and appendix A.1 of the paper.
                recipe={
                    "none": {
                        "lr": 2e-5,
                        "weight_decay": 0.1,
                        "batch": 64,
                        "micro_batch": 1,
                        "max_length": 2048,
                    }
                },
                # GPUs cannot hold its shards, so these lie in main memory.
                execution={"sharding": "fsdp, offload"},
            ),
        },
        tuned_on=("evol-instruct",),
    ),
    "llama-1-7b": Model(
        "LLaMA-1 7B",
        {
            "nano": _laboratory("llama-1-7b", Pretraining(192, 4, 4, 448, 3_000_000)),
            "small": StandIn(
                Hub("EleutherAI/pythia-160m", "50f5173d932e8e61f858120bcb800b97af589f46"),
                Shape(162_322_944, 12, 768, 3072, 50304),
            ),
            "paper": StandIn(
                Hub("huggyllama/llama-7b", "8416d3fefb0cb3ff5775a7b13c1692d10ff1aa16"), LLAMA_7B
            ),
        },
        tuned_on=FOUR_SETS,
    ),
    "llama-1-30b": Model(
        "LLaMA-1 30B",
        {
            "nano": _laboratory(
                "llama-1-30b",
                Pretraining(288, 5, 6, 672, 6_000_000, lr=2e-3, stop=0.5, cooldown=0.1),
            ),
            "paper": StandIn(
                Hub("huggyllama/llama-30b", "2b1edcdb3c7ced7bce6c1aa75c94545777c3118b"),
                Shape(32_528_943_616, 60, 6656, 17920, 32000),
                # Section 4: batch size doubled, learning rate halved. The dropout is that of the
                # QLoRA authors for models above 13B.
                recipe={"qlora": {"lr": 1e-4, "batch": 32, "adapter_dropout": 0.05}},
            ),
        },
    ),
    "opt-6.7b": Model(
        "OPT 6.7B",
        {
            "nano": _laboratory(
                "opt-6.7b",
                Pretraining(192, 4, 4, 768, 3_000_000, lr=2e-3, architecture="opt"),
            ),
            "small": StandIn(
                Hub("EleutherAI/pythia-70m", "a39f36b100fe8a5377810d56c3f4789b9c53ac42"),
                Shape(70_426_624, 6, 512, 2048, 50304),
            ),
            "paper": StandIn(
                Hub("facebook/opt-6.7b", "a45aa65bbeb77c1558bc99bedc6779195462dab0"),
                Shape(6_658_473_984, 32, 4096, 16384, 50272),
                # transformers' OPT does not keep packed sequences apart.
                execution={"packed": False},
            ),
        },
        tuned_on=FOUR_SETS,
    ),
}

SEVEN_B = ("llama-2-7b", "llama-1-7b", "opt-6.7b")
"""The base models of about 7B parameters, which Figure 2 and Table 8 compare."""
