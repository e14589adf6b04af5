"""The arithmetic of a fine-tuning's costs: tokens, operations, memory.

    tokens_of(PAPER, "llama-2-7b", ALPACA, max_length=512)
    training_flops(shape, recipe, tokens, recompute=True)
    memory(shape, recipe, execution, gpus=8)             # GiB by part, on each GPU

Nothing is trained or downloaded here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.published import EXAMPLES, TABLE_4
from experiments.roles.instruction_sets import SHAREGPT, InstructionSet
from experiments.roles.sources import Shape
from experiments.scales import real_sets
from experiments.scales.scale import Scale
from neftune.training.recipe import Execution, Recipe

GIB = 2**30
ACTIVATIONS = 2**30
"""Bytes for which a CPU splits its passes (`neftune.training.bounded_trainer`)."""
TRAINED_LOGITS, READ_LOGITS, READ_TOKENS = 2**24, 2**25, 2**14
"""Logits held at once with and without gradients, and tokens of a pass without gradients, as in
`neftune.training.token_losses`; that module and the one above import torch, which a plan does not
need."""
CHARACTERS_A_TOKEN = 4.0
PROMPT_CHARACTERS = 350.0
"""An instruction in Alpaca's prompt, about; the prompt alone has 150."""

OUTPUT_CHARACTERS = TABLE_4["training data"]["characters"]


@dataclass(frozen=True)
class Gpu:
    """What a GPU can do.

    Args:
        memory: GiB.
        tflops: dense bfloat16 peak, in 1e12 operations a second.
        bandwidth: of its memory, in 1e12 bytes a second.
    """

    memory: float
    tflops: float
    bandwidth: float


GPUS = {
    "A5000-24GB": Gpu(24, 111, 0.768),
    "4090-24GB": Gpu(24, 165, 1.01),
    "A6000-48GB": Gpu(48, 155, 0.768),
    "A100-40GB": Gpu(40, 312, 1.56),
    "A100-80GB": Gpu(80, 312, 2.04),
    "H100-80GB": Gpu(80, 989, 3.35),
    "H200-141GB": Gpu(141, 989, 4.8),
}


@dataclass(frozen=True)
class Tokens:
    """What an instruction set amounts to.

    Args:
        examples: how many.
        total: tokens in all of them, prompt and response.
        source: how that is known.
    """

    examples: int
    total: int
    source: str


@lru_cache
def tokens_of(scale: Scale, model: str, dataset: InstructionSet, max_length: int) -> Tokens:
    """Count or estimate the tokens of an instruction set.

    They are counted where the rows and the tokenizer are local, estimated from the rows' characters
    where the rows alone are, and from the paper's statistics otherwise.
    """
    if scale.published_choices:
        place = real_sets.source(dataset)
        if not isinstance(place, Path):
            characters = PROMPT_CHARACTERS + OUTPUT_CHARACTERS[dataset.role]
            mean = min(max_length, characters / CHARACTERS_A_TOKEN)
            count = EXAMPLES[dataset.role]
            return Tokens(count, round(count * mean), "the paper's statistics")
        if not isinstance(scale.source(model), Path):
            return _tokens_of_file(place, dataset, max_length)
    return _counted(scale, model, dataset, max_length)


def _counted(scale: Scale, model: str, dataset: InstructionSet, max_length: int) -> Tokens:
    from neftune.training.base_model import load_tokenizer
    from neftune.training.data import checked, encode

    rows = checked(scale.rows(dataset, "train"), dataset.title)
    tokenizer = load_tokenizer(scale.base(model))
    examples = encode(rows, tokenizer, dataset.prompt, max_length)
    return Tokens(len(examples), sum(len(e["input_ids"]) for e in examples), "counted")


def _tokens_of_file(place: Path, dataset: InstructionSet, max_length: int) -> Tokens:
    from neftune.training.data import read_rows
    from neftune.training.prompts import PROMPTS

    rows: Sequence[Any] = read_rows(place)
    if dataset.role == SHAREGPT.role:
        lengths = [sum(len(t["value"]) for t in row["conversations"]) for row in rows]
        total = sum(math.ceil(n / CHARACTERS_A_TOKEN) for n in lengths)
        return Tokens(math.ceil(total / max_length), total, "the file's characters")
    form = PROMPTS[dataset.prompt]
    lengths = [len(form(r["instruction"], r.get("input", ""))) + len(r["output"]) for r in rows]
    total = sum(min(max_length, math.ceil(n / CHARACTERS_A_TOKEN)) for n in lengths)
    return Tokens(len(rows), total, "the file's characters")


def training_flops(shape: Shape, recipe: Recipe, tokens: int, recompute: bool) -> float:
    """Floating-point operations of one fine-tuning (Kaplan et al. 2020, appendix B).

    Forward 2, backward 4 a parameter and token; recomputing activations adds a forward pass, an
    adapter saves the weights' gradients (2), and FreeLB passes `steps` times.
    """
    each = 6 + 2 * recompute - 2 * (recipe.adapter != "none")
    passes = recipe.freelb.steps if recipe.freelb else 1
    return float(each * shape.parameters) * tokens * recipe.epochs * passes


def memory(shape: Shape, recipe: Recipe, execution: Execution, gpus: int) -> dict[str, float]:
    """GiB on each of some GPUs that share a fine-tuning, by what takes it.

    Full fine-tuning keeps float32 weights, gradients and AdamW's two moments; QLoRA keeps 4-bit
    weights with their constants, and these four of the adapters alone. FSDP divides them over the
    GPUs; without it each GPU has the whole. With offload they lie in `main memory`, all of them
    together. Losses are computed in chunks, so logits take no more than a fixed number of bytes,
    whatever the vocabulary and the pass. A model that is not trained (no epochs) has weights alone.

    Args:
        shape: sizes of the model.
        recipe: its hyperparameters.
        execution: how it is carried out.
        gpus: how many share it; 0 for a CPU, which computes in float32 and splits large passes.

    Returns:
        `weights`, `gradients`, `optimizer` and `activations` on each GPU, and `main memory` of the
        machine.
    """
    n = shape.parameters
    blocks = n - 2 * shape.vocabulary * shape.hidden
    if recipe.adapter == "qlora":
        adapter = shape.layers * recipe.adapter_rank * (12 * shape.hidden + 3 * shape.feedforward)
        weights = blocks * 0.52 + 2 * (n - blocks) + 4 * adapter
        gradients, optimizer = 4.0 * adapter, 8.0 * adapter
    else:
        weights, gradients, optimizer = 4.0 * n, 4.0 * n, 8.0 * n
    # One bfloat16 input a block is kept when activations are recomputed; else about 34 bytes a
    # hidden unit (Korthikanti et al. 2022, without the attention's matrix) in every block.
    recompute = execution.gradient_checkpointing
    kept = 2 * shape.layers if recompute else 34 * shape.layers
    working = 34 + 6 * shape.feedforward / shape.hidden
    number = 2 if gpus else 4
    a_token = shape.hidden * (kept + working * recompute) * number / 2
    width = recipe.micro_batch * recipe.max_length
    if not gpus:
        width = min(width, max(recipe.max_length, int(ACTIVATIONS / a_token)))
    trained = width * a_token + _logits(shape, recipe, width)
    # Evaluation keeps nothing for a backward pass, but has more tokens in a pass.
    read = float(READ_TOKENS * (6 * shape.hidden + 3 * shape.feedforward) * number)
    read += 8 * min(READ_TOKENS * shape.vocabulary, READ_LOGITS)
    sharded = execution.sharding != "none" and gpus > 1
    gathered = 2 * 2.0 * blocks / shape.layers if sharded else 0.0
    offloaded = sharded and execution.sharding == "fsdp, offload"
    share = 0.0 if offloaded else 1 / gpus if sharded else 1.0
    if not recipe.epochs:
        gradients = optimizer = trained = gathered = read = 0.0
    parts = {
        "weights": weights * share,
        "gradients": gradients * share,
        "optimizer": optimizer * share,
        "activations": max(trained, read) + gathered,
        "main memory": weights + gradients + optimizer if offloaded else 0.0,
    }
    return {name: value / GIB for name, value in parts.items()}


def _logits(shape: Shape, recipe: Recipe, tokens: int) -> float:
    """Bytes for the loss of a pass: logits, held about four times, and the output layer's gradient.

    That gradient is collected chunk by chunk, before it is added to those of earlier passes.
    """
    found = 16.0 * min(tokens * shape.vocabulary, TRAINED_LOGITS)
    in_chunks = tokens * shape.vocabulary > TRAINED_LOGITS
    if in_chunks and recipe.adapter == "none" and "lm_head" not in recipe.frozen:
        found += 4.0 * shape.vocabulary * shape.hidden
    return found


def gpu_memory(shape: Shape, recipe: Recipe, execution: Execution, gpus: int) -> float:
    """GiB on each GPU, everything together."""
    parts = memory(shape, recipe, execution, gpus)
    return sum(value for name, value in parts.items() if name != "main memory")
