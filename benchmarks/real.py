"""Fine-tuning a real model on a CPU, and its answers, beside what a user would otherwise run.

    python -m benchmarks.real                            # writes benchmarks/real.json
    python -m benchmarks.real --rows 32 --instructions 8 # quicker; only prints

SmolLM2-135M-Instruct is tuned for an epoch on real rows of Alpaca (`DATA_alpaca`), in batches of
32, with noise of alpha 5, by

- this project's jobs: one single-threaded process per core, each with a run of its own;
- transformers' Trainer with `neftune_noise_alpha`, on all cores;
- TRL's SFTTrainer with `neftune_noise_alpha`, on all cores.

The latter two have passes of eight rows, their defaults otherwise, and bfloat16 where this project
has it. Times are from the start of a process to its end, divided by the number of runs. The tuned
model then answers AlpacaEval's instructions (`REFERENCE_OUTPUTS`) in one process with one thread,
as for a table, and by a plain `generate` loop of batch four. Peak memory is that of the largest
process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.ways import ROOT, Job, by_our_jobs, compared, measured
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.run import Run
from experiments.runs.workflow import cores
from experiments.scales.small import SMALL
from neftune import Noise
from neftune.training import precision
from neftune.training.files import write_atomic

MODEL = "llama-2-chat-7b"
OUT = ROOT / "benchmarks" / "real.json"
ROWS, INSTRUCTIONS = 128, 32
LEARNING_RATE = 1e-4


def _runs(count: int) -> list[Run]:
    """A run for each core, on so many rows."""
    os.environ["ROWS"] = str(count)
    recipe = SMALL.recipe(MODEL, ALPACA, epochs=1, lr=LEARNING_RATE)
    return [Run(SMALL, MODEL, ALPACA, Noise(5), recipe, seed) for seed in range(cores())]


def measure(rows: int, instructions: int) -> dict[str, Any]:
    """Make every measurement, one after the other, in an empty folder."""
    base = SMALL.base(MODEL).resolve()
    for name in ("DATA_alpaca", "DATA_evol_instruct", "REFERENCE_OUTPUTS"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        (folder / "runs").mkdir()
        (folder / "runs" / "packages").symlink_to(base.parent)
        (folder / "results").symlink_to(ROOT / "results")
        os.environ["PYTHONPATH"] = str(ROOT)
        ours, tuned = by_our_jobs(_runs(rows))

        def job(model: Path, out: str) -> Job:
            return Job(
                "small",
                str(model),
                str(folder / out),
                rows=rows,
                instructions=instructions,
                batch=32,
                rows_a_pass=8,
                lr=LEARNING_RATE,
            )

        trained = {
            "this project": ours,
            "transformers' Trainer, neftune_noise_alpha": measured(
                "with_transformers", job(base, "transformers"), cores()
            ),
            "TRL's SFTTrainer, neftune_noise_alpha": measured(
                "with_trl", job(base, "trl"), cores()
            ),
        }
        answered = {
            "this project": measured("with_respond", job(tuned, "ours"), 1),
            "plain generate, batches of four": measured(
                "with_plain_generate", job(tuned, "plain"), 1
            ),
        }
        os.chdir(ROOT)
    return {
        "machine": precision.machine(),
        "python": platform.python_version(),
        "cores": cores(),
        "fine-tuning": compared(trained, rows, "rows"),
        "answers": compared(answered, instructions, "answers"),
    }


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--instructions", type=int, default=INSTRUCTIONS)
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments.rows, arguments.instructions), indent=1)
    print(text)
    if (arguments.rows, arguments.instructions) == (ROWS, INSTRUCTIONS):
        write_atomic(OUT, text + "\n")


if __name__ == "__main__":
    main()
