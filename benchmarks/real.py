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
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import cores, produce
from experiments.scales.small import SMALL
from neftune import Noise
from neftune.training import precision
from neftune.training.files import write_atomic
from neftune.training.prompts import alpaca_prompt

MODEL = "llama-2-chat-7b"
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "real.json"
ROWS, INSTRUCTIONS = 128, 32
PASS = 8


def _arguments() -> dict[str, Any]:
    return {
        "per_device_train_batch_size": PASS,
        "gradient_accumulation_steps": 32 // PASS,
        "num_train_epochs": 1,
        "learning_rate": 1e-4,
        "bf16": precision.for_training() == torch.bfloat16,
        "use_cpu": True,
        "neftune_noise_alpha": 5,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def with_transformers(base: str, out: str, count: int) -> None:
    """Fine-tune with transformers' Trainer and its own noise, and save the model."""
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    from neftune.training.data import checked, encode

    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = checked(SMALL.rows(ALPACA, "train")[:count], ALPACA.title)
    trainer = Trainer(
        AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        TrainingArguments(out, **_arguments()),
        train_dataset=encode(rows, tokenizer, ALPACA.prompt, 512),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    trainer.save_model()


def with_trl(base: str, out: str, count: int) -> None:
    """Fine-tune with TRL's SFTTrainer and its own noise, loss on the completion; save the model."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = SMALL.rows(ALPACA, "train")[:count]
    texts = {
        "prompt": [alpaca_prompt(row["instruction"], row["input"]) for row in rows],
        "completion": [row["output"] for row in rows],
    }
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        SFTConfig(out, max_length=512, **_arguments()),
        train_dataset=Dataset.from_dict(texts),
        processing_class=AutoTokenizer.from_pretrained(base),
    )
    trainer.train()
    trainer.save_model()


def with_plain_generate(base: str, out: str, count: int) -> None:
    """Answer the instructions four at a time, in the given order."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=precision.for_inference()).eval()
    texts = [alpaca_prompt(row["instruction"]) for row in SMALL.references("test")[:count]]
    most = SMALL.decoding.max_new_tokens
    for start in range(0, len(texts), 4):
        batch = tokenizer(
            texts[start : start + 4], return_tensors="pt", padding=True, return_token_type_ids=False
        )
        model.generate(**batch, do_sample=False, max_new_tokens=most, repetition_penalty=1.2)


def with_respond(base: str, out: str, count: int) -> None:
    """Answer the instructions as for a table."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from eval.responses import Prompt, respond

    prompts = [
        Prompt(row["instruction"], alpaca_prompt(row["instruction"]), row["dataset"])
        for row in SMALL.references("test")[:count]
    ]
    respond(
        AutoModelForCausalLM.from_pretrained(base, dtype=precision.for_inference()),
        AutoTokenizer.from_pretrained(base),
        prompts,
        SMALL.decoding,
        Path(out) / "model_outputs.json",
        generator="benchmark",
    )


WAYS: dict[str, Callable[[str, str, int], None]] = {
    way.__name__: way for way in (with_transformers, with_trl, with_plain_generate, with_respond)
}


def _measured(way: str, base: Path, out: Path, threads: int, count: int) -> dict[str, float]:
    """Seconds and gigabytes of a process that does one of `WAYS`, with its start and imports."""
    out.mkdir()
    started = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.real", "--way", way, "--base", str(base)),
            *("--out", str(out), "--count", str(count)),
        ],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)},
    )
    seconds = time.monotonic() - started
    return {"seconds": seconds, "GB": float(done.stdout.splitlines()[-1])}


def _by_our_jobs(count: int) -> tuple[dict[str, float], Path]:
    """The same of this project's jobs, by run, and the folder of a tuned model."""
    os.environ["ROWS"] = str(count)
    runs = [
        Run(SMALL, MODEL, ALPACA, Noise(5), SMALL.recipe(MODEL, ALPACA, epochs=1, lr=1e-4), seed)
        for seed in range(cores())
    ]
    started = time.monotonic()
    produce([Record(run, "checkpoint") for run in runs])
    seconds = (time.monotonic() - started) / len(runs)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return {"seconds": seconds, "GB": largest}, (runs[0].folder / "model").resolve()


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
        ours, tuned = _by_our_jobs(rows)
        trained = {
            "this project": ours,
            "transformers' Trainer, neftune_noise_alpha": _measured(
                "with_transformers", base, folder / "transformers", cores(), rows
            ),
            "TRL's SFTTrainer, neftune_noise_alpha": _measured(
                "with_trl", base, folder / "trl", cores(), rows
            ),
        }
        answered = {
            "this project": _measured("with_respond", tuned, folder / "ours", 1, instructions),
            "plain generate, batches of four": _measured(
                "with_plain_generate", tuned, folder / "plain", 1, instructions
            ),
        }
        os.chdir(ROOT)
    return {
        "machine": precision.machine(),
        "python": platform.python_version(),
        "cores": cores(),
        "fine-tuning": _compared(trained, rows, "rows"),
        "answers": _compared(answered, instructions, "answers"),
    }


def _compared(
    found: dict[str, dict[str, float]], amount: int, unit: str
) -> dict[str, dict[str, float]]:
    """The speed of each way, how many times slower it is than this project, and its memory."""
    fastest = found["this project"]["seconds"]
    return {
        name: {
            "seconds": round(each["seconds"], 1),
            f"{unit} per second": round(amount / each["seconds"], 3),
            "times slower": round(each["seconds"] / fastest, 2),
            "GB": round(each["GB"], 2),
        }
        for name, each in found.items()
    }


def main() -> None:
    """Measure everything, or do one of the ways in this process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--instructions", type=int, default=INSTRUCTIONS)
    parser.add_argument("--way", choices=WAYS, help="used by the benchmark's own processes")
    for name in ("base", "out"):
        parser.add_argument(f"--{name}", help="a folder of that way")
    parser.add_argument("--count", type=int, help="rows or instructions of that way")
    arguments = parser.parse_args()
    if arguments.way:
        WAYS[arguments.way](arguments.base, arguments.out, arguments.count)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
        return
    text = json.dumps(measure(arguments.rows, arguments.instructions), indent=1)
    print(text)
    if (arguments.rows, arguments.instructions) == (ROWS, INSTRUCTIONS):
        write_atomic(OUT, text + "\n")


if __name__ == "__main__":
    main()
