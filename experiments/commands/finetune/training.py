"""The trainings of `finetune`: for each alpha a model, its losses without noise, and its answers.

    train_each(inputs, folder)                           # folder / "alpha-5", …

A model's folder has three files more than `neftune.training.finetune` writes. `clean_losses.json`:
the mean losses a token before and after, the same for each example, and the command's arguments.
`answers.json`: what the model answers to held-out prompts. `cost.json`: the seconds of all this,
and the machine.
"""

from __future__ import annotations

import gc
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from eval.decoding import Decoding
from eval.losses import example_losses
from eval.responses import Answer, decode
from experiments.commands.finetune.inputs import Inputs
from experiments.commands.finetune.unfinished import WORKING, alpha_folder
from neftune.distributions import Noise
from neftune.training import precision
from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer
from neftune.training.data import IGNORED, Example, encode_each
from neftune.training.files import write_atomic
from neftune.training.finetune import finetune
from neftune.training.instructions import InstructionRow
from neftune.training.prompts import PROMPTS

PROBE_EXAMPLES = 256
HELD_OUT = 10
"""One example in so many is held out."""
LOSSES, ANSWERS, COST = "clean_losses.json", "answers.json", "cost.json"
DECODING = Decoding(batch=16)


@dataclass(frozen=True)
class Data:
    """What every training of a command is given.

    Args:
        training: the examples trained on.
        probes: by name, the examples whose losses without noise are taken.
        asked: rows whose prompts are answered.
        dropped: by set, how many rows were too long.
    """

    training: list[Example]
    probes: dict[str, list[Example]]
    asked: list[InstructionRow]
    dropped: dict[str, int]


def train_each(inputs: Inputs, folder: Path) -> None:
    """Train with each alpha whose model is not there yet.

    Args:
        inputs: the command.
        folder: of the models; each appears in it when it is finished.

    Raises:
        ValueError: the data are too few, the base model cannot be used, or a training diverged.
    """
    missing = [n for n in inputs.noises if not alpha_folder(folder, f"{n.alpha:g}").exists()]
    if not missing:
        return
    data = prepare(inputs)
    for name, count in data.dropped.items():
        if count:
            print(
                f"{inputs.file(name)}: {count} of {len(inputs.sets[name])} rows dropped: their "
                f"prompts alone have {inputs.recipe.max_length} tokens or more",
                flush=True,
            )
    for noise in missing:
        _train(inputs, data, noise, folder / WORKING)
        os.rename(folder / WORKING, alpha_folder(folder, f"{noise.alpha:g}"))
        gc.collect()  # Of the model, whose parts may refer to each other.


def prepare(inputs: Inputs) -> Data:
    """Encode the rows, and hold every tenth example out.

    Raises:
        ValueError: all rows of a file, or all but one of the first, are too long.
    """
    tokenizer = load_tokenizer(inputs.base)
    length = inputs.recipe.max_length
    pairs: dict[str, list[tuple[InstructionRow, Example]]] = {}
    for name, rows in inputs.sets.items():
        encoded = encode_each(rows, tokenizer, inputs.settings["prompt"], length)
        pairs[name] = [(r, e) for r, e in zip(rows, encoded, strict=True) if e is not None]
        if not pairs[name]:
            raise ValueError(
                f"{inputs.file(name)}: all of its {len(rows)} rows are too long: their prompts "
                f"alone have {length} tokens or more"
            )
    own = pairs["own"]
    if len(own) < 2:
        raise ValueError(
            f"{inputs.file('own')}: only {len(own)} row has a prompt of fewer than {length} "
            "tokens, but at least 2 are needed: one to train on and one held out"
        )
    training = [example for place, (_, example) in enumerate(own) if place % HELD_OUT]
    every = {"train": training, "held_out": [example for _, example in own[::HELD_OUT]]}
    if "other" in pairs:
        every["other"] = [example for _, example in pairs["other"]]
    return Data(
        training=training,
        probes={name: examples[:PROBE_EXAMPLES] for name, examples in every.items()},
        asked=[row for row, _ in own[::HELD_OUT]][: inputs.settings["answers"]],
        dropped={name: len(inputs.sets[name]) - len(found) for name, found in pairs.items()},
    )


def _train(inputs: Inputs, data: Data, noise: Noise, out: Path) -> None:
    """Train with one noise, and write all files of the model's folder."""
    recipe, seed, started = inputs.recipe, inputs.settings["seed"], time.monotonic()
    model: Any
    model, tokenizer = load_model_and_tokenizer(inputs.base, recipe, seed=seed)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    before = _losses(model, data)
    log = finetune(
        model,
        tokenizer,
        data.training,
        recipe,
        noise,
        seed=seed,
        out=out,
        probes=data.probes,
        report_to=inputs.reporter,
    )
    points = {
        name: [entry[f"eval_{name}_loss"] for entry in log if f"eval_{name}_loss" in entry]
        for name in data.probes
    }
    check_converged(model, points, len(tokenizer), f"alpha {noise.alpha:g}", recipe.lr)
    after = _losses(model, data)
    tokens = {name: list(map(_labelled, examples)) for name, examples in data.probes.items()}
    record = {
        "before": {name: _mean(before[name], tokens[name]) for name in tokens},
        "after": {name: _mean(after[name], tokens[name]) for name in tokens},
        "examples": len(data.training),
        "dropped_as_too_long": data.dropped,
        "arguments": dict(inputs.settings) | {"alpha": noise.alpha},
        "each": {
            name: {"tokens": tokens[name], "before": before[name], "after": after[name]}
            for name in tokens
        },
    }
    write_atomic(out / LOSSES, json.dumps(record, indent=1) + "\n")
    answers = answer(model, tokenizer, data.asked, inputs.settings["prompt"])
    write_atomic(out / ANSWERS, json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    cost = {"seconds": round(time.monotonic() - started, 1), "machine": precision.machine()}
    write_atomic(out / COST, json.dumps(cost, indent=1) + "\n")


def _losses(model: PreTrainedModel, data: Data) -> dict[str, list[float]]:
    """By probe, the losses a token of each example without noise."""
    model.eval()
    return {name: example_losses(model, examples) for name, examples in data.probes.items()}


def _labelled(example: Example) -> int:
    return sum(label != IGNORED for label in example["labels"][1:])


def _mean(losses: Sequence[float], tokens: Sequence[int]) -> float:
    """The mean over all tokens."""
    return sum(a * b for a, b in zip(losses, tokens, strict=True)) / sum(tokens)


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[InstructionRow],
    prompt: str,
) -> list[dict[str, Any]]:
    """Have a model answer the first human turns of rows.

    Args:
        model: a causal language model.
        tokenizer: the model's tokenizer.
        rows: of instruction data.
        prompt: a name in `neftune.training.prompts.PROMPTS`.

    Returns:
        For each row the instruction, its input, the file's own answer and the model's, each with
        its number of tokens, and whether the model's ended before the largest number of tokens.
    """
    model.eval()
    exchanges = [(*row.earlier, (row.instruction, row.output))[0] for row in rows]
    texts = [
        PROMPTS[prompt](said, row.input) for row, (said, _) in zip(rows, exchanges, strict=True)
    ]
    longest = max(map(len, tokenizer(texts, verbose=False)["input_ids"]))
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    most = min(DECODING.max_new_tokens, max(1, (positions or math.inf) - longest))
    found: list[Answer] = []
    for start in range(0, len(texts), DECODING.batch):
        decoding = Decoding(max_new_tokens=int(most), batch=DECODING.batch)
        found += decode(model, tokenizer, texts[start : start + DECODING.batch], decoding)
    own = tokenizer([said for _, said in exchanges], add_special_tokens=False, verbose=False)
    return [
        {
            "instruction": asked,
            "input": row.input,
            "reference": expected,
            "reference_tokens": len(ids),
            "answer": each.text,
            "tokens": each.tokens,
            "ended": each.ended,
        }
        for row, (asked, expected), ids, each in zip(
            rows, exchanges, own["input_ids"], found, strict=True
        )
    ]


def check_converged(
    model: nn.Module,
    points: Mapping[str, Sequence[float]],
    vocabulary: int,
    noise: str,
    lr: float,
) -> None:
    """Refuse a training that diverged.

    It diverged if a loss or a weight is not finite, or if the loss on the examples trained on is
    higher than before and than that of guessing every token alike.

    Args:
        model: as it is after the training.
        points: the losses of each probe in the course of the training; `train` is one of them.
        vocabulary: the number of tokens.
        noise: what it was trained with, for the error message.
        lr: the learning rate, for the error message.

    Raises:
        ValueError: the training diverged.
    """
    losses = [loss for values in points.values() for loss in values]
    finite = all(map(math.isfinite, losses)) and all(
        bool(torch.isfinite(value).all()) for value in model.parameters()
    )
    before, after = points["train"][0], points["train"][-1]
    if not finite or after > max(before, math.log(vocabulary)):
        raise ValueError(
            f"the training with {noise} diverged: its loss went from {before:.3f} to {after:.3g}"
            f"{'' if finite else ', and not every number stayed finite'}; give a lower --lr than "
            f"{lr:g}, or less noise"
        )
