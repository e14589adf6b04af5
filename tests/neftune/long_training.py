"""A fine-tuning for the tests of stops and of several processes; run it as a module.

python -m tests.neftune.long_training OUT BATCH MICRO_BATCH EPOCHS CHECKPOINT_STEPS
"""

import sys
from pathlib import Path

import torch

from neftune.data import Example
from neftune.finetune import finetune
from neftune.spec import Execution, Noise, Recipe
from tests.experiments.hub_models import tiny_llama

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
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune.vocabulary import fit

    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    batch, micro_batch, epochs, checkpoint_steps = map(int, sys.argv[2:])
    base = out.with_name("base")
    if not (base / "model.safetensors").exists():
        tiny_llama(base, ["some words to learn from"])
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(base)
    fit(model, tokenizer)
    finetune(
        model,
        tokenizer,
        examples(),
        Recipe(lr=1e-2, epochs=epochs, batch=batch, micro_batch=micro_batch),
        Noise(10),
        seed=0,
        out=out,
        probes={"train": examples()[:8]},
        execution=Execution(packed=True, split_independent=True, checkpoint_steps=checkpoint_steps),
    )


if __name__ == "__main__":
    main()
