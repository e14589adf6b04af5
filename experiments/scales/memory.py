"""The memory that a fine-tuning takes, by arithmetic.

memory(shape, recipe, execution, gpus=8)             # GiB by part, on each GPU
gpu_memory(shape, recipe, execution, gpus=8)         # their sum
"""

from __future__ import annotations

from experiments.roles.sources import Shape
from neftune.training.recipe import Execution, Recipe

GIB = 2**30


def memory(shape: Shape, recipe: Recipe, execution: Execution, gpus: int) -> dict[str, float]:
    """GiB on each of some GPUs that share a fine-tuning, by what takes it.

    Full fine-tuning keeps float32 weights, gradients and AdamW's two moments; QLoRA keeps 4-bit
    weights with their constants, and these four of the adapters alone. FSDP divides them over the
    GPUs; without it each GPU has the whole. With offload they lie in `main memory`, all of them
    together.

    Args:
        shape: sizes of the model.
        recipe: its hyperparameters.
        execution: how it is carried out.
        gpus: how many share it.

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
    width = recipe.micro_batch * recipe.max_length
    # One bfloat16 input a block is kept when activations are recomputed; else about 34 bytes a
    # hidden unit (Korthikanti et al. 2022, without the attention's matrix) in every block.
    recompute = execution.gradient_checkpointing
    kept = 2 * shape.layers if recompute else 34 * shape.layers
    working = 34 + 6 * shape.feedforward / shape.hidden
    activations = width * shape.hidden * (kept + working * recompute)
    logits = width * shape.vocabulary * 8.0
    sharded = execution.sharding != "none" and gpus > 1
    gathered = 2 * 2.0 * blocks / shape.layers if sharded else 0.0
    offloaded = sharded and execution.sharding == "fsdp, offload"
    share = 0.0 if offloaded else 1 / gpus if sharded else 1.0
    parts = {
        "weights": weights * share,
        "gradients": gradients * share,
        "optimizer": optimizer * share,
        "activations": activations + logits + gathered,
        "main memory": weights + gradients + optimizer if offloaded else 0.0,
    }
    return {name: value / GIB for name, value in parts.items()}


def gpu_memory(shape: Shape, recipe: Recipe, execution: Execution, gpus: int) -> float:
    """GiB on each GPU, everything together."""
    parts = memory(shape, recipe, execution, gpus)
    return sum(value for name, value in parts.items() if name != "main memory")
