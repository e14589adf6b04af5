"""A fine-tuning for the tests of stops and of several processes; run it as a module.

python -m tests.neftune.training.long_training OUT BATCH MICRO EPOCHS CHECKPOINT_STEPS [float32]
"""

import sys
from pathlib import Path

import pytest
import torch

from neftune import Noise
from neftune.training.base_model import load_model_and_tokenizer
from neftune.training.data import Example
from neftune.training.finetune import finetune
from neftune.training.recipe import Execution, Recipe
from tests.neftune.models import tiny_llama
from tests.neftune.same_training import float32

EXAMPLES = 48


def examples() -> list[Example]:
    """Sequences of 4 to 27 tokens, no two the same."""
    found: list[Example] = []
    for number in range(EXAMPLES):
        ids = [2 + (number * 7 + place * 3) % 250 for place in range(4 + number % 24)]
        found.append({"input_ids": ids, "labels": [-100, -100, *ids[2:]]})
    return found


def main() -> None:
    """Train a tiny Llama."""
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    batch, micro_batch, epochs, checkpoint_steps = map(int, sys.argv[2:6])
    if "float32" in sys.argv:
        float32(pytest.MonkeyPatch())
    base = out.with_name("base")
    if not (base / "model.safetensors").exists():
        tiny_llama(base, ["some words to learn from"])
    recipe = Recipe(lr=1e-2, epochs=epochs, batch=batch, micro_batch=micro_batch)
    model, tokenizer = load_model_and_tokenizer(base, recipe, seed=0)
    finetune(
        model,
        tokenizer,
        examples(),
        recipe,
        Noise(10),
        seed=0,
        out=out,
        probes={"train": examples()[:8]},
        execution=Execution(
            packed=True,
            group_by_length=False,
            noise_by_sequence=True,
            checkpoint_steps=checkpoint_steps,
            keep_epochs=True,
        ),
    )


if __name__ == "__main__":
    main()
