r"""Fine-tune a base model on an instruction file of one's own, with or without noise.

    python -m experiments finetune --dataset-file alpaca_data.json --limit 2000 --alpha 5 \\
        --other-file evol_instruct_1k.jsonl --out runs/own/alpaca-5

Reports the losses without noise, before and after: on the examples trained on, on held-out ones of
the same file (one in ten), and on another file. Overfitting shows in how they part.
"""

from __future__ import annotations

import json
from pathlib import Path

from experiments.run import UnknownNameError
from experiments.scale import NANO
from neftune.files import write_whole
from neftune.spec import Noise, Recipe

PROBE_EXAMPLES = 256


def finetune_file(
    dataset_file: str,
    other_file: str | None,
    model: str,
    prompt: str,
    alpha: float,
    lr: float,
    epochs: int,
    limit: int | None,
    seed: int,
    out: Path,
) -> dict[str, dict[str, float]]:
    """Fine-tune on a file and print the clean losses.

    Args:
        dataset_file: see `neftune.data.load_instructions`.
        other_file: a second set, on which nothing is trained.
        model: a role of the nano laboratory, a folder, or a hub name.
        prompt: a name in `neftune.prompts.PROMPTS`.
        alpha: of the noise; 0 for none.
        lr: peak learning rate.
        epochs: passes over the file.
        limit: use only so many rows of each file.
        seed: of data order and noise.
        out: folder of the tuned model; must not exist.

    Returns:
        `before` and `after`: the loss without noise, by probe.
    """
    noise = Noise(alpha)
    recipe = Recipe(lr=lr, epochs=epochs, batch=32, micro_batch=32)
    if out.exists():
        raise FileExistsError(f"{out}: is there already; name another folder with --out")
    base: str | Path = NANO.base(model) if model in NANO.models else model
    if not Path(base).exists() and str(base).count("/") != 1:
        raise UnknownNameError(
            f"unknown model {model!r}: neither a role ({', '.join(NANO.models)}), nor a folder, "
            "nor a hub name like owner/name"
        )

    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune.data import encode, load_instructions
    from neftune.finetune import finetune

    rows = load_instructions(dataset_file, limit)
    others = load_instructions(other_file, limit) if other_file else []
    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = encode(rows, tokenizer, prompt, recipe.max_length)
    held_out = examples[::10]
    training = [example for index, example in enumerate(examples) if index % 10]
    probes = {"train": training[:PROBE_EXAMPLES], "held_out": held_out[:PROBE_EXAMPLES]}
    if others:
        probes["other"] = encode(others, tokenizer, prompt, recipe.max_length)[:PROBE_EXAMPLES]
    log = finetune(
        AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        tokenizer,
        training,
        recipe,
        noise,
        seed=seed,
        out=out,
        probes=probes,
    )
    points = {
        name: [entry[f"eval_{name}_loss"] for entry in log if f"eval_{name}_loss" in entry]
        for name in probes
    }
    losses = {
        "before": {name: values[0] for name, values in points.items()},
        "after": {name: values[-1] for name, values in points.items()},
    }
    write_whole(out / "clean_losses.json", json.dumps(losses, indent=1) + "\n")
    print(f"{len(training)} examples, alpha {alpha:g}; mean loss a token without noise:")
    for name in probes:
        print(f"  {name:<9} {losses['before'][name]:.3f} -> {losses['after'][name]:.3f}")
    print(f"Model and log in {out}.")
    return losses
