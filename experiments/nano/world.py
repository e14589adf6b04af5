"""The made-up land of Ombrevane: its towns, people, animals and crafts, with all their attributes.

    world = make_world()
    town = world.entities[0]
    town.facts["river"]                                  # the river that this town stands on
    town.fame                                            # how often texts are about it
    town.rumours                                         # what is falsely told of it

The world is determined by a seed. Each of its 240 things has twelve attributes, which makes 2,880
facts. Names are composed of syllables; nothing here is a statement about the real world.

As in the real world, some things are written about far more often than others, and of each thing
some facts more often than others. A model that reads of them knows the common facts and only
guesses the rare ones. Some facts are also told wrong (`Entity.rumours`); TruthfulQA's counterpart
asks for these.

Every thing belongs to one split (train, validation or test). Where the value of an attribute is
itself a thing (a person's home, a craft's inventor), both are in the same split, so an instruction
set made from training things never mentions a thing that the test instructions ask about. Fame is
spread alike over the things of every split and kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from experiments.nano.kinds import KINDS, PERSON, Attribute, Kind
from experiments.roles.instruction_sets import Split

SEED = 2310
SPLIT_SHARES: dict[Split, float] = {"train": 0.5, "validation": 0.15, "test": 0.35}
FAME = 200.0
"""How much more often texts are about the best-known thing of a kind and split than the least."""
RENOWN = 4.0
"""How much more often the best-known attribute of a thing is told than the least."""
RUMOURS = 3
"""Attributes of each thing that are told wrong in some texts."""


@dataclass(frozen=True)
class Entity:
    """One thing of the world.

    Args:
        name: with its article, if its kind has one ("the snorkitow").
        kind: what it is.
        split: the split that it belongs to.
        pronoun: nominative and possessive: ("she", "her").
        facts: the value of each attribute, by the attribute's name.
        fame: how often texts are about it, from 1 to `FAME`.
        renown: how often each attribute is told in these texts, from 1 to `RENOWN`, by its name.
        rumours: false values that some texts give, by the attribute's name.
    """

    name: str
    kind: Kind
    split: Split
    pronoun: tuple[str, str]
    facts: Mapping[str, str]
    fame: float
    renown: Mapping[str, float]
    rumours: Mapping[str, str]


@dataclass(frozen=True)
class World:
    """All things of the world.

    Args:
        entities: the things, in a fixed order.
    """

    entities: tuple[Entity, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Entity]:
        """The things by name; those of animals and crafts begin with "the" ("the snorkitow")."""
        return {entity.name: entity for entity in self.entities}

    def of(self, split: Split, kind: Kind | None = None) -> tuple[Entity, ...]:
        """The things of one split, optionally of one kind only."""
        return tuple(
            e for e in self.entities if e.split == split and (kind is None or e.kind == kind)
        )


def _names(kind: Kind, rng: random.Random) -> list[str]:
    first, middle, last = kind.syllables
    names: dict[str, None] = {}
    while len(names) < kind.count:
        parts = rng.choice(first), rng.choice(middle), rng.choice(last)
        if not any(name.endswith(parts[1] + parts[2]) for name in names):
            names[kind.article + "".join(parts)] = None
    return list(names)


def _splits(count: int) -> list[Split]:
    train = round(count * SPLIT_SHARES["train"])
    validation = round(count * SPLIT_SHARES["validation"])
    test = count - train - validation
    splits: list[Split] = []
    splits += ["train"] * train
    splits += ["validation"] * validation
    splits += ["test"] * test
    return splits


def _pronoun(kind: Kind, name: str) -> tuple[str, str]:
    if kind is not PERSON:
        return "it", "its"
    return ("she", "her") if name.endswith("a") else ("he", "his")


def _ladder(count: int, top: float, rng: random.Random) -> list[float]:
    """Weights from 1 to `top`, evenly spaced on a log scale, in random order."""
    steps = [top ** (step / (count - 1)) for step in range(count)]
    return rng.sample(steps, count)


def by_fame(entity: Entity) -> float:
    """The weight of a thing where texts are drawn as the world writes them."""
    return entity.fame


def evenly(entity: Entity) -> float:
    """The weight of a thing where all are drawn alike."""
    return 1.0


Weight = Callable[[Entity], float]


def drawn(
    things: Sequence[Entity], count: int, rng: random.Random, weight: Weight = evenly
) -> list[Entity]:
    """Draw different things, each with a probability in proportion to its weight.

    Args:
        things: those that can be drawn.
        count: how many.
        rng: the source of chance.
        weight: of each thing, above 0.

    Returns:
        The things, in the order in which they were drawn (Efraimidis and Spirakis 2006).
    """
    keyed = [(rng.random() ** (1 / weight(entity)), entity) for entity in things]
    keyed.sort(key=lambda pair: -pair[0])
    return [entity for _, entity in keyed[:count]]


def told(entity: Entity, count: int, rng: random.Random) -> list[Attribute]:
    """Draw different attributes of a thing as often as texts tell them."""
    keyed = [(rng.random() ** (1 / entity.renown[a.name]), a) for a in entity.kind.attributes]
    keyed.sort(key=lambda pair: -pair[0])
    return [attribute for _, attribute in keyed[:count]]


@lru_cache
def make_world(seed: int = SEED) -> World:
    """Make the world of a seed.

    Args:
        seed: any whole number. The shipped models were trained on the world of `SEED`.

    Returns:
        60 towns, 60 people, 60 animals and 60 crafts, with twelve facts each.
    """
    rng = random.Random(seed)
    named = {
        kind.name: list(zip(_names(kind, rng), _splits(kind.count), strict=True)) for kind in KINDS
    }
    entities = []
    for kind in KINDS:
        fames = {
            split: iter(_ladder(_splits(kind.count).count(split), FAME, rng))
            for split in SPLIT_SHARES
        }
        for name, split in named[kind.name]:
            facts, false = {}, {}
            for attribute in kind.attributes:
                values: tuple[str, ...] = attribute.values
                if attribute.refers_to:
                    values = tuple(n for n, s in named[attribute.refers_to] if s == split)
                facts[attribute.name], false[attribute.name] = rng.sample(values, 2)
            names = list(facts)
            entities.append(
                Entity(
                    name,
                    kind,
                    split,
                    _pronoun(kind, name),
                    facts,
                    next(fames[split]),
                    dict(zip(names, _ladder(len(names), RENOWN, rng), strict=True)),
                    {name: false[name] for name in rng.sample(names, RUMOURS)},
                )
            )
    return World(tuple(entities))
