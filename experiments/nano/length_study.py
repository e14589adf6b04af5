"""How far the laboratory's judges follow length: measured, for docs/judges.md.

    python -m experiments.nano.length_study

For each open test instruction, two speakers answer. In *free* pairs each tells a random number of
facts and has each wrong with a random probability, so that length and helpfulness go together as
they do in real answers. In *equal* pairs both tell the same right facts and differ in wording and
courtesies alone.
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
    """What one judge does with length.

    Args:
        free: Spearman's correlation of verdict and length difference over free pairs.
        equal_draws: share of equal pairs that are draws.
        equal_longer: share of the decided equal pairs that the longer answer wins; None if none is.
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
    told = [
        sentence(say(entity, attribute, rng.randrange(4)))
        for attribute in entity.kind.attributes[:4]
    ]
    return " ".join(
        [rng.choice(CHAT_OPENINGS), *told, *rng.sample(CHAT_CLOSINGS, rng.randint(0, 2))]
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
        for name, speak in (("free", _free), ("equal", _equal)):
            first, second = speak(task, rng), speak(task, rng)
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
    """The table of docs/judges.md."""
    lines = []
    for judge in PREFER:
        found = study(judge)
        longer = "–" if found.equal_longer is None else f"{found.equal_longer:.0%}"
        lines.append(f"| `{judge}` | {found.free:+.2f} | {found.equal_draws:.0%} | {longer} |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows()))
