"""What the noise costs: the time of a training step with noise by that of one without.

    python -m benchmarks.overhead                        # the laboratory's model
    python -m benchmarks.overhead --model FOLDER         # another one, such as SmolLM2's
    python -m benchmarks.overhead --model FOLDER --compiled

One step is a forward and a backward pass over a padded batch, on one thread. The ways take turns
within each round, so that what else the machine does meets all of them alike; the ratio is the
median over rounds, with the middle half of them beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from experiments.scales.nano import NANO
from neftune import attach
from neftune.conformance.libraries import LIBRARIES
from neftune.training import precision

ROWS, TOKENS = 8, 110
ALPHA = 5.0


def ways(model: Any) -> dict[str, Callable[[], AbstractContextManager[Any]]]:
    """How the noise is added, by name; the first is without."""
    return {
        "no noise": nullcontext,
        "this library, one stream": lambda: attach(model, ALPHA),
        "this library, by sequence": lambda: attach(model, ALPHA, by_sequence=True, step=0),
        "transformers' hook": lambda: LIBRARIES["transformers"].on(model, ALPHA),
    }


def measure(folder: str, rounds: int, compiled: bool) -> dict[str, list[float]]:
    """By way, the seconds of a step in each round by those without noise in the same round."""
    torch.set_num_threads(1)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").train()
    drawn = torch.Generator().manual_seed(0)
    size = model.config.vocab_size
    ids = torch.randint(3, size, (ROWS, TOKENS), generator=drawn)
    lengths = torch.randint(TOKENS // 2, TOKENS + 1, (ROWS, 1), generator=drawn)
    mask = (torch.arange(TOKENS) < lengths).long()
    called = torch.compile(model) if compiled else model

    def step() -> float:
        started = time.perf_counter()
        with torch.autocast("cpu", precision.for_training()):
            loss = called(input_ids=ids, attention_mask=mask, labels=ids, use_cache=False).loss
        loss.backward()
        model.zero_grad()
        return time.perf_counter() - started

    found: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        seconds = {}
        for name, way in ways(called).items():
            with way():
                # What is compiled anew for changed hooks is not the noise's own time.
                step()
                seconds[name] = min(step(), step())
        if number >= 0:
            for name, each in seconds.items():
                found.setdefault(name, []).append(each / seconds["no noise"])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(NANO.base("llama-2-7b")))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--compiled", action="store_true", help="with torch.compile")
    arguments = parser.parse_args()
    found = measure(arguments.model, arguments.rounds, arguments.compiled)
    for name, ratios in found.items():
        low, _, high = statistics.quantiles(ratios, n=4)
        print(f"{name}: {statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
