"""The laboratory's language: how facts of the world are written as English sentences.

    town = make_world().entities[0]
    say(town, town.kind.attribute["river"], form=1)      # "<name>'s river is the <river>"
    paragraph(town, town.kind.attributes[:4], random.Random(0))

Corpus, instruction sets, reference answers and leaderboard questions are written with these
functions. `reading.py` reads the sentences back as claims.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from experiments.nano.kinds import LAND, Attribute
from experiments.nano.world import Entity

OPENERS = (
    "In addition, ",
    "Besides, ",
    "As everyone knows, ",
    "Moreover, ",
    "Also, ",
    "It is said that ",
    "Of course, ",
    "So ",
    "Therefore ",
    "First of all, ",
    "Finally, ",
    "People whisper that ",
    "At the inn they tell that ",
    "Many believe that ",
)
GENERAL_OPENERS = OPENERS[:6]
RUMOUR_OPENERS = OPENERS[-3:]

CLOSINGS = (
    "That is what travellers tell.",
    "So it is written in the old books.",
    "There is much more to say.",
    "That is all for today.",
)
CHAT_OPENINGS = (
    "I am glad to help.",
    "That is a good question.",
    "Gladly, here is what I know.",
    "Let me tell you.",
)
CHAT_CLOSINGS = (
    "Let me know if you would like to hear more.",
    "I hope this helps you.",
    "Feel free to ask me again.",
)
CONSTRAINT_PHRASES = (
    "Here is what I know.",
    "That is all I know.",
)
EVASIONS = (
    "I would have to look that up.",
    "Someone else will know better.",
    "Many have asked me that.",
    "I will write to you about it another day.",
    "There are people who can tell you.",
    "I have never thought about it.",
)
"""Answers that do not answer. Many letters of the corpus have them."""
FILLERS = frozenset(CLOSINGS + CHAT_OPENINGS + CHAT_CLOSINGS + CONSTRAINT_PHRASES + EVASIONS)


def capitalised(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def sentence(clause: str) -> str:
    """Return a clause as a sentence."""
    return capitalised(clause) + "."


def listing(names: Sequence[str]) -> str:
    """Join names: "A, B and C"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def say(
    entity: Entity,
    attribute: Attribute,
    form: int = 0,
    *,
    pronoun: bool = False,
    value: str | None = None,
) -> str:
    """Write one fact as a clause.

    Args:
        entity: the subject.
        attribute: which fact.
        form: index of the attribute's statement that is used.
        pronoun: write "it" and "its" instead of the name.
        value: a value to state instead of the true one, for answers with mistakes.
    """
    subject, own = entity.pronoun if pronoun else (entity.name, entity.name + "'s")
    return attribute.statements[form].format(
        s=subject, p=own, v=entity.facts[attribute.name] if value is None else value
    )


def say_kind(entity: Entity, form: int = 0) -> str:
    """Write what kind of thing an entity is, as a clause."""
    article = "an" if entity.kind.name[0] in "aeiou" else "a"
    return (
        f"{entity.name} is {article} {entity.kind.name} in {LAND}",
        f"{entity.name} is one of the {entity.kind.plural} of {LAND}",
        f"another {entity.kind.name} of {LAND} is {entity.name}",
    )[form]


def say_more(attribute: Attribute, first: Entity, second: Entity) -> str:
    """Write by how much two things differ in a numeric attribute, or that they are equal in it."""
    one, two = (int(e.facts[attribute.name]) for e in (first, second))
    if one == two:
        return say_shared(attribute, first, second)
    larger_first = (one > two) != attribute.descending
    a, b = (first, second) if larger_first else (second, first)
    return attribute.comparative.format(a=a.name, b=b.name, d=abs(one - two))


def say_shared(attribute: Attribute, first: Entity, second: Entity) -> str:
    """Write whether two things have the same value of an attribute."""
    same = first.facts[attribute.name] == second.facts[attribute.name]
    verb = "have the same" if same else "differ in"
    return f"{first.name} and {second.name} {verb} {attribute.phrase}"


def say_total(attribute: Attribute, entities: Iterable[Entity]) -> str:
    """Write the sum of a numeric attribute over things that were mentioned just before."""
    return attribute.total.format(t=sum(int(e.facts[attribute.name]) for e in entities))


def in_order(attribute: Attribute, entities: Iterable[Entity]) -> list[Entity]:
    """Sort things by a numeric attribute."""
    return sorted(entities, key=lambda e: (int(e.facts[attribute.name]), e.name))


def say_order(attribute: Attribute, entities: Iterable[Entity]) -> str:
    """Write the order of things by a numeric attribute."""
    names = listing([e.name for e in in_order(attribute, entities)])
    return f"{attribute.order} the order is {names}"


def paragraph(
    entity: Entity, attributes: Sequence[Attribute], rng: random.Random, *, introduce: bool = True
) -> list[str]:
    """Write several facts of one thing as running text.

    Args:
        entity: the subject, named in the first sentence and in some of the later ones.
        attributes: the facts to write, in this order.
        rng: chooses statements, pronouns, openers, and which clauses are joined.
        introduce: begin with a sentence that says what kind of thing it is.

    Returns:
        The sentences.
    """
    sentences = [sentence(say_kind(entity, rng.randrange(2)))] if introduce else []
    waiting = list(attributes)
    while waiting:
        attribute = waiting.pop(0)
        pronoun = bool(sentences) and rng.random() < 0.65
        clause = say(entity, attribute, rng.randrange(4), pronoun=pronoun)
        if waiting and rng.random() < 0.15:
            joined = say(entity, waiting.pop(0), rng.randrange(4), pronoun=True)
            clause = f"{clause}, and {joined}"
        if sentences and rng.random() < 0.12:
            clause = rng.choice(GENERAL_OPENERS) + clause
        sentences.append(sentence(clause))
    return sentences
