"""Scores on tasks of the Open LLM Leaderboard, with the lm-eval package.

    scores = evaluate(model, tokenizer, {"arc": ["arc_challenge"]}, include=Path("my_tasks"))
    mean(scores["arc"]["arc_challenge"])                 # the fraction of correct answers

The score of every single item is returned, so that intervals and paired tests can be computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from neftune.training.foreign_messages import hide

# It says that a model is given as an object, which is how it is meant here.
hide("lm_eval.models.huggingface", "`pretrained` model kwarg is not of type")
hide("lm_eval.models.huggingface", "Passed an already-initialized model")

METRICS = ("acc_norm", "acc", "exact_match")


def evaluate(
    model: Any,
    tokenizer: Any,
    tasks: Mapping[str, Sequence[str]],
    include: Path,
    batch: int = 32,
    cache: Path | None = None,
) -> dict[str, dict[str, list[float]]]:
    """Score a model on every item of some tasks.

    Args:
        model: a transformers causal language model.
        tokenizer: its tokenizer.
        tasks: for each name of a group of scores, the lm-eval tasks that it consists of.
        include: a folder with the task files.
        batch: requests that are computed together.
        cache: a file for finished requests, from which an interrupted evaluation resumes. Each
            model needs its own, because lm-eval does not store which model a request was for.

    Returns:
        For each group and task, the score of every item in the order of the task's file: 0 or 1,
        and for mc2 a number between them.
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
