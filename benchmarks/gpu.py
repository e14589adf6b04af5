"""Fine-tuning a 7B model on one GPU: tokens a second, utilization, memory, and what noise costs.

    python -m benchmarks.gpu                             # on a GPU; results in benchmarks/gpu.json
    python -m benchmarks.gpu --tiny                      # on a CPU: a tiny model, to see it run

LLaMA-2 7B's architecture with random weights, bfloat16, full fine-tuning, gradient checkpointing;
lengths drawn from Alpaca's statistics, or from a file (`--lengths alpaca_data.json`). Two ways in
the same run: padded batches with transformers' own kind of noise (one scale for the tensor), and
this project's (each sequence's own scale, drawn by sequence). Utilization is 6 operations a
parameter and real token, over the GPU's peak; padding counts for nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import trange
from transformers import AutoModelForCausalLM, LlamaConfig

from experiments.plan import CHARACTERS_A_TOKEN, GPUS
from neftune import Noise
from neftune.attachment import attach
from neftune.data import read_rows
from neftune.files import write_whole
from neftune.precision import machine
from neftune.prompts import alpaca_prompt

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
    vocab_size=512,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
)


def lengths_of(file: Path | None, count: int, most: int = 512) -> list[int]:
    """Tokens of so many examples: of a file's, or lognormal with Alpaca's mean."""
    rng = np.random.default_rng(0)
    if file is None:
        drawn = rng.lognormal(np.log(100), 0.7, count)
    else:
        texts = [alpaca_prompt(r["instruction"], r["input"]) + r["output"] for r in read_rows(file)]
        drawn = rng.choice([len(text) / CHARACTERS_A_TOKEN for text in texts], count)
    return [int(min(most, max(8, length))) for length in drawn]


def steps_a_second(
    model: Any, batches: list[list[int]], noise: Callable[[], Any], device: torch.device
) -> tuple[float, float]:
    """Seconds for some batches after one to warm up, and the most memory that was held, in GiB."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=device.type == "cuda")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started = 0.0
    with noise():
        for number in trange(len(batches), desc="steps"):
            if number == 1:
                _wait(device)
                started = time.monotonic()
            lengths = torch.tensor(batches[number], device=device)
            mask = (torch.arange(int(lengths.max()), device=device) < lengths[:, None]).long()
            ids = torch.randint(model.config.vocab_size, mask.shape, device=device)
            labels = ids.masked_fill(mask.eq(0), -100)
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        _wait(device)
    held = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
    return time.monotonic() - started, held


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    """Measure, and write what was measured on what."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--lengths", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--gpu", choices=sorted(GPUS), default="H100-80GB", help="for its peak")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not arguments.tiny:
        parser.error("there is no GPU here; --tiny runs the same on a CPU with a tiny model")
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(
        TINY if arguments.tiny else SEVEN_B, dtype=torch.bfloat16
    ).to(device)
    model.activation_checkpointing_enable()
    model.train()
    each = lengths_of(arguments.lengths, arguments.batch * (arguments.steps + 1))
    batches = [each[i : i + arguments.batch] for i in range(0, len(each), arguments.batch)]
    tokens = sum(sum(batch) for batch in batches[1:])
    ways: dict[str, Callable[[], Any]] = {
        "no noise": nullcontext,
        "noise by the tensor's length": lambda: attach(model, Noise(5, scale="padded")),
        "noise by each sequence, in a stream": lambda: attach(model, Noise(5)),
        "noise by each sequence, from its tokens": lambda: attach(
            model, Noise(5), by_sequence=True
        ),
    }
    peak = GPUS[arguments.gpu].tflops * 1e12
    found = {}
    for name, noise in ways.items():
        seconds, held = steps_a_second(model, batches, noise, device)
        found[name] = {
            "tokens per second": round(tokens / seconds),
            "utilization": None
            if device.type == "cpu"
            else round(6 * model.num_parameters() * tokens / seconds / peak, 3),
            "peak GiB": None if device.type == "cpu" else round(held, 1),
        }
    record = {
        "machine": machine(),
        "parameters": model.num_parameters(),
        "tokens": tokens,
        "padding": round(1 - tokens / sum(len(b) * max(b) for b in batches[1:]), 3),
        "ways": found,
    }
    print(json.dumps(record, indent=1))
    if device.type == "cuda" and not arguments.tiny:
        write_whole(OUT, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
