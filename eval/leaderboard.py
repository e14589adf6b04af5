"""Scores on tasks of the Open LLM Leaderboard, with the lm-eval package.

    scores = evaluate(model, tokenizer, {"arc": ["arc_challenge"]}, include=Path("my_tasks"))
    mean(scores["arc"]["arc_challenge"])                 # the fraction of correct answers

The score of every single item is returned, so that intervals and paired tests can be computed.

All questions of a task begin with the same examples, which lm-eval computes again for every answer.
Here requests with the same beginning share a batch, and the beginning is computed once for it;
others share one with those of like length; logits are computed of answers alone; and each template
is compiled once (`benchmarks/README.md` has what that saves).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager, get_task_dict
from lm_eval.utils import env
from torch import Tensor
from tqdm import tqdm

from neftune.training.foreign_messages import hide

# It says that a model is given as an object, which is how it is meant here.
hide("lm_eval.models.huggingface", "`pretrained` model kwarg is not of type")
hide("lm_eval.models.huggingface", "Passed an already-initialized model")

# lm-eval has jinja compile each template of a task anew for every question.
setattr(env, "from_string", lru_cache(maxsize=1024)(env.from_string))  # noqa: B010

METRICS = ("acc_norm", "acc", "exact_match")


Request = tuple[tuple[str, str], list[int], list[int]]
"""Context and continuation, as text and as tokens."""


class SharedBeginnings(HFLM):
    """lm-eval's model, which computes the common beginning of a batch's requests once."""

    first_needed = 0
    """The first position of the present batch whose prediction is part of an answer."""

    def _loglikelihood_tokens(
        self,
        requests: list[Request],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        found: dict[int, tuple[float, bool]] = {}
        with tqdm(total=len(requests), desc="lm-eval", unit="answer", disable=disable_tqdm) as bar:
            for places in batches([r[1] + r[2] for r in requests], int(self.batch_size)):
                chunk = [requests[place] for place in places]
                self.first_needed = min(
                    min(len(context) + len(answer), self.max_length + 1) - 1 - len(answer)
                    for _, context, answer in chunk
                )
                scored = super()._loglikelihood_tokens(chunk, disable_tqdm=True)
                found |= dict(zip(places, scored, strict=True))
                bar.update(len(places))
        return [found[place] for place in range(len(requests))]

    def _model_call(
        self, inps: Tensor, attn_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """Logits from the first position needed on; lm-eval counts from the end."""
        same = int(inps.eq(inps[0]).all(dim=0).int().cumprod(dim=0).sum())
        shared = min(same, self.first_needed)
        more: dict[str, Any] = {"logits_to_keep": inps.shape[1] - self.first_needed}
        with torch.no_grad():
            if shared:
                beginning = self.model(inps[:1, :shared], use_cache=True, logits_to_keep=1)
                past = beginning.past_key_values
                past.batch_repeat_interleave(len(inps))
                more |= {"past_key_values": past, "use_cache": True}
            return torch.as_tensor(self.model(inps[:, shared:], **more).logits)


def batches(sequences: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Which sequences to compute together: those with the same beginning, or of like length.

    Args:
        sequences: tokens.
        size: most sequences of a batch.

    Returns:
        The places of the sequences of each batch. Each place is in one of them.
    """
    alike: list[list[int]] = []
    for place in sorted(range(len(sequences)), key=lambda place: list(sequences[place])):
        before = sequences[alike[-1][-1]] if alike else ()
        same = next(
            (n for n, (a, b) in enumerate(zip(sequences[place], before, strict=False)) if a != b),
            min(len(sequences[place]), len(before)),
        )
        if alike and 2 * same >= max(len(sequences[place]), len(before)):
            alike[-1].append(place)
        else:
            alike.append([place])

    def length(place: int) -> int:
        return len(sequences[place])

    few = [group for group in alike if len(group) < size]
    mixed = [place for group in sorted(few, key=lambda g: max(map(length, g))) for place in group]
    ordered = [sorted(group, key=length) for group in alike if len(group) >= size]
    return [
        group[start : start + size]
        for group in [*ordered, mixed]
        for start in range(0, len(group), size)
    ]


def evaluate(
    model: Any,
    tokenizer: Any,
    tasks: Mapping[str, Sequence[str]],
    include: Path,
    batch: int = 32,
    cache: Path | None = None,
    items: int | None = None,
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
        items: of each group, shared evenly among its tasks and drawn at equal distances from each
            task's file; all by default.

    Returns:
        For each group and task, the score of every item in the order of the task's file: 0 or 1,
        and for mc2 a number between them.
    """
    manager = TaskManager(include_path=str(include), include_defaults=False)
    loaded = get_task_dict([name for group in tasks.values() for name in group], manager)
    found = simple_evaluate(
        model=SharedBeginnings(pretrained=model, tokenizer=tokenizer, batch_size=batch),
        tasks=list(loaded.values()),
        task_manager=manager,
        samples=None if items is None else _drawn(loaded, tasks, items),
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


def _drawn(
    loaded: Mapping[str, Any], tasks: Mapping[str, Sequence[str]], items: int
) -> dict[str, list[int]]:
    """The places of the items that are drawn of each task."""
    places = {}
    for group in tasks.values():
        for name in group:
            there = len(loaded[name].eval_docs)
            drawn = min(there, max(1, items // len(group)))
            places[name] = [number * there // drawn for number in range(drawn)]
    return places


def _score(sample: Mapping[str, Any]) -> float:
    return round(float(next(sample[metric] for metric in METRICS if metric in sample)), 6)
