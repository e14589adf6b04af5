"""The memory that a fine-tuning takes, by arithmetic.

memory(shape, recipe, execution, gpus=8)             # GiB by part, on each GPU
gpu_memory(shape, recipe, execution, gpus=8)         # their sum
"""

from __future__ import annotations

from experiments.roles.sources import Shape
from neftune.training.recipe import Execution, Recipe

GIB = 2**30
ACTIVATIONS = 3 * 2**28
"""Bytes for which a CPU splits its passes (`neftune.training.bounded_trainer`)."""
KEPT, SPLIT = 1.15, 1.5
"""On a CPU a training of many logits keeps freed memory, a part of which fits no later tensor; one
of batches that are split into passes of many sizes keeps more (benchmarks/README.md)."""
SLOPE_BYTES = 2**27
"""Of the gradients in logits that are held at once."""
TRAINED_LOGITS, READ_LOGITS, READ_TOKENS = 2**24, 2**25, 2**14
"""Logits held at once with and without gradients, and tokens of a pass without gradients, as in
`neftune.training.token_losses`; that module and the one above import torch, which a plan does not
need."""


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
    stored = 2 * shape.layers if recompute else 34 * shape.layers
    working = 34 + 6 * shape.feedforward / shape.hidden
    number = 2 if gpus else 4
    a_token = shape.hidden * (stored + working * recompute) * number / 2
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
    kept = 1.0
    if not gpus and width < recipe.micro_batch * recipe.max_length:
        kept = SPLIT
    elif not gpus and width * shape.vocabulary > TRAINED_LOGITS:
        kept = KEPT
    parts = {
        "weights": weights * share,
        "gradients": gradients * share,
        "optimizer": optimizer * share,
        "activations": max(trained, read) + gathered,
        "main memory": weights + gradients + optimizer if offloaded else 0.0,
    }
    return {name: kept * value / GIB for name, value in parts.items()}


def _logits(shape: Shape, recipe: Recipe, tokens: int) -> float:
    """Bytes for the loss of a pass: logits, held about four times, and what the vocabulary needs.

    In chunks that is a bfloat16 copy of the output layer, the gradients in some logits, and an
    embedding's gradient of a pass, before it is added to those of earlier passes.
    """
    found = 16.0 * min(tokens * shape.vocabulary, TRAINED_LOGITS)
    in_chunks = tokens * shape.vocabulary > TRAINED_LOGITS
    if in_chunks and recipe.adapter == "none" and "lm_head" not in recipe.frozen:
        found += 6.0 * shape.vocabulary * shape.hidden + SLOPE_BYTES
    return found


def gpu_memory(shape: Shape, recipe: Recipe, execution: Execution, gpus: int) -> float:
    """GiB on each GPU, everything together."""
    parts = memory(shape, recipe, execution, gpus)
    return sum(value for name, value in parts.items() if name != "main memory")
