"""How strongly the verdicts of the laboratory's judges depend on the length of an answer.

    python -m experiments.nano.length_study              # prints the table in docs/judges.md

Two answers to each open test instruction are compared. In a *free* pair, each answer states a
random number of facts, and each fact is wrong with a random probability, so length and helpfulness
are correlated as they are in real answers. In an *equal* pair, both answers state the same correct
facts, and only wording and polite phrases differ.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from experiments.nano.answers import misremembered, write_open
from experiments.nano.language import CHAT_CLOSINGS, CHAT_OPENINGS, say, sentence
from experiments.nano.oracle import PREFER
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.nano.world import make_world


@dataclass(frozen=True)
class LengthStudy:
    """How one judge's verdicts depend on length.

    Args:
        free: Spearman's correlation of verdict and length difference over free pairs.
        equal_draws: share of equal pairs that are draws.
        equal_longer: share of the decided equal pairs in which the longer answer wins; None if all
            are draws.
    """

    free: float
    equal_draws: float
    equal_longer: float | None


def _free(task: Task, rng: random.Random) -> str:
    (entity,) = task.things
    recalled = misremembered(entity, make_world(), rng, rng.choice((0.0, 0.15, 0.5)))
    return write_open(replace(task, things=(recalled,)), rng, rng.randint(1, 10))


def _equal(task: Task, rng: random.Random) -> str:
    (entity,) = task.things
    facts = [
        sentence(say(entity, attribute, rng.randrange(4)))
        for attribute in entity.kind.attributes[:4]
    ]
    return " ".join(
        [rng.choice(CHAT_OPENINGS), *facts, *rng.sample(CHAT_CLOSINGS, rng.randint(0, 2))]
    )


def study(judge: str) -> LengthStudy:
    """Measure one judge on the open test instructions without constraints."""
    tasks = [
        task
        for task in evaluation_tasks("test")
        if task.subset in ("describe", "advise") and not task.constraints
    ]
    verdicts: dict[str, list[tuple[float, int]]] = {"free": [], "equal": []}
    for task in tasks:
        rng = random.Random(f"length study {task.instruction}")
        for name, answer in (("free", _free), ("equal", _equal)):
            first, second = answer(task, rng), answer(task, rng)
            verdict = PREFER[judge](task, first, second)
            verdicts[name].append((verdict, len(second) - len(first)))
    free, equal = (np.array(verdicts[name]) for name in ("free", "equal"))
    decided = equal[(equal[:, 0] != 1.5) & (equal[:, 1] != 0)]
    longer_won = (decided[:, 0] == 2) == (decided[:, 1] > 0)
    return LengthStudy(
        free=float(spearmanr(free[:, 0], free[:, 1]).statistic),
        equal_draws=float(np.mean(equal[:, 0] == 1.5)),
        equal_longer=float(longer_won.mean()) if len(decided) else None,
    )


def rows() -> list[str]:
    """Return the rows of the table in docs/judges.md."""
    lines = []
    for judge in PREFER:
        found = study(judge)
        longer = "–" if found.equal_longer is None else f"{found.equal_longer:.0%}"
        lines.append(f"| `{judge}` | {found.free:+.2f} | {found.equal_draws:.0%} | {longer} |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows()))
