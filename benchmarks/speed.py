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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import cores, produce
from experiments.scales.nano import NANO
from neftune import Noise
from neftune.training import precision
from neftune.training.files import write_atomic
from neftune.training.prompts import alpaca_prompt

MODEL = "llama-2-7b"
BASE = NANO.base(MODEL).resolve()
ROOT = Path(__file__).resolve().parent.parent
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


def _trainer_arguments(size: Size) -> dict[str, Any]:
    return {
        "per_device_train_batch_size": 16,
        "num_train_epochs": size.epochs,
        "learning_rate": 5e-4,
        "bf16": precision.for_training() == torch.bfloat16,
        "use_cpu": True,
        "neftune_noise_alpha": 5,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def with_transformers(out: str, size: Size) -> None:
    """Fine-tune with transformers' Trainer at its defaults and its own noise."""
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    from neftune.training.data import checked, encode

    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(NANO.rows(ALPACA, "train"), ALPACA.title)
    Trainer(
        AutoModelForCausalLM.from_pretrained(BASE, dtype="float32"),
        TrainingArguments(out, **_trainer_arguments(size)),
        train_dataset=encode(rows, tokenizer, ALPACA.prompt, 512),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    ).train()


def with_trl(out: str, size: Size) -> None:
    """Fine-tune with TRL's SFTTrainer at its defaults and its own noise, loss on the completion."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = NANO.rows(ALPACA, "train")
    texts = {
        "prompt": [alpaca_prompt(row["instruction"], row["input"]) for row in rows],
        "completion": [row["output"] for row in rows],
    }
    SFTTrainer(
        AutoModelForCausalLM.from_pretrained(BASE, dtype="float32"),
        SFTConfig(out, max_length=512, **_trainer_arguments(size)),
        train_dataset=Dataset.from_dict(texts),
        processing_class=AutoTokenizer.from_pretrained(BASE),
    ).train()


def with_plain_generate(folder: str, size: Size) -> None:
    """Answer the instructions four at a time, in the given order."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=precision.for_inference()).eval()
    rows = NANO.references("test")[: size.instructions]
    texts = [alpaca_prompt(row["instruction"]) for row in rows]
    for start in range(0, len(texts), 4):
        batch = tokenizer(
            texts[start : start + 4], return_tensors="pt", padding=True, return_token_type_ids=False
        )
        model.generate(**batch, do_sample=False, max_new_tokens=256, repetition_penalty=1.2)


def with_respond(folder: str, size: Size) -> None:
    """Answer the instructions as for a table."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from eval.responses import Prompt, respond

    prompts = [
        Prompt(row["instruction"], alpaca_prompt(row["instruction"]), row["dataset"])
        for row in NANO.references("test")[: size.instructions]
    ]
    with tempfile.TemporaryDirectory() as out:
        respond(
            AutoModelForCausalLM.from_pretrained(folder, dtype=precision.for_inference()),
            AutoTokenizer.from_pretrained(folder),
            prompts,
            NANO.decoding,
            Path(out) / "model_outputs.json",
            generator="benchmark",
        )


WAYS: dict[str, Callable[[str, Size], None]] = {
    way.__name__: way for way in (with_transformers, with_trl, with_plain_generate, with_respond)
}


def _seconds(way: str, folder: Path, threads: int, size: Size) -> float:
    """Measure a process that does one of `WAYS`, including its start and its imports."""
    started = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.speed", "--way", way, "--folder", str(folder)),
            *(["--small"] if size == SMALL else []),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)},
    )
    return time.monotonic() - started


def _with_our_jobs(size: Size) -> tuple[float, Path]:
    """Measure this project's jobs: the seconds per run, and the folder of one tuned model."""
    recipe = NANO.recipe(MODEL, ALPACA, epochs=size.epochs)
    runs = [Run(NANO, MODEL, ALPACA, Noise(5), recipe, seed) for seed in range(size.runs)]
    started = time.monotonic()
    produce([Record(run, "checkpoint") for run in runs])
    return (time.monotonic() - started) / size.runs, (runs[0].folder / "model").resolve()


def measure(size: Size) -> dict[str, Any]:
    """Make every measurement, one after the other, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(ROOT)
        ours, tuned = _with_our_jobs(size)
        trained = {
            "this project": ours,
            "transformers' Trainer, neftune_noise_alpha": _seconds(
                "with_transformers", Path("transformers"), cores(), size
            ),
            "TRL's SFTTrainer, neftune_noise_alpha": _seconds(
                "with_trl", Path("trl"), cores(), size
            ),
        }
        answered = {
            length: {
                "this project": _seconds("with_respond", model, 1, size),
                "plain generate, batches of four": _seconds("with_plain_generate", model, 1, size),
            }
            for length, model in (("short responses", tuned), ("long responses", BASE))
        }
        os.chdir(ROOT)
    examples = size.epochs * len(NANO.rows(ALPACA, "train"))
    return {
        "machine": precision.machine(),
        "python": platform.python_version(),
        "fine-tuning": _compared(trained, examples, "examples"),
        **{
            length: _compared(ways, size.instructions, "responses")
            for length, ways in answered.items()
        },
    }


def _compared(seconds: dict[str, float], amount: int, unit: str) -> dict[str, dict[str, float]]:
    """The speed of each way, and how many times slower it is than this project."""
    return {
        name: {
            "seconds": round(each, 1),
            f"{unit} per second": round(amount / each, 1),
            "times slower": round(each / seconds["this project"], 2),
        }
        for name, each in seconds.items()
    }


def main() -> None:
    """Measure everything, or do one of the ways in this process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a few steps and responses")
    parser.add_argument("--way", choices=WAYS, help="used by the benchmark's own processes")
    parser.add_argument("--folder", help="the model or the output of that way")
    arguments = parser.parse_args()
    size = SMALL if arguments.small else FULL
    if arguments.way:
        WAYS[arguments.way](arguments.folder, size)
        return
    text = json.dumps(measure(size), indent=1)
    print(text)
    if not arguments.small:
        write_atomic(OUT, text + "\n")


if __name__ == "__main__":
    main()
