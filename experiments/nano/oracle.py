"""The laboratory's judges: an oracle that knows the world, and two that like length and err.

    helpfulness(task, "The snorbatow has a flat tail.")
    prefer(task, first_answer, second_answer)            # 1, 2, or 1.5 for a draw
    preference("gpt_4_role")(task, first, second)        # the same of any judge in judges/

The `oracle` reads the claims of an answer (`reading.read`) and scores it:

    helpfulness = 1 - 0.8^asked - 0.2 wrong - 0.1 repeated - 0.1 unreadable - 0.2 broken
                  - 0.1 if unfinished

`asked` is the number of distinct correct claims that the task asks for, so each of them adds a
fifth less than the one before. `wrong` counts false claims and claims about invented things,
`repeated` and `unreadable` count sentences, and `broken` counts constraints that are not met. The
answer with the higher score wins, and a difference below 0.02 is a draw. The length of the answers
is not used. The weights were set before any model was judged.

The judges in the roles of GPT-4 and ChatGPT score by the same formula, like longer answers, and
err. They prefer the second answer with probability

    (1 - fickleness) sigmoid(sharpness * (helpfulness_2 - helpfulness_1)
                             + length_preference * tanh(log(length_2 / length_1)))
    + fickleness / 2

with lengths in characters and one more. A number drawn from a hash of judge, instruction and
answers decides, so a pair always gets the same verdict, in either order. The three numbers of a
judge stand in its configuration, so that verdicts by other numbers are other verdicts.
`experiments/judge_studies/` fits the form of the length preference to GPT-4's public verdicts, and
sets the numbers from what is published of GPT-4 and ChatGPT: agreement with people, and how often
they prefer the longer answer.

All three run inside the real alpaca-eval: `judges/` has their configuration folders, which call
`completions` in place of an API client. docs/judges.md describes them for readers of results.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from eval.judge_config import judge_configuration
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
JUDGES = Path(__file__).parent / "judges"

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


@dataclass(frozen=True)
class Score:
    """What the oracle counts in an answer, by the names of the formula in this module's docstring.

    Args:
        asked: distinct right claims that the task asks for.
        wrong: false claims and claims about invented things.
        repeated: sentences that say nothing new.
        unreadable: sentences that are not in the laboratory's language.
        broken: constraints that are not met.
        unfinished: 1 if the answer breaks off, else 0.
    """

    asked: int
    wrong: int
    repeated: int
    unreadable: int
    broken: int
    unfinished: int

    @property
    def helpfulness(self) -> float:
        """The score."""
        return (
            1
            - DIMINISHING**self.asked
            - WRONG * self.wrong
            - REPEATED * self.repeated
            - UNREADABLE * self.unreadable
            - BROKEN * self.broken
            - UNFINISHED * self.unfinished
        )


def helpfulness(task: Task, answer: str) -> float:
    """Score an answer by the formula in this module's docstring."""
    return score(task, answer).helpfulness


def score(task: Task, answer: str) -> Score:
    """Count in an answer what the formula in this module's docstring is made of."""
    reading = read(answer, make_world(), task.topic)
    wrong = [claim for claim in reading.claims if not claim.correct]
    contradicted = {claim.key for claim in wrong}
    right = {claim.key for claim in reading.claims if claim.correct} - contradicted
    return Score(
        asked=len(right & task.asked),
        wrong=len(wrong),
        repeated=reading.repeated,
        unreadable=reading.unreadable,
        broken=sum(not obeys(c, task, answer, reading) for c in task.constraints),
        unfinished=int(not reading.finished),
    )


def facts_of(task: Task, answer: str) -> tuple[int, int]:
    """How many distinct right facts an answer states, asked for or not, and how many wrong ones."""
    reading = read(answer, make_world(), task.topic)
    wrong = [claim for claim in reading.claims if not claim.correct]
    right = {claim.key for claim in reading.claims if claim.correct}
    return len(right - {claim.key for claim in wrong}), len(wrong)


def prefer(task: Task, first: str, second: str) -> float:
    """Return the oracle's verdict: 1 or 2 for the better answer, 1.5 for a draw."""
    return _verdict(helpfulness(task, second) - helpfulness(task, first))


def _verdict(difference: float) -> float:
    if abs(difference) < DRAW:
        return 1.5
    return 2 if difference > 0 else 1


@dataclass(frozen=True)
class Taste:
    """How a judge departs from the oracle.

    Args:
        sharpness: logits per unit of helpfulness.
        length_preference: the most logits that length can add.
        fickleness: the share of verdicts that are a toss of a coin.
    """

    sharpness: float
    length_preference: float
    fickleness: float

    def probability(self, better: float, longer: float) -> float:
        """The probability that the second answer is preferred.

        Args:
            better: by how much the second answer is more helpful.
            longer: by how much it is longer, from `length_ratio`.
        """
        logit = self.sharpness * better + self.length_preference * math.tanh(longer)
        # The form by tanh is exactly antisymmetric, and does not overflow.
        return 0.5 + (1 - self.fickleness) * math.tanh(logit / 2) / 2


def length_ratio(first: str, second: str) -> float:
    """The log of the ratio of two answers' characters, each with one more for empty ones."""
    return math.log((1 + len(second)) / (1 + len(first)))


@lru_cache
def taste(judge: str) -> Taste | None:
    """What the configuration of a judge says of its taste; None for the oracle, which has none."""
    settings = judge_configuration(JUDGES / judge)["completions_kwargs"]
    return Taste(**settings["taste"]) if "taste" in settings else None


def prefer_by_taste(judge: str, own: Taste, task: Task, first: str, second: str) -> float:
    """Return a verdict by taste: 1 or 2, or 1.5 only where both answers are the same."""
    if first == second:
        return 1.5
    low, high = sorted((first, second))
    better = helpfulness(task, high) - helpfulness(task, low)
    drawn = hashlib.sha256("\0".join([judge, task.instruction, low, high]).encode()).digest()
    uniform = int.from_bytes(drawn[:8]) / 2**64
    winner = high if uniform < own.probability(better, length_ratio(low, high)) else low
    return 2 if winner == second else 1


def preference(judge: str) -> Callable[[Task, str, str], float]:
    """The function of task, first and second answer that gives the verdicts of a judge.

    Args:
        judge: the name of a folder in `judges/`.
    """
    own = taste(judge)
    return prefer if own is None else partial(prefer_by_taste, judge, own)


@lru_cache
def tasks_by_instruction() -> dict[str, Task]:
    """Return every task that the oracle can judge, by its instruction."""
    return {t.instruction: t for split in ("validation", "test") for t in evaluation_tasks(split)}


def completions(prompts: Sequence[str], model_name: str, **_: Any) -> dict[str, Any]:
    """Judge pairs of answers; alpaca-eval calls this function in place of an API.

    Args:
        prompts: each made from the template `judges/template.txt`.
        model_name: the judge, a folder of `judges/`; its taste is read there.

    Returns:
        alpaca-eval's record of completions. If a prompt does not follow the template, or its
        instruction is not one of the laboratory's, the completion contains no verdict.
    """
    return {
        "completions": [_completion(prompt, preference(model_name)) for prompt in prompts],
        "price_per_example": [0.0] * len(prompts),
        "time_per_example": [0.0] * len(prompts),
    }


def _completion(prompt: str, verdict: Callable[[Task, str, str], float]) -> str:
    pieces = [piece for part in prompt.split(DIVIDER_1) for piece in part.split(DIVIDER_2)]
    if len(pieces) != 3:
        return "unreadable prompt"
    instruction, first, second = pieces
    task = tasks_by_instruction().get(instruction)
    if task is None:
        return "unknown instruction"
    return "The better is " + VERDICTS[verdict(task, first, second)]
