r"""Fine-tune a base model on an instruction file of one's own, with or without noise.

    python -m experiments finetune --dataset-file alpaca_data.json --limit 2000 --alpha 5 \\
        --model HuggingFaceTB/SmolLM2-135M --other-file evol_instruct_1k.jsonl --out runs/own

Prints the losses without noise, before and after: on the examples trained on, on held-out ones of
the same file (one in ten), and on another file. Overfitting shows in how they part. The model is a
folder, a repository of the hub, or a base model of the laboratory by its role (`llama-2-7b` is then
the 2.4M-parameter stand-in, which knows no real English).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from experiments.commands.options import positive
from experiments.names import UnknownNameError
from experiments.scales.nano import NANO
from neftune.distributions import Noise
from neftune.training.files import write_atomic
from neftune.training.recipe import Recipe

HELP = "fine-tune any model on any instruction file"
PROBE_EXAMPLES = 256


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--dataset-file", required=True, help=".json, .jsonl, or a hub data set")
    parser.add_argument("--other-file", help="a second set, to see overfitting on")
    parser.add_argument("--model", required=True, help="a folder, a hub name, or a laboratory role")
    parser.add_argument("--prompt", default="alpaca", choices=("alpaca", "vicuna"))
    parser.add_argument("--alpha", type=float, default=5.0, help="0 for no noise")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=positive, default=3)
    parser.add_argument("--limit", type=positive, help="only so many rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Check the arguments, fine-tune, and print the losses without noise.

    Raises:
        ValueError: an argument cannot be what it is.
        FileExistsError: the output folder exists.
    """
    noise = Noise(arguments.alpha)
    recipe = Recipe(lr=arguments.lr, epochs=arguments.epochs, batch=32, micro_batch=32)
    if arguments.out.exists():
        raise FileExistsError(f"{arguments.out}: exists already; name another folder with --out")
    base = base_model(arguments.model)
    from neftune.training.data import load_instructions

    rows = load_instructions(arguments.dataset_file, arguments.limit)
    others = (
        load_instructions(arguments.other_file, arguments.limit) if arguments.other_file else []
    )
    losses, examples = _finetune(
        base, rows, others, arguments.prompt, recipe, noise, arguments.seed, arguments.out
    )
    write_atomic(arguments.out / "clean_losses.json", json.dumps(losses, indent=1) + "\n")
    print(f"{examples} examples, alpha {noise.alpha:g}; mean loss a token without noise:")
    for name, before in losses["before"].items():
        print(f"  {name:<9} {before:.3f} -> {losses['after'][name]:.3f}")
    print(f"Model and log in {arguments.out}.")


def base_model(name: str) -> str | Path:
    """The base model that an argument names.

    Raises:
        UnknownNameError: it is neither a role of the laboratory, nor a folder, nor a hub name.
    """
    if name in NANO.models:
        return NANO.base(name)
    if not Path(name).is_dir() and name.count("/") != 1:
        raise UnknownNameError(
            f"unknown model {name!r}: neither a folder, nor a hub name like owner/name, nor a role "
            f"of the laboratory ({', '.join(NANO.models)})"
        )
    return name


def _finetune(
    base: str | Path,
    rows: list[Any],
    others: list[Any],
    prompt: str,
    recipe: Recipe,
    noise: Noise,
    seed: int,
    out: Path,
) -> tuple[dict[str, dict[str, float]], int]:
    """Fine-tune; returns the losses `before` and `after` by probe, and the number of examples."""
    from neftune.training.base_model import load_model_and_tokenizer
    from neftune.training.data import encode
    from neftune.training.finetune import finetune

    model, tokenizer = load_model_and_tokenizer(base, recipe, seed=seed)
    examples = encode(rows, tokenizer, prompt, recipe.max_length)
    training = [example for index, example in enumerate(examples) if index % 10]
    probes = {"train": training[:PROBE_EXAMPLES], "held_out": examples[::10][:PROBE_EXAMPLES]}
    if others:
        probes["other"] = encode(others, tokenizer, prompt, recipe.max_length)[:PROBE_EXAMPLES]
    log = finetune(model, tokenizer, training, recipe, noise, seed=seed, out=out, probes=probes)
    points = {
        name: [entry[f"eval_{name}_loss"] for entry in log if f"eval_{name}_loss" in entry]
        for name in probes
    }
    losses = {
        "before": {name: values[0] for name, values in points.items()},
        "after": {name: values[-1] for name, values in points.items()},
    }
    return losses, len(training)
