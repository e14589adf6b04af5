"""The laboratory's answers in pieces, each marked by what the oracle makes of it.

    pieces(task, "Bimmo has a flat tail. Zz.")            # ["wBimmo has a flat tail.", " ", "uZz."]

A piece is a clause, since one sentence can hold a right and a wrong claim. Its first character says
what it is, a name in MARKS, or a space for what is not marked; the rest is its text, and joined
the texts are the answer again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from experiments.nano.reading import Claim, Sentence, read_sentences
from experiments.nano.tasks import Task
from experiments.nano.world import make_world


class Mark(NamedTuple):
    """How a kind of piece is shown.

    Args:
        name: one word, which a screen reader says.
        sign: stands before the piece.
        about: for the legend.
    """

    name: str
    sign: str
    about: str


PLAIN = " "
MARKS = {
    "r": Mark("right", "✓", "a right fact that the instruction asks for"),
    "n": Mark("extra", "+", "right, but not asked for"),
    "p": Mark("repeated", "↻", "right, and said before"),
    "w": Mark("wrong", "✗", "a false claim"),
    "i": Mark("invented", "?", "a claim about a thing that does not exist"),
    "u": Mark("unreadable", "~", "not in the laboratory's language"),
}
"""By the character that stands for each. A false claim is wrong each time that it is said."""


def pieces(task: Task, answer: str) -> tuple[str, ...]:
    """An answer in pieces, each with the character of its mark before its text."""
    found: list[str] = []
    place = 0
    for text, mark in _marked(task, answer):
        start = answer.index(text, place)
        if start > place:
            found.append(PLAIN + answer[place:start])
        found.append(mark + text)
        place = start + len(text)
    if place < len(answer):
        found.append(PLAIN + answer[place:])
    return tuple(found)


def _marked(task: Task, answer: str) -> Iterator[tuple[str, str]]:
    """The texts of all clauses in their order, each with its mark."""
    seen: set[tuple[str, ...]] = set()
    for sentence in read_sentences(answer, make_world(), task.topic):
        for text, claim in sentence.clauses:
            yield text, _mark(task, sentence, claim, seen)
            if claim is not None:
                seen.add(claim.key)


def _mark(task: Task, sentence: Sentence, claim: Claim | None, seen: set[tuple[str, ...]]) -> str:
    if claim is None:
        if sentence.unreadable:
            return "u"
        return "p" if sentence.repeated and not sentence.claims else PLAIN
    if not claim.correct:
        return "i" if claim.key[0] == "invented" else "w"
    if claim.key in seen:
        return "p"
    return "r" if claim.key in task.asked else "n"
