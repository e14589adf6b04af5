"""The laboratory's judges: an oracle that knows the world, and the same oracle with a length bias.

    helpfulness(task, "The snorbatow has a flat tail.")
    prefer(task, first_answer, second_answer)            # 1, 2, or 1.5 for a draw

The `oracle`, the stand-in for GPT-4, reads the claims of an answer (`reading.read`) and scores it:

    helpfulness = 1 - 0.8^asked - 0.2 wrong - 0.1 repeated - 0.1 unreadable - 0.2 broken
                  - 0.1 if unfinished

`asked` is the number of distinct correct claims that the task asks for, so each of them adds a
fifth less than the one before. `wrong` counts false claims and claims about invented things,
`repeated` and `unreadable` count sentences, and `broken` counts constraints that are not met. The
answer with the higher score wins, and a difference below 0.02 is a draw. The length of the answers
is not used. The weights were set before any model was judged.

The `biased_oracle`, the stand-in for ChatGPT, adds 0.1 to the score for each factor of e by which
an answer is longer, and reverses one verdict in ten, chosen by a hash of instruction and answers.

Both run inside the real alpaca-eval: `judges/` has their configuration folders, which call
`completions` in place of an API client. docs/judges.md describes them for readers of results.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from experiments.nano.reading import Reading, read, sentences_of
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
    """Whether an answer meets one constraint of its task."""
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
    """Score an answer by the formula in this module's docstring."""
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
    """Return the oracle's verdict: 1 or 2 for the better answer, 1.5 for a draw."""
    return _verdict(helpfulness(task, second) - helpfulness(task, first))


def prefer_biased(task: Task, first: str, second: str) -> float:
    """Return the verdict of the oracle with a length bias and a rate of reversed verdicts."""
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
    """Return every task that the oracle can judge, by its instruction."""
    return {t.instruction: t for split in ("validation", "test") for t in evaluation_tasks(split)}


PREFER: dict[str, Callable[[Task, str, str], float]] = {
    "oracle": prefer,
    "biased_oracle": prefer_biased,
}


def completions(prompts: Sequence[str], model_name: str, **_: Any) -> dict[str, Any]:
    """Judge pairs of answers; alpaca-eval calls this function in place of an API.

    Args:
        prompts: each made from the template `judges/template.txt`.
        model_name: `oracle` or `biased_oracle`.

    Returns:
        alpaca-eval's record of completions. If a prompt does not follow the template, or its
        instruction is not one of the laboratory's, the completion contains no verdict.
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
