"""How often the laboratory's judges are right, and how often GPT-4 and ChatGPT agree with people.

    python -m experiments.judge_studies.agreement        # prints the table in docs/judges.md

AlpacaEval publishes how often a judge agrees with the majority of a few people, and how often one
person agrees with that of the others. The installed alpaca-eval holds these numbers. If each person
is right independently with one probability h, then the majority of three is right with probability

    m = h^3 + 3 h^2 (1 - h)

and whoever is right with probability a agrees with it with probability a m + (1 - a) (1 - m). The
published agreement of people gives h, and that of a judge then gives its a. (The majority of four,
with ties broken by a coin, is right as often as that of three.)

The rule for the judges in `judges/`: `sharpness`, to one decimal, is the one at which the judge in
GPT-4's role agrees with the oracle as often as GPT-4 is right; `length_preference`, to two
decimals, the one at which it prefers the longer answer as often as GPT-4 does; `fickleness`, to two
decimals, is the share of coin tosses that leaves ChatGPT as often right as its own a says. The
first two are measured on *reference pairs*: to each test instruction the reference answer, and an
answer written by rule with a random number of facts, a random share of wrong ones, and some
constraints ignored. Pairs that the oracle calls a draw are left out. No model is needed for it.

Coin tosses draw every win rate towards 50 by the same factor. AlpacaEval publishes the win rates of
eleven models by both GPT-4 and its judge `chatgpt_fn`, and so shows whether the factor that follows
from the agreement of `chatgpt_fn` is the one seen there.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from experiments.cells.markdown import markdown_table
from experiments.nano.answers import (
    REFERENCE_FORGETS,
    misremembered,
    reference_answer,
    write_open,
    write_short,
    write_worked,
)
from experiments.nano.oracle import DRAW, Taste, helpfulness, length_ratio, taste
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.nano.world import make_world
from experiments.roles.judges import JUDGES, Shipped, installed

ERRORS = (0.0, 0.15, 0.5)
"""With what probabilities each fact of a rule-written answer is wrong."""
FACTS = (1, 10)
"""From how many to how many facts a rule-written answer to an open request states."""


def varied_answer(task: Task, rng: random.Random) -> str:
    """Write an answer of random length and correctness."""
    world, error = make_world(), rng.choice(ERRORS)
    recalled = replace(
        task,
        things=tuple(misremembered(thing, world, rng, error) for thing in task.things),
        constraints=tuple(c for c in task.constraints if rng.random() >= REFERENCE_FORGETS),
    )
    if task.subset in ("describe", "advise"):
        return write_open(recalled, rng, rng.randint(*FACTS))
    if task.subset == "question":
        return write_short(recalled, rng)
    return rng.choice((write_short, write_worked))(recalled, rng)


@dataclass(frozen=True)
class Pairs:
    """Pairs of answers, of which each number says how the second differs from the first.

    Args:
        better: in helpfulness.
        longer: the log of the ratio of characters.
    """

    better: NDArray[np.float64]
    longer: NDArray[np.float64]

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Which pairs are no draw for the oracle."""
        return np.abs(self.better) >= DRAW

    def probabilities(self, own: Taste | None) -> NDArray[np.float64]:
        """How likely a judge prefers the second answer of each pair; None is the oracle."""
        if own is None:
            return np.where(self.decided, self.better > 0, 0.5)
        both = zip(self.better, self.longer, strict=True)
        return np.array([own.probability(better, longer) for better, longer in both])

    def agreement(self, own: Taste | None) -> float:
        """The expected share of the oracle's decided verdicts with which a judge agrees."""
        return _share(self.probabilities(own), np.where(self.decided, self.better, 0))

    def prefers_longer(self, own: Taste | None) -> float:
        """The expected share of verdicts for the longer answer."""
        return _share(self.probabilities(own), self.longer)

    def sharpness(self, own: Taste, agreement: float) -> float:
        """The sharpness at which a judge that is otherwise the same agrees so often."""
        found = brentq(lambda s: self.agreement(replace(own, sharpness=s)) - agreement, 0.0, 100.0)
        return float(found)

    def tasted(self, own: Taste, agreement: float, longer: float) -> Taste:
        """A judge that agrees so often, and prefers the longer answer so often.

        Args:
            own: the judge, of which sharpness and length preference are replaced.
            agreement: with the oracle's decided verdicts.
            longer: the share of verdicts for the longer answer; at least the oracle's own.
        """

        def with_preference(strength: float) -> Taste:
            found = replace(own, length_preference=strength)
            return replace(found, sharpness=self.sharpness(found, agreement))

        strength = brentq(lambda x: self.prefers_longer(with_preference(x)) - longer, 0.0, 10.0)
        return with_preference(float(strength))


def _share(second: NDArray[np.float64], sign: NDArray[np.float64]) -> float:
    """The mean probability of the second answer where the sign is +, of the first where it is -."""
    return float(np.where(sign > 0, second, 1 - second)[sign != 0].mean())


@lru_cache
def reference_pairs() -> Pairs:
    """The reference answer to each test instruction and an answer written by rule."""
    better, longer = [], []
    for task in evaluation_tasks("test"):
        first = reference_answer(task)
        second = varied_answer(task, random.Random(f"reference pair {task.instruction}"))
        better.append(helpfulness(task, second) - helpfulness(task, first))
        longer.append(length_ratio(first, second))
    return Pairs(np.array(better), np.array(longer))


@dataclass(frozen=True)
class Published:
    """What AlpacaEval publishes of a judge, as shares.

    Args:
        agreement: with the majority of people.
        prefers_longer: verdicts for the longer answer.
    """

    agreement: float
    prefers_longer: float


def published(name: str) -> Published:
    """Read AlpacaEval's numbers of one of its judges, or of "humans"."""
    table = pd.read_csv(
        installed("alpaca_eval") / "leaderboards/evaluators/evaluators_leaderboard.csv", index_col=0
    )
    row = table.loc[name]
    return Published(float(row["Human agreement"]) / 100, float(row["Proba. prefer longer"]))


def published_name(role: str) -> str:
    """The judge of AlpacaEval's whose numbers a role is set by: the paper's own."""
    configuration = JUDGES[role].configurations["paper"]
    assert isinstance(configuration, Shipped)
    return configuration.name


def majority(right: float) -> float:
    """How often the majority of three is right, of whom each is right so often."""
    return right**3 + 3 * right**2 * (1 - right)


def implied(agreement: float, people: float) -> float:
    """How often a judge is right.

    Args:
        agreement: of the judge with the majority of people.
        people: of one person with the majority of the others; more than a half.
    """

    def excess(right: float) -> float:
        m = majority(right)
        return right * m + (1 - right) * (1 - m) - people

    m = majority(float(brentq(excess, 0.5, 1.0)))
    return (agreement - (1 - m)) / (2 * m - 1)


def fickleness(judge: float, sharper: float) -> float:
    """The share of coin tosses that takes one judge's share of right verdicts to another's.

    Args:
        judge: how often the judge with the tosses is right.
        sharper: how often the judge without them is.
    """
    return 1 - (judge - 0.5) / (sharper - 0.5)


def pull() -> tuple[float, float]:
    """How far `chatgpt_fn` draws GPT-4's win rates towards 50.

    Returns:
        The factor that its published agreement with people implies, and the slope through 50 of its
        public win rates on GPT-4's.
    """
    agreed = [published(name).agreement for name in ("chatgpt_fn", "alpaca_eval_gpt4")]
    folder = installed("alpaca_eval") / "leaderboards/data_AlpacaEval"
    theirs, gpt_4 = (
        pd.read_csv(folder / f"{name}_leaderboard.csv", index_col=0)["win_rate"] - 50
        for name in ("chatgpt_fn", "alpaca_eval_gpt4")
    )
    gpt_4 = gpt_4.reindex(theirs.index)
    return 1 - fickleness(*agreed), float((theirs * gpt_4).sum() / (gpt_4**2).sum())


HEADER = [
    "role",
    "published judge",
    "agrees with people",
    "so is right",
    "agrees with the oracle here",
    "prefers the longer, published",
    "prefers the longer here",
]


def rows() -> list[list[str]]:
    """The table in docs/judges.md."""
    people, pairs = published("humans"), reference_pairs()
    found = []
    for role, judge in JUDGES.items():
        own = taste(judge.folder("nano").name)
        here = (f"{pairs.agreement(own):.1%}", f"{pairs.prefers_longer(own):.0%}")
        theirs = ["", "", "", ""]
        if "paper" in judge.configurations:
            numbers = published(published_name(role))
            theirs = [
                f"`{published_name(role)}`",
                f"{numbers.agreement:.1%}",
                f"{implied(numbers.agreement, people.agreement):.1%}",
                f"{numbers.prefers_longer:.0%}",
            ]
        found.append([f"`{role}`", *theirs[:3], here[0], theirs[3], here[1]])
    return found


def constants() -> Taste:
    """The constants of the rule before they are rounded; fickleness is that of ChatGPT's role."""
    people, pairs, own = published("humans").agreement, reference_pairs(), taste("gpt_4_role")
    assert own is not None
    gpt_4, chatgpt = (published(published_name(role)) for role in ("gpt-4", "chatgpt"))
    right, less = (implied(each.agreement, people) for each in (gpt_4, chatgpt))
    found = pairs.tasted(own, right, gpt_4.prefers_longer)
    return replace(found, fickleness=fickleness(less, right))


def main() -> None:
    """Print the agreement of the judges, and what the rule says of their constants."""
    people, pairs, rule = published("humans"), reference_pairs(), constants()
    expected, seen = pull()
    print(markdown_table([HEADER, *rows()]))
    print(
        f"\nPeople agree with people {people.agreement:.1%} and prefer the longer answer "
        f"{people.prefers_longer:.0%}. {int(pairs.decided.sum())} of {len(pairs.better)} reference "
        f"pairs are decided. The rule: sharpness {rule.sharpness:.2f}, length preference "
        f"{rule.length_preference:.2f}, fickleness {rule.fickleness:.3f}.\n"
        f"By its agreement, `chatgpt_fn` draws GPT-4's win rates towards 50 by a factor of "
        f"{expected:.2f}; by its public win rates, {seen:.2f}."
    )


if __name__ == "__main__":
    main()
