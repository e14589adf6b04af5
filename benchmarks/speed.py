"""How fast the laboratory fine-tunes and answers, beside what a user would otherwise run.

    python -m benchmarks.speed

Fine-tuning: the same 500 examples for the same three epochs, batch 16, noise of alpha 5, with
transformers' Trainer and `neftune_noise_alpha`, with TRL's SFTTrainer and `neftune_noise_alpha`
(both at their defaults, on all cores, a process for each run, as one would start them), and with
this project's jobs (one single-threaded process a core, several runs in each, as the tables start
them). Time is from the start of the first process to the end of the last, divided by the runs.

Responses: to the 805 instructions, as the tables ask for them, and with a plain `generate` loop of
batches of four in the given order, both in one process on one thread; short ones, of a model tuned
on Alpaca, and long ones, of the base model.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from experiments.jobs import checkpoint_file
from experiments.run import Run
from experiments.scale import NANO
from experiments.workflow import cores, produce
from neftune import precision
from neftune.files import write_whole
from neftune.spec import Noise

BASE = NANO.base("llama-2-7b")
RUNS_OF_OURS = 8
SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 16,
    "num_train_epochs": 3,
    "learning_rate": 5e-4,
    "bf16": precision.for_training() == torch.bfloat16,
    "use_cpu": True,
    "neftune_noise_alpha": 5,
    "save_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
}
ROOT = Path(__file__).parent.parent
OUT = ROOT / "benchmarks" / "speed.json"


def _texts() -> tuple[list[str], list[str]]:
    from neftune.prompts import alpaca_prompt

    rows = NANO.rows("alpaca", "train")
    prompts = [alpaca_prompt(row["instruction"], row["input"]) for row in rows]
    return prompts, [row["output"] for row in rows]


def with_transformers(out: str) -> None:
    """Transformers' Trainer at its defaults, with its own noise."""
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    from neftune.data import checked, encode

    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(NANO.rows("alpaca", "train"), "alpaca")
    Trainer(
        AutoModelForCausalLM.from_pretrained(BASE, dtype="float32"),
        TrainingArguments(out, **SETTINGS),
        train_dataset=encode(rows, tokenizer, "alpaca", 512),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    ).train()


def with_trl(out: str) -> None:
    """TRL's SFTTrainer at its defaults, with its own noise, loss on the completion."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    prompts, completions = _texts()
    SFTTrainer(
        AutoModelForCausalLM.from_pretrained(BASE, dtype="float32"),
        SFTConfig(out, max_length=512, **SETTINGS),
        train_dataset=Dataset.from_dict({"prompt": prompts, "completion": completions}),
        processing_class=AutoTokenizer.from_pretrained(BASE),
    ).train()


def with_plain_generate(out: str) -> None:
    """Answer the instructions four at a time, in the given order."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune.prompts import alpaca_prompt

    tokenizer = AutoTokenizer.from_pretrained(out, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(out, dtype=precision.for_inference()).eval()
    texts = [alpaca_prompt(row["instruction"]) for row in NANO.outputs("test")]
    for start in range(0, len(texts), 4):
        batch = tokenizer(
            texts[start : start + 4], return_tensors="pt", padding=True, return_token_type_ids=False
        )
        model.generate(**batch, do_sample=False, max_new_tokens=256, repetition_penalty=1.2)


def with_respond(out: str) -> None:
    """Answer the instructions as the tables do."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from eval.responses import Prompt, respond
    from neftune.prompts import alpaca_prompt

    prompts = [
        Prompt(row["instruction"], alpaca_prompt(row["instruction"]), row["dataset"])
        for row in NANO.outputs("test")
    ]
    with tempfile.TemporaryDirectory() as folder:
        respond(
            AutoModelForCausalLM.from_pretrained(out, dtype=precision.for_inference()),
            AutoTokenizer.from_pretrained(out),
            prompts,
            NANO.decoding,
            Path(folder) / "model_outputs.json",
            generator="benchmark",
        )


WAYS = {
    way.__name__: way for way in (with_transformers, with_trl, with_plain_generate, with_respond)
}


def _seconds(way: str, out: Path, threads: int) -> float:
    """How long a process takes that does one of the ways, start and imports included."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", way, str(out)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)},
    )
    return time.monotonic() - started


def _with_our_jobs(count: int) -> tuple[float, Path]:
    """Seconds a run of so many of our runs, and the folder of one of the tuned models."""
    recipe = replace(NANO.recipe, epochs=3)
    runs = [Run("nano", "llama-2-7b", "alpaca", Noise(5), recipe, seed) for seed in range(count)]
    started = time.monotonic()
    produce([checkpoint_file(run.folder) for run in runs], runs)
    return (time.monotonic() - started) / count, (runs[0].folder / "model").resolve()


def main() -> None:
    """Every measurement, one after the other, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(ROOT)
        ours, tuned = _with_our_jobs(RUNS_OF_OURS)
        trained = {
            "this project": ours,
            "transformers' Trainer, neftune_noise_alpha": _seconds(
                "with_transformers", Path("transformers"), cores()
            ),
            "TRL's SFTTrainer, neftune_noise_alpha": _seconds("with_trl", Path("trl"), cores()),
        }
        answered = {
            length: {
                "this project": _seconds("with_respond", model, 1),
                "plain generate, batches of four": _seconds("with_plain_generate", model, 1),
            }
            for length, model in (("short responses", tuned), ("long responses", BASE.resolve()))
        }
        count = len(NANO.outputs("test"))
    examples = 3 * len(NANO.rows("alpaca", "train"))
    measured = {"fine-tuning": (trained, examples, "examples")} | {
        length: (ways, count, "responses") for length, ways in answered.items()
    }
    record = {
        "machine": precision.machine(),
        "python": platform.python_version(),
        **{
            what: {
                name: {
                    "seconds": round(seconds, 1),
                    f"{unit} per second": round(amount / seconds, 1),
                    "times slower": round(seconds / ways["this project"], 2),
                }
                for name, seconds in ways.items()
            }
            for what, (ways, amount, unit) in measured.items()
        },
    }
    write_whole(OUT, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        WAYS[sys.argv[1]](sys.argv[2])
    else:
        main()
