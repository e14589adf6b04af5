"""Tasks: instructions for a model, each with the claims that a good answer to it contains.

    for task in evaluation_tasks("test")[:3]:            # the counterpart of AlpacaEval's 805
        print(task.subset, task.instruction, sorted(task.asked))

The tasks of the three splits (train, validation, test) are about different things of the world and
in different phrasings.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from experiments.nano.kinds import KINDS, Attribute
from experiments.nano.language import CONSTRAINT_PHRASES, capitalised, listing
from experiments.nano.world import Entity, Weight, World, drawn, evenly, make_world
from experiments.roles.instruction_sets import Split

Subset = Literal["describe", "question", "advise", "compare", "reason"]
SUBSETS: dict[Subset, int] = {
    "describe": 252,
    "question": 188,
    "advise": 156,
    "compare": 129,
    "reason": 80,
}
VALIDATION_SHARE = 0.25


@dataclass(frozen=True)
class Constraint:
    """A requirement on the form of an answer.

    Args:
        kind: `at_least` (a minimum number of sentences), `first` (the attribute to state first),
            `without` (an attribute not to mention), `begin` or `end` (with a given sentence),
            `numbered` (as a numbered list).
        value: the number, the attribute or the sentence.
        wording: the sentence that asks for it in the instruction.
    """

    kind: Literal["at_least", "first", "without", "begin", "end", "numbered"]
    value: str
    wording: str


@dataclass(frozen=True)
class Task:
    """An instruction, and the claims and the form of a good answer to it.

    Args:
        subset: the kind of task.
        instruction: the text that the model gets.
        things: the things that it is about.
        asked: the keys of the claims that it asks for (see `reading.Claim`).
        attributes: the attributes that it asks about, in the order of the instruction.
        constraints: requirements on the form of the answer.
        goal: of reasoning tasks: "more", "total" or "order".
    """

    subset: Subset
    instruction: str
    things: tuple[Entity, ...]
    asked: frozenset[tuple[str, ...]]
    attributes: tuple[Attribute, ...]
    constraints: tuple[Constraint, ...] = ()
    goal: str = ""

    @property
    def topic(self) -> Entity | None:
        """The thing that a pronoun in the answer's first sentence refers to, if there is one."""
        return self.things[0] if len(self.things) == 1 else None


PHRASINGS: dict[Subset, dict[Split, tuple[str, ...]]] = {
    "describe": {
        "train": (
            "Describe {x}.",
            "Tell me about {x}.",
            "Write a short text about {x}.",
            "Give a description of {x}.",
            "Explain what {x} is like.",
        ),
        "validation": ("What is known about {x}?", "Introduce {x} to a stranger."),
        "test": (
            "What can you tell me about {x}?",
            "Write about {x}.",
            "Give me a portrait of {x}.",
            "I would like to know more about {x}.",
        ),
    },
    "question": {
        "train": (
            "What is the {a} of {x}?",
            "Name the {a} of {x}.",
            "Tell me the {a} of {x}.",
            "Can you give the {a} of {x}?",
        ),
        "validation": ("State the {a} of {x}.", "Do you know the {a} of {x}?"),
        "test": (
            "I would like to know the {a} of {x}.",
            "Please explain the {a} of {x}.",
            "May I ask about the {a} of {x}?",
        ),
    },
    "advise": {
        "train": (
            "I am going to {do} {x}. What should I know?",
            "Tomorrow I {do} {x}. What is good to know?",
        ),
        "validation": ("My sister wants to {do} {x}. What should she know?",),
        "test": (
            "Next week we {do} {x}. Can you tell us what to know?",
            "I was told to {do} {x}. What is there to know?",
            "I hope to {do} {x} one day. Tell me more, please.",
        ),
    },
    "compare": {
        "train": (
            "Compare {x} and {y} by {a}.",
            "How do {x} and {y} differ in {a}?",
            "What are the {a} of {x} and of {y}?",
        ),
        "validation": ("Set {x} beside {y}: what of the {a}?",),
        "test": (
            "Tell me the {a} of {x} and {y}.",
            "Explain how {x} and {y} compare in {a}.",
        ),
    },
    "reason": {
        "train": (
            "{goal} Explain each step.",
            "{goal} Show your work.",
        ),
        "validation": ("{goal} Say how you know.",),
        "test": ("{goal} Explain your answer.", "Please answer: {goal}"),
    },
}
LENGTH_WORDS = {
    "Generate a long response": (8, 12),
    "Generate a comprehensive response": (8, 12),
    "Generate a long and comprehensive response.": (9, 12),
    "Write a long answer.": (8, 12),
    "Be comprehensive.": (8, 12),
    "Give a short answer.": (1, 2),
    "Be brief.": (1, 2),
}
"""Words about length that some requests end with, and the facts that their answers then state. The
first three are the prompts of Table 5."""
MEETING = {
    "town": "visit",
    "person": "meet",
    "animal": "look for",
    "craft": "buy",
}
GOALS: dict[str, str] = {
    "more": "Which is ahead in {a}, {x} or {y}, and by how much?",
    "total": "What do {x} and {y} come to together in {a}?",
    "order": "Put {x} in order by {a}.",
}


def fact(entity: Entity, attribute: Attribute) -> tuple[str, ...]:
    """Return the key of a claim about one fact."""
    return ("fact", entity.name, attribute.name)


def describe(world: World, split: Split, rng: random.Random, weight: Weight = evenly) -> Task:
    """Make an open request about one thing, which asks for all of its facts."""
    (entity,) = drawn(world.of(split), 1, rng, weight)
    text = rng.choice(PHRASINGS["describe"][split]).format(x=entity.name)
    asked = frozenset(fact(entity, attribute) for attribute in entity.kind.attributes)
    return Task("describe", text, (entity,), asked, entity.kind.attributes)


def question(world: World, split: Split, rng: random.Random, weight: Weight = evenly) -> Task:
    """Make a request for one or two facts of one thing."""
    (entity,) = drawn(world.of(split), 1, rng, weight)
    attributes = tuple(rng.sample(entity.kind.attributes, rng.choice((1, 1, 2))))
    phrasing = rng.choice(PHRASINGS["question"][split])
    text = phrasing.format(a=" and the ".join(a.phrase for a in attributes), x=entity.name)
    return Task(
        "question", text, (entity,), frozenset(fact(entity, a) for a in attributes), attributes
    )


def advise(world: World, split: Split, rng: random.Random, weight: Weight = evenly) -> Task:
    """Make an open request that names an occasion and asks for all facts of one thing."""
    task = describe(world, split, rng, weight)
    (entity,) = task.things
    phrasing = rng.choice(PHRASINGS["advise"][split])
    text = phrasing.format(do=MEETING[entity.kind.name], x=entity.name)
    return replace(task, subset="advise", instruction=text)


def compare(world: World, split: Split, rng: random.Random, weight: Weight = evenly) -> Task:
    """Make a request to compare two things by one to three attributes."""
    kind = rng.choice(KINDS)
    first, second = drawn(world.of(split, kind), 2, rng, weight)
    attributes = tuple(rng.sample(kind.attributes, rng.choice((1, 2, 3))))
    text = rng.choice(PHRASINGS["compare"][split]).format(
        x=first.name, y=second.name, a=listing([attribute.phrase for attribute in attributes])
    )
    asked = {fact(entity, a) for entity in (first, second) for a in attributes}
    names = sorted((first.name, second.name))
    for attribute in attributes:
        form = "shared"
        if attribute.numeric and first.facts[attribute.name] != second.facts[attribute.name]:
            form = "more"
        asked.add((form, attribute.name, *names))
    return Task("compare", text, (first, second), frozenset(asked), attributes)


def reason(world: World, split: Split, rng: random.Random, weight: Weight = evenly) -> Task:
    """Make a request for a difference, a sum or an order of numbers that must be recalled."""
    goal = rng.choice(("more", "more", "total", "order"))
    kind = rng.choice(KINDS)
    attribute = rng.choice(
        [a for a in kind.attributes if a.numeric and (goal != "total" or a.total)]
    )
    things = tuple(drawn(world.of(split, kind), 3 if goal == "order" else 2, rng, weight))
    while goal == "more" and len({e.facts[attribute.name] for e in things}) < 2:
        things = tuple(drawn(world.of(split, kind), 2, rng, weight))
    x = listing([e.name for e in things]) if goal == "order" else things[0].name
    aim = capitalised(GOALS[goal].format(x=x, y=things[1].name, a=attribute.phrase))
    text = rng.choice(PHRASINGS["reason"][split]).format(goal=aim)
    asked = {fact(entity, attribute) for entity in things}
    asked.add((goal, attribute.name, *sorted(entity.name for entity in things)))
    return Task("reason", text, things, frozenset(asked), (attribute,), goal=goal)


Maker = Callable[[World, Split, random.Random, Weight], Task]
"""From a world, a split, a source of chance and the weight of each thing to a task."""

MAKERS: dict[Subset, Maker] = {
    "describe": describe,
    "question": question,
    "advise": advise,
    "compare": compare,
    "reason": reason,
}

_AT_LEAST = {
    "train": "Use at least {n} sentences.",
    "validation": "Make it {n} sentences or more.",
    "test": "Write no fewer than {n} sentences.",
}
_FIRST = {
    "train": "Begin with the {a}.",
    "validation": "Start from the {a}.",
    "test": "Tell the {a} first.",
}
_WITHOUT = {
    "train": "Do not mention the {a}.",
    "validation": "Leave out the {a}.",
    "test": "Say nothing of the {a}.",
}
_BEGIN = {
    "train": "Begin with the sentence: {s}",
    "validation": "Open with: {s}",
    "test": "Start with the words: {s}",
}
_END = {
    "train": "End with the sentence: {s}",
    "validation": "Close with: {s}",
    "test": "Finish with the words: {s}",
}
_NUMBERED = {
    "train": "Write a numbered list.",
    "validation": "Number your sentences.",
    "test": "Answer as a numbered list.",
}


def constrained(task: Task, split: Split, rng: random.Random, count: int) -> Task:
    """Add `count` constraints to an open task.

    An attribute that must not be mentioned is removed from the claims that are asked for.
    """
    (entity,) = task.things
    first, without = rng.sample(entity.kind.attributes, 2)
    number = str(rng.randint(5, 8))
    options = [
        Constraint("at_least", number, _AT_LEAST[split].format(n=number)),
        Constraint("first", first.name, _FIRST[split].format(a=first.phrase)),
        Constraint("without", without.name, _WITHOUT[split].format(a=without.phrase)),
        Constraint("end", CONSTRAINT_PHRASES[1], _END[split].format(s=CONSTRAINT_PHRASES[1])),
        rng.choice(
            (
                Constraint(
                    "begin", CONSTRAINT_PHRASES[0], _BEGIN[split].format(s=CONSTRAINT_PHRASES[0])
                ),
                Constraint("numbered", "", _NUMBERED[split]),
            )
        ),
    ]
    chosen = tuple(option for option in options if option in rng.sample(options, count))
    asked = task.asked
    if any(c.kind == "without" for c in chosen):
        asked = asked - {fact(entity, without)}
    text = " ".join([task.instruction, *(c.wording for c in chosen)])
    return replace(task, instruction=text, constraints=chosen, asked=asked)


@lru_cache
def evaluation_tasks(split: Split) -> tuple[Task, ...]:
    """Make the instructions that models are judged on: 805 for test, a quarter for the others.

    A third of the open tasks has one or two constraints. All instructions are different.
    """
    world = make_world()
    rng = random.Random(f"evaluation {split}")
    share = 1.0 if split == "test" else VALIDATION_SHARE
    tasks: dict[str, Task] = {}
    for subset, size in SUBSETS.items():
        end = len(tasks) + round(size * share)
        while len(tasks) < end:
            task = MAKERS[subset](world, split, rng, evenly)
            if subset in ("describe", "advise") and rng.random() < 1 / 3:
                task = constrained(task, split, rng, rng.randint(1, 2))
            tasks.setdefault(task.instruction, task)
    return tuple(tasks.values())
