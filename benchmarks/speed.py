"""The speed of fine-tuning and of decoding, compared with what a user would otherwise run.

    python -m benchmarks.speed                           # writes benchmarks/speed.json
    python -m benchmarks.speed --small                   # a few steps and responses; only prints

Fine-tuning. The same 500 examples are trained on for the same three epochs, in batches of 16, with
noise of alpha 5, by

- this project's jobs: one single-threaded process per core, several runs in each, as for a table;
- transformers' Trainer with `neftune_noise_alpha`, at its defaults and on all cores;
- TRL's SFTTrainer with `neftune_noise_alpha`, at its defaults and on all cores.

The time is from the start of the first process to the end of the last one, divided by the number of
runs.

Decoding. The 805 test instructions are answered in one process with one thread, as for a table and
by a plain `generate` loop over batches of four in the given order: once by a model tuned on
the stand-in for Alpaca, which gives short responses, and once by the base model, which gives long
ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ways import ROOT, Job, by_our_jobs, compared, measured
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.run import Run
from experiments.runs.workflow import cores
from experiments.scales.nano import NANO
from neftune import Noise
from neftune.training import precision
from neftune.training.files import write_atomic

MODEL = "llama-2-7b"
BASE = NANO.base(MODEL).resolve()
OUT = ROOT / "benchmarks" / "speed.json"


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        runs: fine-tunings by this project's jobs.
        epochs: of every fine-tuning.
        instructions: how many are answered.
    """

    runs: int
    epochs: int
    instructions: int


FULL = Size(runs=8, epochs=3, instructions=805)
SMALL = Size(runs=2, epochs=1, instructions=32)


def measure(size: Size) -> dict[str, Any]:
    """Make every measurement, one after the other, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(ROOT)
        recipe = NANO.recipe(MODEL, ALPACA, epochs=size.epochs)
        ours, tuned = by_our_jobs(
            [Run(NANO, MODEL, ALPACA, Noise(5), recipe, seed) for seed in range(size.runs)]
        )

        def job(model: Path, out: str) -> Job:
            return Job(
                "nano",
                str(model),
                str(Path(folder) / out),
                instructions=size.instructions,
                epochs=size.epochs,
            )

        trained = {
            "this project": ours,
            "transformers' Trainer, neftune_noise_alpha": measured(
                "with_transformers", job(BASE, "transformers"), cores()
            ),
            "TRL's SFTTrainer, neftune_noise_alpha": measured(
                "with_trl", job(BASE, "trl"), cores()
            ),
        }
        answered = {
            length: {
                "this project": measured("with_respond", job(model, f"{length}-ours"), 1),
                "plain generate, batches of four": measured(
                    "with_plain_generate", job(model, f"{length}-plain"), 1
                ),
            }
            for length, model in (("short responses", tuned), ("long responses", BASE))
        }
        os.chdir(ROOT)
    examples = size.epochs * len(NANO.rows(ALPACA, "train"))
    return {
        "machine": precision.machine(),
        "python": platform.python_version(),
        "fine-tuning": compared(trained, examples, "examples"),
        **{
            length: compared(ways, size.instructions, "responses")
            for length, ways in answered.items()
        },
    }


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a few steps and responses")
    arguments = parser.parse_args()
    text = json.dumps(measure(SMALL if arguments.small else FULL), indent=1)
    print(text)
    if not arguments.small:
        write_atomic(OUT, text + "\n")


if __name__ == "__main__":
    main()
