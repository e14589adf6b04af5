"""Fine-tuning of a 7B model on one GPU: speed, utilization, memory, and the cost of the noise.

    python -m benchmarks.gpu                             # on a GPU; writes benchmarks/gpu.json
    python -m benchmarks.gpu --tiny                      # on a CPU, with a tiny model; only prints

The model has LLaMA-2 7B's architecture and random weights. It is fully fine-tuned in bfloat16 with
gradient checkpointing, on random tokens whose lengths are drawn from Alpaca's statistics or from a
file (`--lengths alpaca_data.json`). Four ways are measured in one run:

- padded batches, as transformers' Trainer makes them, without noise;
- padded batches with noise by the length rule `padded`, as transformers' Trainer adds it;
- packed batches, as this project makes them, without noise;
- packed batches with noise by each sequence's own length.

Tokens per second count real tokens, without padding. Utilization counts 6 operations per parameter
and real token, as a share of the GPU's peak. From the packed speed follow the GPU-hours of Table 1
with one seed. Finally, responses per second are measured on as many prompts as AlpacaEval has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import trange
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BatchEncoding,
    DataCollatorForSeq2Seq,
    LlamaConfig,
    PreTrainedTokenizerBase,
)

from eval.decoding import Decoding
from eval.responses import Prompt, respond
from experiments.artifacts import ARTIFACTS
from experiments.cells.cell import records_of
from experiments.commands.plan.costs import CHARACTERS_A_TOKEN, GPUS, tokens_of
from experiments.nano.tasks import evaluation_tasks
from experiments.runs.selection import load_selection
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from neftune import Noise, attach
from neftune.training.data import IGNORED, Example, read_rows
from neftune.training.files import write_atomic
from neftune.training.packing import pack
from neftune.training.precision import machine
from neftune.training.prompts import alpaca_prompt

Collate = Callable[[Sequence[Example]], dict[str, Any]]
OUT = Path(__file__).parent / "gpu.json"
SEVEN_B = LlamaConfig(
    vocab_size=32000,
    hidden_size=4096,
    intermediate_size=11008,
    num_hidden_layers=32,
    num_attention_heads=32,
    max_position_embeddings=4096,
)
TINY = LlamaConfig(
    vocab_size=2048,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
)


def examples_of(file: Path | None, count: int, vocabulary: int, most: int = 512) -> list[Example]:
    """Make examples of random tokens, of which the second half is the response.

    Args:
        file: instruction data whose rows' lengths are used; None draws from Alpaca's statistics.
        count: number of examples.
        vocabulary: number of different tokens.
        most: the largest number of tokens per example.
    """
    rng = np.random.default_rng(0)
    if file is None:
        drawn = rng.lognormal(np.log(100), 0.7, count)
    else:
        texts = [alpaca_prompt(r["instruction"], r["input"]) + r["output"] for r in read_rows(file)]
        drawn = rng.choice([len(text) / CHARACTERS_A_TOKEN for text in texts], count)
    found: list[Example] = []
    for wanted in drawn:
        ids = rng.integers(1, vocabulary, int(min(most, max(8, wanted)))).tolist()
        prompt = len(ids) // 2
        found.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    return found


def train(
    model: Any,
    batches: Sequence[Sequence[Example]],
    collate: Collate,
    noise: AbstractContextManager[Any],
) -> tuple[float, float]:
    """Train on some batches, of which the first is a warm-up.

    Args:
        model: in training mode.
        batches: the examples of each step.
        collate: makes a padded or packed batch of examples.
        noise: the noise of the training, as a context manager.

    Returns:
        The seconds of all batches after the first, and the peak memory in GiB (NaN on a CPU).
    """
    device = model.device
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=device.type == "cuda")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started = 0.0
    with noise:
        for number in trange(len(batches), desc="steps"):
            if number == 1:
                _wait(device)
                started = time.monotonic()
            batch = BatchEncoding(dict(collate(batches[number]))).to(device)
            model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        _wait(device)
    held = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
    return time.monotonic() - started, held


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def hours_of_table_1(tokens_a_second: float) -> float:
    """Return the GPU-hours of the fine-tunings of Table 1 with one seed, all of 7B models."""
    study = Study(PAPER, 1, load_selection(PAPER))
    runs = {record.run for record in records_of(ARTIFACTS["table1"].cells(study))}
    tokens = sum(
        tokens_of(PAPER, run.model, run.dataset, run.recipe.max_length).total * run.recipe.epochs
        for run in runs
    )
    return tokens / tokens_a_second / 3600


def responses_a_second(
    model: Any, tokenizer: PreTrainedTokenizerBase, decoding: Decoding, count: int
) -> float:
    """Return how many of the laboratory's instructions are answered per second."""
    prompts = [
        Prompt(task.instruction, alpaca_prompt(task.instruction), task.subset)
        for task in evaluation_tasks("test")[:count]
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        out = Path(folder) / "model_outputs.json"
        respond(model, tokenizer, prompts, decoding, out, generator="random weights")
        return len(prompts) / (time.monotonic() - started)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--lengths", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--responses", type=int, default=805)
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument(
        "--gpu",
        choices=sorted(GPUS),
        default="H100-80GB",
        help="whose peak the utilization refers to",
    )
    return parser


def main() -> None:
    """Measure, print the result, and write it if it was measured on a GPU."""
    parser = _options()
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not arguments.tiny:
        parser.error("no GPU was found; --tiny measures a tiny model on the CPU")
    torch.manual_seed(0)
    configuration = TINY if arguments.tiny else SEVEN_B
    model: Any = AutoModelForCausalLM.from_config(
        configuration, dtype=torch.bfloat16, attn_implementation=arguments.attention
    ).to(device)
    model.activation_checkpointing_enable()
    model.train()
    count = arguments.batch * (arguments.steps + 1)
    each = examples_of(arguments.lengths, count, configuration.vocab_size)
    batches = [each[i : i + arguments.batch] for i in range(0, count, arguments.batch)]
    sizes = [[len(example["input_ids"]) for example in batch] for batch in batches[1:]]
    tokens = sum(map(sum, sizes))
    tokenizer = AutoTokenizer.from_pretrained(NANO.base("llama-2-7b"))
    pad: Any = DataCollatorForSeq2Seq(tokenizer)
    ways: dict[str, tuple[Collate, Callable[[], AbstractContextManager[Any]]]] = {
        "padded, no noise": (pad, nullcontext),
        "padded, noise by the tensor's length": (
            pad,
            lambda: attach(model, Noise(5, length_rule="padded")),
        ),
        "packed, no noise": (pack, nullcontext),
        "packed, noise by each sequence": (
            pack,
            lambda: attach(model, Noise(5), by_sequence=True, step=0),
        ),
    }
    peak = GPUS[arguments.gpu].tflops * 1e12
    measured: dict[str, dict[str, Any]] = {}
    for name, (collate, noise) in ways.items():
        seconds, held = train(model, batches, collate, noise())
        measured[name] = {
            "tokens per second": round(tokens / seconds),
            "utilization": None
            if device.type == "cpu"
            else round(6 * model.num_parameters() * tokens / seconds / peak, 3),
            "peak GiB": None if device.type == "cpu" else round(held, 1),
        }
    fastest = measured["packed, noise by each sequence"]["tokens per second"]
    decoding = replace(PAPER.decoding, max_new_tokens=16) if arguments.tiny else PAPER.decoding
    answered = responses_a_second(model, tokenizer, decoding, arguments.responses)
    record = {
        "machine": machine(),
        "parameters": model.num_parameters(),
        "attention": arguments.attention,
        "tokens": tokens,
        "padding": round(1 - tokens / sum(len(batch) * max(batch) for batch in sizes), 3),
        "ways": measured,
        "GPU-hours of Table 1, one seed": round(hours_of_table_1(fastest), 1),
        "responses per second": round(answered, 2),
        "tokens of a response": decoding.max_new_tokens,
    }
    print(json.dumps(record, indent=1))
    if device.type == "cuda" and not arguments.tiny:
        write_atomic(OUT, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
