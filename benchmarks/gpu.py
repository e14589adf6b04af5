"""Fine-tuning a 7B model on one GPU: tokens a second, utilization, memory, and what noise costs.

    python -m benchmarks.gpu                             # on a GPU; results in benchmarks/gpu.json
    python -m benchmarks.gpu --tiny                      # on a CPU: a tiny model, to see it run

LLaMA-2 7B's architecture with random weights, bfloat16, full fine-tuning, gradient checkpointing;
lengths drawn from Alpaca's statistics, or from a file (`--lengths alpaca_data.json`). In one run:
batches padded as transformers' Trainer pads them, without noise and with the Trainer's kind of it
(one scale for the tensor), and this project's packed ones, without noise and with each sequence's
own. Utilization is 6 operations a parameter and real token, over the GPU's peak; padding counts for
nothing. Then the hours that Table 1 with one seed would take at the packed speed, and responses a
second to AlpacaEval's number of prompts.
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
from experiments.nano.pretrain import MODELS
from experiments.nano.tasks import evaluation_tasks
from experiments.plan import CHARACTERS_A_TOKEN, GPUS, tokens_of
from experiments.scale import PAPER
from experiments.selection import load_selection
from experiments.study import Study
from neftune import Noise
from neftune.attachment import attach
from neftune.data import IGNORED, Example, read_rows
from neftune.files import write_whole
from neftune.packing import pack
from neftune.precision import machine
from neftune.prompts import alpaca_prompt

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
    """Random tokens, the second half of them a response, as long as a file's rows or Alpaca's."""
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
    """Seconds for some batches after one to warm up, and the most memory that was held, in GiB."""
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
    """GPU-hours of Table 1's fine-tunings with one seed, all of them of 7B models or nearly."""
    study = Study(PAPER, 1, load_selection(PAPER))
    runs = {run for run, _ in ARTIFACTS["table1"].needs(study)}
    tokens = sum(
        tokens_of("paper", run.model, run.dataset, run.recipe.max_length).total * run.recipe.epochs
        for run in runs
    )
    return tokens / tokens_a_second / 3600


def responses_a_second(
    model: Any, tokenizer: PreTrainedTokenizerBase, decoding: Decoding, count: int
) -> float:
    """How fast the laboratory's instructions are answered."""
    prompts = [
        Prompt(task.instruction, alpaca_prompt(task.instruction), task.subset)
        for task in evaluation_tasks("test")[:count]
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        out = Path(folder) / "model_outputs.json"
        respond(model, tokenizer, prompts, decoding, out, generator="random weights")
        return len(prompts) / (time.monotonic() - started)


def main() -> None:
    """Measure, and write what was measured on what."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--lengths", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--responses", type=int, default=805)
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument("--gpu", choices=sorted(GPUS), default="H100-80GB", help="for its peak")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not arguments.tiny:
        parser.error("there is no GPU here; --tiny runs the same on a CPU with a tiny model")
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
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "llama-2-7b")
    pad: Any = DataCollatorForSeq2Seq(tokenizer)
    ways: dict[str, tuple[Collate, Callable[[], AbstractContextManager[Any]]]] = {
        "padded, no noise": (pad, nullcontext),
        "padded, noise by the tensor's length": (
            pad,
            lambda: attach(model, Noise(5, scale="padded")),
        ),
        "packed, no noise": (pack, nullcontext),
        "packed, noise by each sequence": (
            pack,
            lambda: attach(model, Noise(5), by_sequence=True),
        ),
    }
    peak = GPUS[arguments.gpu].tflops * 1e12
    found: dict[str, dict[str, Any]] = {}
    for name, (collate, noise) in ways.items():
        seconds, held = train(model, batches, collate, noise())
        found[name] = {
            "tokens per second": round(tokens / seconds),
            "utilization": None
            if device.type == "cpu"
            else round(6 * model.num_parameters() * tokens / seconds / peak, 3),
            "peak GiB": None if device.type == "cpu" else round(held, 1),
        }
    fastest = found["packed, noise by each sequence"]["tokens per second"]
    decoding = replace(PAPER.decoding, max_new_tokens=16) if arguments.tiny else PAPER.decoding
    answered = responses_a_second(model, tokenizer, decoding, arguments.responses)
    record = {
        "machine": machine(),
        "parameters": model.num_parameters(),
        "attention": arguments.attention,
        "tokens": tokens,
        "padding": round(1 - tokens / sum(len(batch) * max(batch) for batch in sizes), 3),
        "ways": found,
        "GPU-hours of Table 1, one seed": round(hours_of_table_1(fastest), 1),
        "responses per second": round(answered, 2),
        "tokens of a response": decoding.max_new_tokens,
    }
    print(json.dumps(record, indent=1))
    if device.type == "cuda" and not arguments.tiny:
        write_whole(OUT, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
