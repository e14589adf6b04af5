"""The made-up land of Ombrevane: its towns, people, animals and crafts, with all their attributes.

    world = make_world()
    town = world.entities[0]
    town.facts["river"]                                  # the river that this town stands on

The world is determined by a seed. Each of its 152 things has twelve attributes, which makes 1,824
facts: few enough for a model of two million parameters to learn. Names are composed of syllables;
nothing here is a statement about the real world.

Every thing belongs to one split (train, validation or test). Where the value of an attribute is
itself a thing (a person's home, a craft's inventor), both are in the same split, so an instruction
set made from training things never mentions a thing that the test instructions ask about.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from experiments.nano.kinds import KINDS, PERSON, Kind
from experiments.roles.instruction_sets import Split

SEED = 2310
SPLIT_SHARES: dict[Split, float] = {"train": 0.5, "validation": 0.15, "test": 0.35}


@dataclass(frozen=True)
class Entity:
    """One thing of the world.

    Args:
        name: with its article, if its kind has one ("the ollivet").
        kind: what it is.
        split: the split that it belongs to.
        pronoun: nominative and possessive: ("she", "her").
        facts: the value of each attribute, by the attribute's name.
    """

    name: str
    kind: Kind
    split: Split
    pronoun: tuple[str, str]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class World:
    """All things of the world.

    Args:
        entities: the things, in a fixed order.
    """

    entities: tuple[Entity, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Entity]:
        """The things by name; names of animals and crafts include their article ("the ollivet")."""
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


@lru_cache
def make_world(seed: int = SEED) -> World:
    """Make the world of a seed.

    Args:
        seed: any whole number. The shipped models were trained on the world of `SEED`.

    Returns:
        40 towns, 40 people, 36 animals and 36 crafts, with twelve facts each.
    """
    rng = random.Random(seed)
    named = {
        kind.name: list(zip(_names(kind, rng), _splits(kind.count), strict=True)) for kind in KINDS
    }
    entities = []
    for kind in KINDS:
        for name, split in named[kind.name]:
            facts = {}
            for attribute in kind.attributes:
                values: tuple[str, ...] = attribute.values
                if attribute.refers_to:
                    values = tuple(n for n, s in named[attribute.refers_to] if s == split)
                facts[attribute.name] = rng.choice(values)
            entities.append(Entity(name, kind, split, _pronoun(kind, name), facts))
    return World(tuple(entities))
