"""What the noise costs: the time of a training step with noise by that of one without.

    python -m benchmarks.overhead                        # the laboratory's model
    python -m benchmarks.overhead --model FOLDER         # another one, such as SmolLM2's
    python -m benchmarks.overhead --model FOLDER --compiled

One step is a forward and a backward pass over a padded batch, on one thread, in the processor's
time of this process. The ways take turns within each round, so that what else the machine does
meets all of them alike; the ratio is the median over rounds, with the middle half beside it.

Steps of the same kind differ by a few per cent, which is more than the noise costs. Its own time is
therefore measured on the same model without its blocks, too, whose passes differ by what the noise
takes, and is given as a share of a whole step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from experiments.scales.nano import NANO
from neftune import attach
from neftune.conformance.libraries import LIBRARIES
from neftune.training import precision

ROWS, TOKENS = 8, 110
ALPHA = 5.0
CLEAN = "no noise"


def ways(model: Any) -> dict[str, Callable[[], AbstractContextManager[Any]]]:
    """How the noise is added, by name; the first is without."""
    return {
        CLEAN: nullcontext,
        "this library, one stream": lambda: attach(model, ALPHA),
        "this library, by sequence": lambda: attach(model, ALPHA, by_sequence=True, step=0),
        "transformers' hook": lambda: LIBRARIES["transformers"].on(model, ALPHA),
    }


def batch_of(model: Any) -> dict[str, Tensor]:
    """The arguments of a call with random tokens, padded at the end."""
    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(3, model.config.vocab_size, (ROWS, TOKENS), generator=drawn)
    lengths = torch.randint(TOKENS // 2, TOKENS + 1, (ROWS, 1), generator=drawn)
    return {"input_ids": ids, "attention_mask": (torch.arange(TOKENS) < lengths).long()}


def loaded(folder: str) -> Any:
    """The model in a folder, in training mode."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype="float32").train()


def seconds(work: Callable[[], object]) -> float:
    """The processor's time of a piece of work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def steps(model: Any, called: Any, rounds: int) -> dict[str, list[float]]:
    """By way, the seconds of a step in each round.

    Args:
        model: whose gradients are removed after each step.
        called: it, or it compiled.
        rounds: how many.
    """
    batch = batch_of(model)

    def step() -> None:
        with torch.autocast("cpu", precision.for_training()):
            called(**batch, labels=batch["input_ids"], use_cache=False).loss.backward()
        model.zero_grad()

    return in_turn(called, step, rounds, times=2)


def passes_without_blocks(model: Any, rounds: int) -> dict[str, list[float]]:
    """By way, the seconds of a decoder's forward pass in each round, without its blocks."""
    decoder, batch = model.base_model, batch_of(model)
    decoder.layers = nn.ModuleList()
    return in_turn(model, partial(decoder, **batch, use_cache=False), rounds, times=5)


def in_turn(
    model: Any, work: Callable[[], object], rounds: int, times: int
) -> dict[str, list[float]]:
    """By way, the least seconds of a piece of work in each round, after a warm-up round.

    Args:
        model: to which the noise is attached.
        work: what is timed.
        rounds: in each, the ways take turns.
        times: of the work in a round, of which the fastest counts.
    """
    found: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        for name, way in ways(model).items():
            with way():
                # What is compiled anew for changed hooks is not the noise's own time.
                work()
                least = min(seconds(work) for _ in range(times))
            if number >= 0:
                found.setdefault(name, []).append(least)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(NANO.base("llama-2-7b")))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--compiled", action="store_true", help="with torch.compile")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = loaded(arguments.model)
    called = torch.compile(model) if arguments.compiled else model
    whole = steps(model, called, arguments.rounds)
    bare = passes_without_blocks(loaded(arguments.model), arguments.rounds)
    clean, of_a_step = whole[CLEAN], statistics.median(whole[CLEAN])
    print(f"a step without noise: {1e3 * of_a_step:.1f} ms; {arguments.rounds} rounds")
    for name, each in whole.items():
        ratios = [one / other for one, other in zip(each, clean, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        own = statistics.median(
            one - other for one, other in zip(bare[name], bare[CLEAN], strict=True)
        )
        print(
            f"{name}: {statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]; its own time "
            f"{1e3 * own:.2f} ms, {100 * own / of_a_step:.2f}% of a step"
        )


if __name__ == "__main__":
    main()
