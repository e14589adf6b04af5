r"""Fine-tune a base model on an instruction file of one's own, with or without noise.

    python -m experiments finetune --dataset-file alpaca_data.json --limit 2000 --alpha 5 \\
        --model HuggingFaceTB/SmolLM2-135M --other-file evol_instruct_1k.jsonl --out runs/own

Prints the losses without noise, before and after: on the examples trained on, on held-out ones of
the same file (one in ten), and on another file. Overfitting shows in how they part. The model is a
folder, a repository of the hub, or a base model of the laboratory by its role (`llama-2-7b` is then
the 2.4M-parameter stand-in, which knows no real English).

The output folder appears only when everything is written: the model, its log, and
`clean_losses.json` with these losses and the command's arguments.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.commands.options import positive
from experiments.names import UnknownNameError
from experiments.scales.nano import NANO
from neftune.distributions import Noise
from neftune.training.files import write_atomic
from neftune.training.instructions import InstructionRow, check_prompt, load_instructions
from neftune.training.model_folder import check_model_folder
from neftune.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from neftune.training.data import Example

HELP = "fine-tune any model on any instruction file"
PROBE_EXAMPLES = 256
HELD_OUT = 10
"""One example in so many is held out."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--dataset-file", required=True, help=".json, .jsonl, or a hub data set")
    parser.add_argument("--other-file", help="a second set, to see overfitting on")
    parser.add_argument("--model", required=True, help="a folder, a hub name, or a laboratory role")
    parser.add_argument("--prompt", default="alpaca", choices=("alpaca", "vicuna"))
    parser.add_argument("--alpha", type=float, default=5.0, help="0 for no noise")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=positive, default=3)
    parser.add_argument("--limit", type=positive, help="only so many rows of each file, at least 2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Check the arguments and files, then fine-tune, and print the losses without noise.

    Raises:
        ValueError: an argument or a file cannot be what it is, or the training diverged.
        FileExistsError: the output folder exists.
    """
    noise = Noise(arguments.alpha)
    recipe = Recipe(lr=arguments.lr, epochs=arguments.epochs, batch=32, micro_batch=32)
    if not 0 <= arguments.seed < 2**32:
        raise ValueError(f"--seed must be between 0 and 2**32 - 1, not {arguments.seed}")
    _check_out(arguments.out)
    base = base_model(arguments.model)
    sets = {"own": _rows(arguments.dataset_file, arguments, least=2)}
    if arguments.other_file:
        sets["other"] = _rows(arguments.other_file, arguments, least=1)
    with _unfinished(arguments.out) as folder:
        record = _finetune(base, sets, recipe, noise, arguments, folder)
        write_atomic(folder / "clean_losses.json", json.dumps(record, indent=1) + "\n")
    for name, dropped in record["dropped_as_too_long"].items():
        if dropped:
            print(
                f"{_file(name, arguments)}: {dropped} of {len(sets[name])} rows dropped: their "
                f"prompts alone have {recipe.max_length} tokens or more"
            )
    print(f"{record['examples']} examples, alpha {noise.alpha:g}; mean loss a token without noise:")
    for name, before in record["before"].items():
        print(f"  {name:<9} {before:.3f} -> {record['after'][name]:.3f}")
    print(f"Model and log in {arguments.out}.")


def base_model(name: str) -> str | Path:
    """The base model that an argument names.

    Raises:
        UnknownNameError: it is neither a role of the laboratory, nor a folder, nor a hub name.
        ModelFolderError: it is a folder, but not a model's.
    """
    if name in NANO.models:
        return NANO.base(name)
    if Path(name).exists():
        check_model_folder(Path(name))
    elif name.count("/") != 1 or name.startswith(("/", ".", "~")):
        raise UnknownNameError(
            f"unknown model {name!r}: neither a folder, nor a hub name like owner/name, nor a role "
            f"of the laboratory ({', '.join(NANO.models)})"
        )
    return name


def _check_out(out: Path) -> None:
    if os.path.lexists(out):
        raise FileExistsError(f"{out}: exists already; name another folder with --out")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ValueError(f"{out}: cannot be made in {parent}; name another folder with --out")


def _rows(source: str, arguments: argparse.Namespace, least: int) -> list[InstructionRow]:
    rows = load_instructions(source, arguments.limit)
    check_prompt(rows, arguments.prompt, source)
    if len(rows) < least:
        limit = f" (with --limit {arguments.limit})" if arguments.limit else ""
        raise ValueError(
            f"{source}: {len(rows)} row{limit}, but at least {least} are needed: one to train on "
            "and one held out"
        )
    return rows


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A fresh folder beside `out`, which becomes `out` if nothing fails, and else is removed."""
    made = [folder for folder in out.absolute().parents if not folder.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        folder = fresh / "model"
        yield folder
        _give_usual_permissions(folder)
        os.rename(folder, out)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        for empty in made:
            empty.rmdir()
        raise
    fresh.rmdir()


def _give_usual_permissions(folder: Path) -> None:
    """Give files the permissions of any new file; safetensors writes for the owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _finetune(
    base: str | Path,
    sets: Mapping[str, list[InstructionRow]],
    recipe: Recipe,
    noise: Noise,
    arguments: argparse.Namespace,
    out: Path,
) -> dict[str, Any]:
    """Fine-tune, and return what `clean_losses.json` holds.

    Args:
        base: the base model.
        sets: the rows of the set to train on, `own`, and perhaps of an `other`.
        recipe: the hyperparameters.
        noise: the noise.
        arguments: of the command.
        out: the folder of the model.
    """
    from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer

    tokenizer = load_tokenizer(base)
    examples = {
        name: _encoded(_file(name, arguments), rows, tokenizer, arguments.prompt, recipe.max_length)
        for name, rows in sets.items()
    }
    training, held_out = split(examples["own"], arguments.dataset_file, recipe.max_length)
    every = {"train": training, "held_out": held_out}
    if "other" in examples:
        every["other"] = examples["other"]
    probes = {name: probe[:PROBE_EXAMPLES] for name, probe in every.items()}
    model, tokenizer = load_model_and_tokenizer(base, recipe, seed=arguments.seed)
    from neftune.training.finetune import finetune

    log = finetune(
        model, tokenizer, training, recipe, noise, seed=arguments.seed, out=out, probes=probes
    )
    points = {
        name: [entry[f"eval_{name}_loss"] for entry in log if f"eval_{name}_loss" in entry]
        for name in probes
    }
    check_converged(model, points, len(tokenizer), recipe.lr)
    return {
        "before": {name: values[0] for name, values in points.items()},
        "after": {name: values[-1] for name, values in points.items()},
        "examples": len(training),
        "dropped_as_too_long": {n: len(rows) - len(examples[n]) for n, rows in sets.items()},
        "arguments": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in vars(arguments).items()
            if name not in ("command", "run")
        },
    }


def _file(name: str, arguments: argparse.Namespace) -> str:
    return str(arguments.dataset_file if name == "own" else arguments.other_file)


def _encoded(
    source: str,
    rows: Sequence[InstructionRow],
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_length: int,
) -> list[Example]:
    from neftune.training.data import encode

    examples = encode(rows, tokenizer, prompt, max_length)
    if not examples:
        raise ValueError(
            f"{source}: all of its {len(rows)} rows are too long: their prompts alone have "
            f"{max_length} tokens or more"
        )
    return examples


def split(
    examples: Sequence[Example], source: str, max_length: int
) -> tuple[list[Example], list[Example]]:
    """Hold out every tenth example, beginning with the first.

    Args:
        examples: of one file.
        source: the file, for the error message.
        max_length: tokens from which on prompts were too long, for the error message.

    Returns:
        The examples to train on, and the ones held out.

    Raises:
        ValueError: there are fewer than two examples.
    """
    if len(examples) < 2:
        raise ValueError(
            f"{source}: only {len(examples)} row has a prompt of fewer than {max_length} tokens, "
            "but at least 2 are needed: one to train on and one held out"
        )
    training = [example for index, example in enumerate(examples) if index % HELD_OUT]
    return training, list(examples[::HELD_OUT])


def check_converged(
    model: nn.Module, points: Mapping[str, Sequence[float]], vocabulary: int, lr: float
) -> None:
    """Refuse a training that diverged.

    It diverged if a loss or a weight is not finite, or if the loss on the examples trained on is
    higher than before and than that of guessing every token alike.

    Args:
        model: as it is after the training.
        points: the losses of each probe in the course of the training; `train` is one of them.
        vocabulary: the number of tokens.
        lr: the learning rate, for the error message.

    Raises:
        ValueError: the training diverged.
    """
    import torch

    losses = [loss for values in points.values() for loss in values]
    finite = all(map(math.isfinite, losses)) and all(
        bool(torch.isfinite(value).all()) for value in model.parameters()
    )
    before, after = points["train"][0], points["train"][-1]
    if not finite or after > max(before, math.log(vocabulary)):
        raise ValueError(
            f"the training diverged: its loss went from {before:.3f} to {after:.3g}"
            f"{'' if finite else ', and not every number stayed finite'}; give a lower --lr than "
            f"{lr:g}. Nothing was written"
        )
