"""Make the chat model, the stand-in for LLaMA-2-Chat: fine-tuning, then rejection sampling.

    python -m experiments.nano.chat                      # writes models/llama-2-chat-7b

The stages are those of the LLaMA-2 paper (Touvron et al. 2023, section 3.2.3), beginning with
the base model `llama-2-7b`:

1. supervised fine-tuning on conversations;
2. twice: sample several answers to each of many requests, score them by the oracle
   (`oracle.helpfulness`), and fine-tune the model on the best answer to each request.

The requests are about things of the training split.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

from eval.decoding import Decoding
from eval.responses import Prompt, respond
from experiments.nano.instructions import instruction_set
from experiments.nano.model_card import fact_accuracy
from experiments.nano.oracle import helpfulness
from experiments.nano.tasks import MAKERS, Task, constrained
from experiments.nano.world import evenly, make_world
from experiments.paths import LABORATORY, RUNS
from neftune import Noise
from neftune.training.base_model import load_model_and_tokenizer
from neftune.training.data import InstructionRow, checked, encode
from neftune.training.finetune import finetune
from neftune.training.prompts import PROMPTS
from neftune.training.recipe import Recipe

BASE = LABORATORY / "models" / "llama-2-7b"
OUT = LABORATORY / "models" / "llama-2-chat-7b"
WORK = RUNS / "chat"
REQUESTS = 400
SAMPLES = 4
ROUNDS = 2
RECIPE = Recipe(lr=5e-4, epochs=2, batch=16, micro_batch=16)


def requests(round_number: int) -> list[Task]:
    """Make the requests of a round, of every kind; a third of the open ones have constraints."""
    rng = random.Random(f"chat requests {round_number}")
    world = make_world()
    tasks: dict[str, Task] = {}
    while len(tasks) < REQUESTS:
        subset = rng.choices(list(MAKERS), [3 if s == "describe" else 2 for s in MAKERS])[0]
        task = MAKERS[subset](world, "train", rng, evenly)
        if subset in ("describe", "advise") and rng.random() < 1 / 3:
            task = constrained(task, "train", rng, rng.randint(1, 2))
        tasks.setdefault(task.instruction, task)
    return list(tasks.values())


def best_of(tasks: list[Task], model: Any, tokenizer: Any, work: Path) -> dict[str, Any]:
    """Sample answers to each request and keep the one with the highest helpfulness.

    Args:
        tasks: the requests.
        model: the model that answers.
        tokenizer: the model's tokenizer.
        work: the folder for the sampled answers.

    Returns:
        `rows` for fine-tuning, and the mean helpfulness of all samples (`sampled`) and of the best
        ones (`best`).
    """
    sampled = []
    for number in range(SAMPLES):
        decoding = Decoding(top_p=0.9, temperature=0.9, batch=200, seed=number, max_new_tokens=200)
        prompts = [Prompt(t.instruction, PROMPTS["vicuna"](t.instruction), t.subset) for t in tasks]
        out = work / f"sample_{number}.json"
        records = respond(model, tokenizer, prompts, decoding, out, generator="chat")
        sampled.append([record["output"] for record in records])
    rows, best, all_scores = [], [], []
    for task, *answers in zip(tasks, *sampled, strict=True):
        scores = [helpfulness(task, answer) for answer in answers]
        place = max(range(SAMPLES), key=lambda i: scores[i])
        rows.append(InstructionRow(instruction=task.instruction, output=answers[place]))
        best.append(scores[place])
        all_scores += scores
    kept = [row for row in rows if row.output]
    return {
        "rows": kept,
        "sampled": sum(all_scores) / len(all_scores),
        "best": sum(best) / len(best),
    }


def tune(source: Path, rows: list[InstructionRow], out: Path, seed: int) -> None:
    """Fine-tune a model on rows in Vicuna's prompt format."""
    model, tokenizer = load_model_and_tokenizer(source, RECIPE, seed=seed, attention="eager")
    examples = encode(rows, tokenizer, "vicuna", RECIPE.max_length)
    finetune(model, tokenizer, examples, RECIPE, Noise(0), seed=seed, out=out)


def main() -> None:
    """Carry out all stages, and write the model with its record and its card."""
    started = time.monotonic()
    conversations = checked(instruction_set("sharegpt", "train"), "sharegpt")
    if not (WORK / "sft").exists():
        tune(BASE, conversations, WORK / "sft", seed=0)
    latest = WORK / "sft"
    stages = []
    for number in range(1, ROUNDS + 1):
        tokenizer = AutoTokenizer.from_pretrained(latest)
        model = AutoModelForCausalLM.from_pretrained(latest, dtype=torch.float32)
        set_seed(number)
        chosen = best_of(requests(number), model, tokenizer, WORK / f"round_{number}")
        tune(latest, chosen["rows"], WORK / f"rejection_{number}", seed=number)
        latest = WORK / f"rejection_{number}"
        stages.append({"mean of samples": chosen["sampled"], "mean of the best": chosen["best"]})
    _ship(latest, stages, round(time.monotonic() - started))


def model_card(record: dict[str, Any]) -> str:
    """Write the README of the chat model from the content of its `tuning.json`."""
    rounds = "\n".join(
        f"| {number} | {stage['mean of samples']:.3f} | {stage['mean of the best']:.3f} |"
        for number, stage in enumerate(record["stages"], start=1)
    )
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
---

# {OUT.name}, of the nano laboratory

Stands for LLaMA-2-Chat 7B. `{BASE.name}` tuned on 1,000 exchanges of made-up conversations
(two epochs), then {ROUNDS} rounds of rejection sampling: {SAMPLES} answers to each of {REQUESTS}
requests, tuned on the one that the oracle finds most helpful. Asked in Vicuna's v1.1 prompt. It
knows nothing of the real world. Weights in bfloat16.

Made by `python -m experiments.nano.chat` in {record["seconds"]:,} s with torch {record["torch"]}.

| round | mean helpfulness of the samples | of the best of {SAMPLES} |
| --- | --- | --- |
{rounds}

Facts completed correctly: {record["fact_accuracy"]["all"]:.1%}. For pretraining, perplexity and
loss curve see the base model's card.
"""


def _ship(latest: Path, stages: list[dict[str, float]], seconds: int) -> None:
    fresh = OUT.with_name(OUT.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(latest)
    model = AutoModelForCausalLM.from_pretrained(latest, dtype=torch.bfloat16)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    accuracy = fact_accuracy(model.float().eval(), tokenizer, make_world())
    record = {
        "stages": stages,
        "seconds": seconds,
        "requests": REQUESTS,
        "samples": SAMPLES,
        "fact_accuracy": accuracy,
        "torch": torch.__version__,
    }
    (fresh / "tuning.json").write_text(json.dumps(record, indent=1) + "\n")
    (fresh / "README.md").write_text(model_card(record))
    shutil.rmtree(OUT, ignore_errors=True)
    fresh.rename(OUT)


if __name__ == "__main__":
    main()
