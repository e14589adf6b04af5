"""Scores on the Open LLM Leaderboard's kind of tasks, through the real lm-eval.

scores = evaluate(model, tokenizer, {"arc": ["arc_challenge"]}, include=Path("my_tasks"))
mean(scores["arc"]["arc_challenge"])                 # the share of right answers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

METRICS = ("acc_norm", "acc", "exact_match")


def evaluate(
    model: Any,
    tokenizer: Any,
    tasks: Mapping[str, Sequence[str]],
    include: Path,
    batch: int = 32,
    cache: Path | None = None,
) -> dict[str, dict[str, list[float]]]:
    """Score a model item by item.

    Args:
        model: a transformers causal language model.
        tokenizer: its tokenizer.
        tasks: by the name that the scores get, lm-eval's tasks that it is made of.
        include: a folder of task files, beside lm-eval's own.
        batch: requests at a time.
        cache: where answered requests are kept, so that an interrupted evaluation goes on; of this
            model alone.

    Returns:
        For each name and task the score of every item, in the files' order: 1 or 0, for mc2
        between.
    """
    names = [name for group in tasks.values() for name in group]
    found = simple_evaluate(
        model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch),
        tasks=names,
        task_manager=TaskManager(include_path=str(include), include_defaults=False),
        log_samples=True,
        bootstrap_iters=0,
        use_cache=str(cache) if cache else None,
        verbosity="ERROR",
    )
    return {
        label: {
            name: [
                _score(sample)
                for sample in sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
            ]
            for name in group
        }
        for label, group in tasks.items()
    }


def _score(sample: Mapping[str, Any]) -> float:
    return round(float(next(sample[metric] for metric in METRICS if metric in sample)), 6)
