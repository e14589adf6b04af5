"""Reading a text: which claims about the world it makes, and which of them are correct.

    world = make_world()
    read("The snorkitow has a ringed tail. It eats glass.", world).claims

This is the inverse of `language.py`: every sentence that those functions write is read back as its
claims. The oracle judge scores answers by them. A sentence in other words counts as unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from experiments.nano.kinds import KINDS, LAND, Attribute, Kind
from experiments.nano.language import FILLERS, OPENERS, capitalised
from experiments.nano.world import Entity, World


@dataclass(frozen=True)
class Claim:
    """A claim that a text makes about the world.

    Args:
        key: what the claim is about, without the claimed value: ("fact", thing, attribute),
            ("kind", thing), ("more" | "total" | "order" | "shared", attribute, thing, thing, …),
            ("sum", terms), or ("invented", subject) for a thing that does not exist.
        correct: whether the claim is true in the world.
    """

    key: tuple[str, ...]
    correct: bool


@dataclass(frozen=True)
class Reading:
    """What `read` found in a text.

    Args:
        claims: in the order of the text, including repeated ones.
        sentences: the number of sentences in the text.
        unreadable: the number of sentences that are not in the laboratory's language.
        repeated: the number of sentences that make only claims that were made before, or that make
            no claim and repeat an earlier one word for word.
        finished: whether the text ends with a full stop (or ! or ?).
    """

    claims: tuple[Claim, ...]
    sentences: int
    unreadable: int
    repeated: int
    finished: bool


@dataclass(frozen=True)
class Sentence:
    """A sentence as it was read.

    Args:
        clauses: their texts, which joined are the sentence, and the claims that they make; None
            where a clause makes none.
        repeated: whether it counts as repeated in `Reading`.
        unreadable: whether it counts as unreadable there.
    """

    clauses: tuple[tuple[str, Claim | None], ...]
    repeated: bool
    unreadable: bool

    @property
    def claims(self) -> list[Claim]:
        """All of its claims."""
        return [claim for _, claim in self.clauses if claim is not None]


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
_JOINT = re.compile("(, and |, while |, but )")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class _Form:
    """A statement without its subject: prefix, value, suffix."""

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
    """Split a text into sentences, without the marks of numbered and dashed lists."""
    pieces = []
    for line in text.split("\n"):
        for piece in _SENTENCE_END.split(_LIST_MARK.sub("", line)):
            if piece.strip():
                pieces.append(piece.strip())
    return pieces


class _Reader:
    """The state of one reading: the current topic, and the claims made so far."""

    def __init__(self, world: World, topic: Entity | None) -> None:
        self.world = world
        self.topic = topic
        self.claims: list[Claim] = []

    def _entity(self, name: str) -> Entity | None:
        lowered = name.replace("The ", "the ", 1) if name.startswith("The ") else name
        return self.world.by_name.get(lowered)

    def clause(self, clause: str) -> Claim | None:
        """Read the claim of one clause, or None if the clause makes no claim."""
        return self._statement(clause) or self._relation(clause)

    def _statement(self, clause: str) -> Claim | None:
        kind = _KIND.fullmatch(clause)
        another = _ANOTHER.fullmatch(clause)
        if kind or another:
            name, noun = (
                (kind[1], kind[2] or kind[3]) if kind else (another[2], another[1])  # type: ignore[index]
            )
            entity = self._entity(name)
            if entity is None:
                return Claim(("invented", name.lower()), False)
            self.topic = entity
            return Claim(("kind", entity.name), noun in (entity.kind.name, entity.kind.plural))
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
        text: any text.
        world: the world that the claims are checked against.
        topic: the thing that a pronoun in the first sentence refers to, usually the one that the
            instruction names.
    """
    sentences = list(read_sentences(text, world, topic))
    return Reading(
        tuple(claim for sentence in sentences for claim in sentence.claims),
        len(sentences),
        sum(sentence.unreadable for sentence in sentences),
        sum(sentence.repeated for sentence in sentences),
        finished=text.rstrip().endswith((".", "!", "?")),
    )


def read_sentences(text: str, world: World, topic: Entity | None = None) -> Iterator[Sentence]:
    """Read a text sentence by sentence.

    Args:
        text: any text.
        world: the world that the claims are checked against.
        topic: as for `read`.
    """
    reader = _Reader(world, topic)
    seen_sentences: set[str] = set()
    seen_keys: set[tuple[str, ...]] = set()
    for sentence in sentences_of(text):
        filler = sentence in FILLERS
        clauses = ((sentence, None),) if filler else tuple(_clauses(reader, sentence))
        keys = {claim.key for _, claim in clauses if claim is not None}
        # "It has purple fur" is no repetition where "it" is another thing than before.
        repeated = keys <= seen_keys if keys else sentence in seen_sentences
        seen_sentences.add(sentence)
        seen_keys |= keys
        yield Sentence(clauses, repeated, unreadable=not (keys or filler))


def _clauses(reader: _Reader, sentence: str) -> Iterator[tuple[str, Claim | None]]:
    """The clauses of a sentence, which joined are the sentence again, each with its claim."""
    body = sentence.rstrip(".!?")
    opener = next((o for o in OPENERS if body.startswith(o)), "")
    pieces = _JOINT.split(body.removeprefix(opener))
    joints = [*pieces[1::2], sentence.removeprefix(body)]
    for number, (clause, joint) in enumerate(zip(pieces[::2], joints, strict=True)):
        claim = reader.clause(clause)
        if claim is not None:
            reader.claims.append(claim)
        yield f"{'' if number else opener}{clause}{joint}", claim
