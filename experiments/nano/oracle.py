"""The oracle: a judge that knows the world and prefers the more helpful of two answers.

    helpfulness(task, "The snorbatow has a flat tail.")
    prefer(task, first_answer, second_answer)            # 1, 2, or 1.5 for a draw

An answer is read claim by claim (`language.read`). What counts for it: distinct correct claims that
the task asks for, each worth a fifth less than the one before. What counts against it: wrong or
invented claims, repetition, sentences that say nothing, broken constraints, an unfinished end.
Length is never looked at.

    helpfulness = 1 - 0.8^asked - 0.2 wrong - 0.1 repeated - 0.1 unreadable - 0.2 broken
                  - 0.1 if unfinished

The first correct fact and the first wrong one weigh the same; two answers within 0.02 draw. The
weights were set before any model was judged.

The `biased_oracle`, in the role of ChatGPT, is the same judge with a stated length bias (0.1 for
each factor of e in length) and a stated error rate (one verdict in ten is turned around), the
errors drawn by a hash of instruction and answers.

Both run inside the real alpaca-eval: `judges/` holds their configuration folders, and `completions`
stands where an API's client would.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from experiments.nano.language import Reading, read, sentences_of
from experiments.nano.tasks import Constraint, Task, evaluation_tasks
from experiments.nano.world import make_world

DIMINISHING = 0.8
WRONG = 0.2
REPEATED = 0.1
UNREADABLE = 0.1
BROKEN = 0.2
UNFINISHED = 0.1
DRAW = 0.02
LENGTH_BIAS = 0.1
ERROR_RATE = 0.1

DIVIDER_1 = "\n<<<output 1>>>\n"
DIVIDER_2 = "\n<<<output 2>>>\n"
VERDICTS = {1: "the first answer", 2: "the second answer", 1.5: "a draw"}


def obeys(constraint: Constraint, task: Task, answer: str, reading: Reading) -> bool:
    """Whether an answer keeps to one constraint of its task."""
    sentences = sentences_of(answer)
    facts = [claim.key for claim in reading.claims if claim.key[0] == "fact"]
    value = constraint.value
    match constraint.kind:
        case "at_least":
            return len(sentences) >= int(value)
        case "first":
            return bool(facts) and facts[0] == ("fact", task.things[0].name, value)
        case "without":
            return all(key[2] != value for key in facts)
        case "begin":
            return bool(sentences) and sentences[0] == value
        case "end":
            return bool(sentences) and sentences[-1] == value
        case "numbered":
            lines = [line for line in answer.split("\n") if line.strip()]
            marks = (f"{number}. " for number in range(1, len(lines) + 1))
            return bool(lines) and all(
                line.strip().startswith(mark) for line, mark in zip(lines, marks, strict=True)
            )
    raise ValueError(f"unknown constraint {constraint.kind!r}")


def helpfulness(task: Task, answer: str) -> float:
    """How helpful an answer is; the formula stands at the top of this module."""
    return _helpfulness(task, answer, read(answer, make_world(), task.topic))


def _helpfulness(task: Task, answer: str, reading: Reading) -> float:
    wrong = [claim for claim in reading.claims if not claim.correct]
    contradicted = {claim.key for claim in wrong}
    right = {claim.key for claim in reading.claims if claim.correct} - contradicted
    asked = len(right & task.asked)
    broken = sum(not obeys(c, task, answer, reading) for c in task.constraints)
    return (
        1
        - DIMINISHING**asked
        - WRONG * len(wrong)
        - REPEATED * reading.repeated
        - UNREADABLE * reading.unreadable
        - BROKEN * broken
        - UNFINISHED * (not reading.finished)
    )


def prefer(task: Task, first: str, second: str) -> float:
    """The oracle's verdict: 1 or 2 for the better answer, 1.5 for a draw."""
    return _verdict(helpfulness(task, second) - helpfulness(task, first))


def prefer_biased(task: Task, first: str, second: str) -> float:
    """The verdict of the judge in ChatGPT's role: partial to length, and wrong now and then."""
    better = helpfulness(task, second) - helpfulness(task, first)
    longer = math.log((1 + len(second)) / (1 + len(first)))
    verdict = _verdict(better + LENGTH_BIAS * longer)
    drawn = hashlib.sha256("\0".join([task.instruction, *sorted((first, second))]).encode())
    errs = int.from_bytes(drawn.digest()[:8]) < ERROR_RATE * 2**64
    return 3 - verdict if errs else verdict


def _verdict(difference: float) -> float:
    if abs(difference) < DRAW:
        return 1.5
    return 2 if difference > 0 else 1


@lru_cache
def tasks_by_instruction() -> dict[str, Task]:
    """Every task that the oracle can judge."""
    return {t.instruction: t for split in ("validation", "test") for t in evaluation_tasks(split)}


PREFER: dict[str, Callable[[Task, str, str], float]] = {
    "oracle": prefer,
    "biased_oracle": prefer_biased,
}


def completions(prompts: Sequence[str], model_name: str, **_: Any) -> dict[str, Any]:
    """What alpaca-eval calls in place of an API.

    Args:
        prompts: each made by the template `judges/template.txt`.
        model_name: `oracle` or `biased_oracle`.

    Returns:
        alpaca-eval's record of completions; a prompt that is not of the template, or whose
        instruction the laboratory does not know, gets a completion that holds no verdict.
    """
    return {
        "completions": [_completion(prompt, PREFER[model_name]) for prompt in prompts],
        "price_per_example": [0.0] * len(prompts),
        "time_per_example": [0.0] * len(prompts),
    }


def _completion(prompt: str, preference: Callable[[Task, str, str], float]) -> str:
    pieces = [piece for part in prompt.split(DIVIDER_1) for piece in part.split(DIVIDER_2)]
    if len(pieces) != 3:
        return "unreadable prompt"
    instruction, first, second = pieces
    task = tasks_by_instruction().get(instruction)
    if task is None:
        return "unknown instruction"
    return "The better is " + VERDICTS[preference(task, first, second)]
