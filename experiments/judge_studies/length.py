"""How strongly the verdicts of the laboratory's judges depend on the length of an answer.

    python -m experiments.judge_studies.length           # prints the table in docs/judges.md

Two answers to each open test instruction are compared. In a *free* pair, each answer states a
random number of facts, and each fact is wrong with a random probability, so length and helpfulness
are correlated as they are in real answers. In an *equal* pair, both answers state the same correct
facts, and only wording and polite phrases differ. The shares are expected ones: a judge's
probability of preferring an answer counts, not the one verdict that it gives.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from experiments.cells.markdown import markdown_table
from experiments.judge_studies.agreement import ERRORS, FACTS, Pairs
from experiments.nano.answers import misremembered, write_open
from experiments.nano.language import CHAT_CLOSINGS, CHAT_OPENINGS, say, sentence
from experiments.nano.oracle import helpfulness, length_ratio, taste
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.nano.world import make_world
from experiments.roles.judges import JUDGES

KINDS = ("free", "equal")


def free(task: Task, rng: random.Random) -> str:
    """Write an answer of random length and correctness."""
    (entity,) = task.things
    recalled = misremembered(entity, make_world(), rng, rng.choice(ERRORS))
    return write_open(replace(task, things=(recalled,)), rng, rng.randint(*FACTS))


def equal(task: Task, rng: random.Random) -> str:
    """Write an answer that says the same as any other of this function, in other words."""
    (entity,) = task.things
    facts = [
        sentence(say(entity, attribute, rng.randrange(4)))
        for attribute in entity.kind.attributes[:4]
    ]
    return " ".join(
        [rng.choice(CHAT_OPENINGS), *facts, *rng.sample(CHAT_CLOSINGS, rng.randint(0, 2))]
    )


def pairs(answer: Callable[[Task, random.Random], str]) -> Pairs:
    """Two answers to each open test instruction without constraints.

    Args:
        answer: `free` or `equal`.
    """
    better, longer = [], []
    for task in evaluation_tasks("test"):
        if task.subset in ("describe", "advise") and not task.constraints:
            rng = random.Random(f"length study {task.instruction}")
            first, second = answer(task, rng), answer(task, rng)
            better.append(helpfulness(task, second) - helpfulness(task, first))
            longer.append(length_ratio(first, second))
    return Pairs(np.array(better), np.array(longer))


def rows() -> list[list[str]]:
    """The table in docs/judges.md."""
    both = pairs(free), pairs(equal)
    far = [f"{np.exp(np.median(np.abs(each.longer))):.2f}" for each in both]
    found = [
        ["role", *(f"{name} pairs ({r} times as long)" for name, r in zip(KINDS, far, strict=True))]
    ]
    for role, judge in JUDGES.items():
        own = taste(judge.folder("nano").name)
        found.append([f"`{role}`", *(f"{each.prefers_longer(own):.1%}" for each in both)])
    return found


if __name__ == "__main__":
    print(markdown_table(rows()))
