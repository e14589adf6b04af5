"""How the laboratory talks about its world, and how it reads such talk back.

One grammar serves both directions: `say` turns a fact into a clause, and `read` turns a text into
the claims it makes, each known to be right or wrong. Corpus, instruction sets, reference answers
and the oracle judge all stand on it.

    world = make_world()
    read("The snorbatow has a flat tail. It eats glass.", world).claims
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from experiments.nano.world import KINDS, LAND, Attribute, Entity, Kind, World

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
)
GENERAL_OPENERS = OPENERS[:6]

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
FILLERS = frozenset(CLOSINGS + CHAT_OPENINGS + CHAT_CLOSINGS + CONSTRAINT_PHRASES)


@dataclass(frozen=True)
class Claim:
    """Something a text says of the world.

    Args:
        key: what is claimed about, whatever the value: ("fact", thing, attribute), ("kind", thing),
            ("more" | "total" | "order" | "shared", attribute, thing, thing, …), ("sum", terms), or
            ("invented", subject) for a thing that does not exist.
        correct: whether the world agrees.
    """

    key: tuple[str, ...]
    correct: bool


@dataclass(frozen=True)
class Reading:
    """What `read` found in a text.

    Args:
        claims: in the order of the text, repetitions included.
        sentences: how many sentences the text has.
        unreadable: how many of them say nothing in the laboratory's language.
        repeated: how many sentences stand a second time, word for word, or claim only what was
            claimed before.
        finished: whether the text ends with a full stop (or ! or ?).
    """

    claims: tuple[Claim, ...]
    sentences: int
    unreadable: int
    repeated: int
    finished: bool


def capitalised(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def sentence(clause: str) -> str:
    """A clause as a sentence of its own."""
    return capitalised(clause) + "."


def listing(names: Sequence[str]) -> str:
    """Names in a row: "A, B and C"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def say(
    entity: Entity,
    attribute: Attribute,
    form: int = 0,
    *,
    pronoun: bool = False,
    value: str | None = None,
) -> str:
    """Say one fact as a clause.

    Args:
        entity: the subject.
        attribute: what is said of it.
        form: which of the attribute's statements to use.
        pronoun: "it" and "its" in place of the name.
        value: said in place of the true value (for fallible speakers).
    """
    subject, own = entity.pronoun if pronoun else (entity.name, entity.name + "'s")
    return attribute.statements[form].format(
        s=subject, p=own, v=entity.facts[attribute.name] if value is None else value
    )


def say_kind(entity: Entity, form: int = 0) -> str:
    """Say what kind of thing it is."""
    article = "an" if entity.kind.name[0] in "aeiou" else "a"
    return (
        f"{entity.name} is {article} {entity.kind.name} in {LAND}",
        f"{entity.name} is one of the {entity.kind.plural} of {LAND}",
        f"another {entity.kind.name} of {LAND} is {entity.name}",
    )[form]


def say_more(attribute: Attribute, first: Entity, second: Entity) -> str:
    """Compare two things by a numeric attribute; on a tie, say that they are the same."""
    one, two = (int(e.facts[attribute.name]) for e in (first, second))
    if one == two:
        return say_shared(attribute, first, second)
    larger_first = (one > two) != attribute.descending
    a, b = (first, second) if larger_first else (second, first)
    return attribute.comparative.format(a=a.name, b=b.name, d=abs(one - two))


def say_shared(attribute: Attribute, first: Entity, second: Entity) -> str:
    """Say whether two things have the same value of an attribute."""
    same = first.facts[attribute.name] == second.facts[attribute.name]
    verb = "have the same" if same else "differ in"
    return f"{first.name} and {second.name} {verb} {attribute.phrase}"


def say_total(attribute: Attribute, entities: Iterable[Entity]) -> str:
    """Say the sum of a numeric attribute over things that were just spoken of."""
    return attribute.total.format(t=sum(int(e.facts[attribute.name]) for e in entities))


def in_order(attribute: Attribute, entities: Iterable[Entity]) -> list[Entity]:
    """The things sorted by a numeric attribute."""
    return sorted(entities, key=lambda e: (int(e.facts[attribute.name]), e.name))


def say_order(attribute: Attribute, entities: Iterable[Entity]) -> str:
    """Say the order of things by a numeric attribute."""
    names = listing([e.name for e in in_order(attribute, entities)])
    return f"{attribute.order} the order is {names}"


def paragraph(
    entity: Entity, attributes: Sequence[Attribute], rng: random.Random, *, introduce: bool = True
) -> list[str]:
    """Say several facts of one thing as running text.

    Args:
        entity: the subject, named in the first sentence and now and then after it.
        attributes: what to say, in this order.
        rng: chooses wording, pronouns, openers and joins.
        introduce: begin with what kind of thing it is.

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


_SUBJECT = re.compile(
    r"(?P<pronoun_own>its|Its|her|Her|his|His)(?= )"
    r"|(?P<subject>[Tt]he [a-z]+|[A-Z][a-z]+|it|she|he)(?P<own>'s)?(?= )"
)
_NAME = r"(?:[Tt]he [a-z]+|[A-Z][a-z]+)"
_SUM = re.compile(r"(\d{1,9}) ([+-]) (\d{1,9}) = (\d{1,9})")
_SHARED = re.compile(rf"({_NAME}) and ({_NAME}) (have the same|differ in) (.+)")
_KIND = re.compile(rf"({_NAME}) is (?:an? (\w+) in|one of the (\w+) of) {LAND}")
_BOTH = re.compile(rf"({_NAME}) and ({_NAME}) are both (\w+) of {LAND}")
_ANOTHER = re.compile(rf"[Aa]nother (\w+) of {LAND} is ({_NAME})")
_ORDER = re.compile(rf"(.+) the order is ({_NAME}(?:, {_NAME})*(?: and {_NAME})?)")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,3}\.|-)\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class _Form:
    """A statement without its subject: `prefix` + value + `suffix`."""

    attribute: str
    prefix: str
    suffix: str


@lru_cache
def _forms(kind_name: str, own: bool) -> tuple[_Form, ...]:
    kind = _kind(kind_name)
    start = "{p}" if own else "{s}"
    forms = []
    for attribute in kind.attributes:
        for statement in attribute.statements:
            if statement.startswith(start):
                prefix, suffix = statement.removeprefix(start).split("{v}")
                forms.append(_Form(attribute.name, prefix, suffix))
    return tuple(sorted(forms, key=lambda form: -len(form.prefix + form.suffix)))


@lru_cache
def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


@lru_cache
def _numeric_patterns() -> tuple[tuple[str, str, Attribute, re.Pattern[str]], ...]:
    patterns = []
    for kind in KINDS:
        for attribute in kind.attributes:
            if attribute.comparative:
                pattern = re.escape(attribute.comparative)
                for letter, group in (("a", f"(?P<a>{_NAME})"), ("b", f"(?P<b>{_NAME})")):
                    pattern = pattern.replace(re.escape("{" + letter + "}"), group)
                pattern = pattern.replace(re.escape("{d}"), r"(?P<d>\d{1,9})")
                patterns.append(("more", kind.name, attribute, re.compile(pattern)))
            if attribute.total:
                pattern = re.escape(capitalised(attribute.total)).replace(
                    re.escape("{t}"), r"(?P<t>\d{1,9})"
                )
                patterns.append(("total", kind.name, attribute, re.compile(pattern)))
    return tuple(patterns)


def sentences_of(text: str) -> list[str]:
    """Split a text into sentences; the marks of numbered and dashed lists are left out."""
    pieces = []
    for line in text.split("\n"):
        for piece in _SENTENCE_END.split(_LIST_MARK.sub("", line)):
            if piece.strip():
                pieces.append(piece.strip())
    return pieces


class _Reader:
    """The state of one reading: who is spoken of, and what was claimed so far."""

    def __init__(self, world: World, topic: Entity | None) -> None:
        self.world = world
        self.topic = topic
        self.claims: list[Claim] = []

    def _entity(self, name: str) -> Entity | None:
        lowered = name.replace("The ", "the ", 1) if name.startswith("The ") else name
        return self.world.by_name.get(lowered)

    def clause(self, clause: str) -> Claim | None:
        """Read one clause: its claim, or None where it makes none."""
        return self._statement(clause) or self._relation(clause)

    def _statement(self, clause: str) -> Claim | None:
        kind = _KIND.fullmatch(clause)
        another = _ANOTHER.fullmatch(clause)
        if kind or another:
            name, said = (
                (kind[1], kind[2] or kind[3]) if kind else (another[2], another[1])  # type: ignore[index]
            )
            entity = self._entity(name)
            if entity is None:
                return Claim(("invented", name.lower()), False)
            self.topic = entity
            return Claim(("kind", entity.name), said in (entity.kind.name, entity.kind.plural))
        subject = _SUBJECT.match(clause)
        if subject is None:
            return None
        name = subject["subject"]
        own = bool(subject["own"] or subject["pronoun_own"])
        rest = clause[subject.end() :]
        if name is None or name.lower() in ("it", "she", "he"):
            pronoun = (subject["pronoun_own"] or name).lower()
            entity = self.topic if self.topic and pronoun in self.topic.pronoun else None
        else:
            entity = self._entity(name)
        if entity is None:
            invented = any(_value(form, rest) for k in KINDS for form in _forms(k.name, own))
            return Claim(("invented", (name or "").lower()), False) if invented else None
        for form in _forms(entity.kind.name, own):
            value = _value(form, rest)
            if value is not None:
                self.topic = entity
                return Claim(
                    ("fact", entity.name, form.attribute), value == entity.facts[form.attribute]
                )
        return None

    def _relation(self, clause: str) -> Claim | None:
        if match := _SUM.fullmatch(clause):
            one, sign, two, result = match.groups()
            right = int(one) + int(two) if sign == "+" else int(one) - int(two)
            return Claim(("sum", one, sign, two), right == int(result))
        if match := _BOTH.fullmatch(clause):
            things = [self._entity(match[1]), self._entity(match[2])]
            right = all(thing is not None and thing.kind.plural == match[3] for thing in things)
            return Claim(("kind", *sorted(match.groups()[:2])), right)
        if match := _SHARED.fullmatch(clause):
            pair = [self._entity(match[1]), self._entity(match[2])]
            return self._shared(pair, match[3] == "have the same", match[4])
        if match := _ORDER.fullmatch(clause):
            return self._order(match[1], re.split(r", | and ", match[2]))
        for form, kind, attribute, pattern in _numeric_patterns():
            match = pattern.fullmatch(capitalised(clause) if form == "total" else clause)
            if match and form == "total":
                claim = self._total(kind, attribute, int(match["t"]))
            elif match:
                claim = self._more(kind, attribute, match)
            else:
                continue
            if claim:
                return claim
        return None

    def _shared(self, pair: list[Entity | None], same: bool, phrase: str) -> Claim | None:
        first, second = pair
        if first is None or second is None or first.kind != second.kind:
            return Claim(("invented", "pair"), False)
        for attribute in first.kind.attributes:
            if attribute.phrase == phrase:
                equal = first.facts[attribute.name] == second.facts[attribute.name]
                key = ("shared", attribute.name, *sorted((first.name, second.name)))
                return Claim(key, equal == same and first != second)
        return None

    def _order(self, order: str, names: list[str]) -> Claim | None:
        things = [self._entity(name) for name in names]
        known = [thing for thing in things if thing is not None]
        if len(known) < len(things) or len(set(names)) < len(names) or len(names) < 2:
            return Claim(("invented", "order"), False)
        for attribute in known[0].kind.attributes:
            if attribute.order and attribute.order == order[:1].lower() + order[1:]:
                if any(thing.kind != known[0].kind for thing in known):
                    return Claim(("invented", "order"), False)
                numbers = [int(thing.facts[attribute.name]) for thing in known]
                key = ("order", attribute.name, *sorted(thing.name for thing in known))
                return Claim(key, numbers == sorted(numbers))
        return None

    def _total(self, kind: str, attribute: Attribute, total: int) -> Claim | None:
        names = dict.fromkeys(
            c.key[1] for c in self.claims if c.key[0] == "fact" and c.key[2] == attribute.name
        )
        things = [e for e in map(self.world.by_name.__getitem__, names) if e.kind.name == kind]
        if len(things) < 2:
            return None
        right = sum(int(thing.facts[attribute.name]) for thing in things)
        return Claim(
            ("total", attribute.name, *sorted(thing.name for thing in things)), right == total
        )

    def _more(self, kind: str, attribute: Attribute, match: re.Match[str]) -> Claim | None:
        a, b = self._entity(match["a"]), self._entity(match["b"])
        if a is None or b is None:
            return Claim(("invented", "pair"), False)
        if a.kind.name != kind or b.kind.name != kind:
            return None
        difference = int(a.facts[attribute.name]) - int(b.facts[attribute.name])
        if attribute.descending:
            difference = -difference
        key = ("more", attribute.name, *sorted((a.name, b.name)))
        return Claim(key, difference == int(match["d"]) and difference > 0)


def _value(form: _Form, rest: str) -> str | None:
    if rest.startswith(form.prefix) and rest.endswith(form.suffix):
        value = rest[len(form.prefix) : len(rest) - len(form.suffix)]
        if value and len(rest) > len(form.prefix) + len(form.suffix):
            return value
    return None


def read(text: str, world: World, topic: Entity | None = None) -> Reading:
    """Read the claims of a text.

    Args:
        text: any text at all.
        world: what the claims are checked against.
        topic: what a pronoun in the first sentence stands for (the thing the question named).
    """
    reader = _Reader(world, topic)
    seen_sentences: set[str] = set()
    seen_keys: set[tuple[str, ...]] = set()
    unreadable = repeated = 0
    sentences = sentences_of(text)
    for said in sentences:
        claims: list[Claim] = []
        if said not in FILLERS:
            body = said.rstrip(".!?")
            opener = next((o for o in OPENERS if body.startswith(o)), "")
            for clause in re.split(", and |, while |, but ", body.removeprefix(opener)):
                claim = reader.clause(clause)
                if claim is not None:
                    claims.append(claim)
                    reader.claims.append(claim)
            unreadable += not claims
        keys = {claim.key for claim in claims}
        if said in seen_sentences or (keys and keys <= seen_keys):
            repeated += 1
        seen_sentences.add(said)
        seen_keys |= keys
    finished = text.rstrip().endswith((".", "!", "?"))
    return Reading(tuple(reader.claims), len(sentences), unreadable, repeated, finished)
