"""The leaderboard tasks through lm-eval: common beginnings computed once, and lm-eval as it is.

    python -m benchmarks.leaderboard

Both are measured in one process with one thread, by its processor time, on the stand-in for LLaMA-2
7B, and have to give the same scores.
"""

from __future__ import annotations

import logging
import time

import torch
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.leaderboard import SharedBeginnings
from experiments.nano.leaderboard import tasks
from experiments.scales.nano import NANO


def main() -> None:
    """Print the seconds of both, their ratio, and whether the scores agree."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    folder = NANO.base("llama-2-7b")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names, include = tasks()
    seconds, scores = {}, {}
    for kind in (SharedBeginnings, HFLM):
        started = time.process_time()
        found = simple_evaluate(
            model=kind(pretrained=model, tokenizer=tokenizer, batch_size=32),
            tasks=[name for group in names.values() for name in group],
            task_manager=TaskManager(include_path=str(include), include_defaults=False),
            bootstrap_iters=0,
            verbosity="ERROR",
        )
        seconds[kind.__name__] = time.process_time() - started
        scores[kind.__name__] = {
            (name, metric): value
            for name, each in found["results"].items()
            for metric, value in each.items()
            if isinstance(value, float)
        }
        print(f"{kind.__name__}: {seconds[kind.__name__]:.1f} s", flush=True)
    own, plain = seconds.values()
    same = all(
        abs(value - scores["HFLM"][name]) < 1e-5
        for name, value in scores["SharedBeginnings"].items()
    )
    print(f"ratio {plain / own:.2f}, scores {'agree' if same else 'differ'}")


if __name__ == "__main__":
    main()
