"""The ways to fine-tune and to answer that benchmarks compare with this project's own.

    measured("with_trl", Job("small", base, out, rows=128), threads=2)     # seconds and GB

Each way runs in a process of its own, and its time has the start and the imports in it.

with_transformers      transformers' Trainer with `neftune_noise_alpha`
with_trl               TRL's SFTTrainer with `neftune_noise_alpha`, loss on the completion
with_respond           answers as for a table
with_plain_generate    answers by a plain `generate` loop over batches of four in the given order
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.workflow import produce
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.training import precision
from neftune.training.prompts import alpaca_prompt

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Job:
    """What a way is to do.

    Args:
        scale: the name of that whose rows, instructions and decoding are taken.
        base: the folder of the model.
        out: a new folder for what is written.
        rows: how many are trained on; all where None.
        instructions: how many are answered; all where None.
        epochs: of a training.
        batch: rows a step.
        rows_a_pass: of them.
        lr: the learning rate.
    """

    scale: str
    base: str
    out: str
    rows: int | None = None
    instructions: int | None = None
    epochs: int = 1
    batch: int = 16
    rows_a_pass: int = 16
    lr: float = 5e-4


def _scale(job: Job) -> Scale:
    return SCALES[job.scale]


def _rows(job: Job) -> list[Any]:
    return list(_scale(job).rows(ALPACA, "train"))[: job.rows]


def _arguments(job: Job) -> dict[str, Any]:
    return {
        "per_device_train_batch_size": job.rows_a_pass,
        "gradient_accumulation_steps": job.batch // job.rows_a_pass,
        "num_train_epochs": job.epochs,
        "learning_rate": job.lr,
        "bf16": precision.for_training() == torch.bfloat16,
        "use_cpu": True,
        "neftune_noise_alpha": 5,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def with_transformers(job: Job) -> None:
    """Fine-tune with transformers' Trainer and its own noise, and save the model."""
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    from neftune.training.data import checked, encode

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    rows = checked(_rows(job), ALPACA.title)
    trainer = Trainer(
        AutoModelForCausalLM.from_pretrained(job.base, dtype="float32"),
        TrainingArguments(job.out, **_arguments(job)),
        train_dataset=encode(rows, tokenizer, ALPACA.prompt, 512),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    trainer.save_model()


def with_trl(job: Job) -> None:
    """Fine-tune with TRL's SFTTrainer and its own noise, loss on the completion; save the model."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = _rows(job)
    texts = {
        "prompt": [alpaca_prompt(row["instruction"], row["input"]) for row in rows],
        "completion": [row["output"] for row in rows],
    }
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(job.base, dtype="float32"),
        SFTConfig(job.out, max_length=512, **_arguments(job)),
        train_dataset=Dataset.from_dict(texts),
        processing_class=AutoTokenizer.from_pretrained(job.base),
    )
    trainer.train()
    trainer.save_model()


def with_plain_generate(job: Job) -> None:
    """Answer the instructions four at a time, in the given order."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(job.base, dtype=precision.for_inference()).eval()
    rows = _scale(job).references("test")[: job.instructions]
    texts = [alpaca_prompt(row["instruction"]) for row in rows]
    most = _scale(job).decoding.max_new_tokens
    for start in range(0, len(texts), 4):
        batch = tokenizer(
            texts[start : start + 4], return_tensors="pt", padding=True, return_token_type_ids=False
        )
        model.generate(**batch, do_sample=False, max_new_tokens=most, repetition_penalty=1.2)


def with_respond(job: Job) -> None:
    """Answer the instructions as for a table."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from eval.responses import Prompt, respond

    prompts = [
        Prompt(row["instruction"], alpaca_prompt(row["instruction"]), row["dataset"])
        for row in _scale(job).references("test")[: job.instructions]
    ]
    respond(
        AutoModelForCausalLM.from_pretrained(job.base, dtype=precision.for_inference()),
        AutoTokenizer.from_pretrained(job.base),
        prompts,
        _scale(job).decoding,
        Path(job.out) / "model_outputs.json",
        generator="benchmark",
    )


WAYS: dict[str, Callable[[Job], None]] = {
    way.__name__: way for way in (with_transformers, with_trl, with_plain_generate, with_respond)
}


def measured(way: str, job: Job, threads: int) -> dict[str, float]:
    """Measure a process that does one of `WAYS`.

    Args:
        way: its name.
        job: what it does; the folder `out` is made.
        threads: that torch takes.

    Returns:
        `seconds` from its start to its end, and `GB`, the peak of its memory.
    """
    Path(job.out).mkdir(parents=True)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ways", way, json.dumps(asdict(job))],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)},
    )
    seconds = time.monotonic() - started
    return {"seconds": seconds, "GB": float(done.stdout.splitlines()[-1])}


def by_our_jobs(runs: Sequence[Run]) -> tuple[dict[str, float], Path]:
    """Measure this project's jobs.

    Args:
        runs: that are trained, as many at a time as there are cores.

    Returns:
        As of `measured`, the seconds by run; and the folder of the first tuned model.
    """
    started = time.monotonic()
    produce([Record(run, "checkpoint") for run in runs])
    seconds = (time.monotonic() - started) / len(runs)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return {"seconds": seconds, "GB": largest}, (runs[0].folder / "model").resolve()


def compared(
    found: dict[str, dict[str, float]], amount: int, unit: str
) -> dict[str, dict[str, float]]:
    """The speed of each way, how many times slower it is than this project, and its memory.

    Args:
        found: by way, the first being this project's, `seconds` and `GB`.
        amount: how much was done in that time.
        unit: of what.
    """
    own = next(iter(found.values()))["seconds"]
    return {
        name: {
            "seconds": round(each["seconds"], 1),
            f"{unit} per second": round(amount / each["seconds"], 3),
            "times slower": round(each["seconds"] / own, 2),
            "GB": round(each["GB"], 2),
        }
        for name, each in found.items()
    }


if __name__ == "__main__":
    WAYS[sys.argv[1]](Job(**json.loads(sys.argv[2])))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
