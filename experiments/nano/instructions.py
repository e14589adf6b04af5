"""The four instruction sets that models are fine-tuned on, as stand-ins for the paper's.

    for row in instruction_set("alpaca", "train")[:3]:   # rows have the fields of the real set
        print(row)

alpaca          short answers
evol-instruct   long answers, most under several constraints
sharegpt        conversations of several turns, cut into single exchanges
open-platypus   worked reasoning, and questions with more than was asked

Each set has several kinds of requests, in proportions of its own. By their mean answers they have
the order of the paper's sets (Table 4). The longest are three times as long as Alpaca's and not
five times, since a thing has twelve facts to be told. A fifth of the open requests end with words
about length, which their answers heed, but never with a prompt of Table 5.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from experiments.nano.answers import write_more, write_open, write_short, write_worked
from experiments.nano.language import CHAT_CLOSINGS, CHAT_OPENINGS, listing, paragraph
from experiments.nano.tasks import (
    LENGTH_WORDS,
    PHRASINGS,
    Task,
    advise,
    compare,
    constrained,
    describe,
    question,
    reason,
)
from experiments.nano.world import World, make_world
from experiments.roles.instruction_sets import Split

EXAMPLES: dict[Split, int] = {"train": 1000, "validation": 128, "test": 128}
DATASETS = ("alpaca", "evol-instruct", "sharegpt", "open-platypus")


LENGTH_ASKED = 0.2
"""The share of open requests that end with words about length."""
OWN_WORDS = tuple(words for words in LENGTH_WORDS if not words.startswith("Generate"))
"""The words that are no prompts of Table 5."""


def _of_asked_length(task: Task, rng: random.Random) -> tuple[str, str] | None:
    """An open request with words about length, and its answer; for some of the open tasks."""
    if task.subset not in ("describe", "advise") or rng.random() >= LENGTH_ASKED:
        return None
    words = rng.choice(OWN_WORDS)
    return f"{task.instruction} {words}", write_open(task, rng, rng.randint(*LENGTH_WORDS[words]))


def _row(instruction: str, output: str) -> dict[str, Any]:
    return {"instruction": instruction, "input": "", "output": output}


def _alpaca_row(world: World, split: Split, rng: random.Random) -> dict[str, Any]:
    makers = (question, describe, advise, compare, reason)
    task = rng.choices(makers, (4, 3, 2, 2, 1))[0](world, split, rng)
    if asked := _of_asked_length(task, rng):
        return _row(*asked)
    row = _row(task.instruction, write_short(task, rng))
    if task.subset == "question" and rng.random() < 0.3:
        (entity,) = task.things
        wanted = listing([attribute.phrase for attribute in task.attributes])
        row["instruction"] = f"Name the {wanted} of this {entity.kind.name}."
        row["input"] = entity.name
    return row


def _evol_row(world: World, split: Split, rng: random.Random) -> dict[str, Any]:
    makers = (describe, advise, question, compare, reason)
    task = rng.choices(makers, (4, 3, 2, 2, 1))[0](world, split, rng)
    if asked := _of_asked_length(task, rng):
        return _row(*asked)
    if task.subset in ("describe", "advise"):
        task = constrained(task, split, rng, rng.randint(1, 3))
        output = write_open(task, rng, rng.randint(7, 10))
    else:
        output = write_more(task, rng, rng.randint(3, 6))
    return _row(task.instruction, output)


def _platypus_row(world: World, split: Split, rng: random.Random) -> dict[str, Any]:
    makers = (reason, compare, question, describe)
    task = rng.choices(makers, (5, 2, 2, 1))[0](world, split, rng)
    if asked := _of_asked_length(task, rng):
        return _row(*asked)
    if task.subset == "describe":
        output = write_open(task, rng, rng.randint(3, 5))
    elif task.subset == "question":
        output = write_more(task, rng, rng.randint(2, 4))
    else:
        output = write_worked(task, rng)
    return _row(task.instruction, output)


def conversation(world: World, split: Split, rng: random.Random) -> list[dict[str, str]]:
    """Write a conversation of two to four exchanges about one thing, in ShareGPT's fields."""
    turns = []
    topic = describe(world, split, rng)
    (entity,) = topic.things
    for number in range(rng.randint(2, 4)):
        kind = rng.random()
        if kind < 0.3:
            task = rng.choice((compare, reason))(world, split, rng)
            asked, answer = task.instruction, write_short(task, rng)
        elif in_length := _of_asked_length(topic, rng):
            asked, answer = in_length
        elif number == 0 or kind < 0.6:
            phrasing = rng.choice(PHRASINGS["describe"][split])
            asked = phrasing.format(x=entity.name)
            answer = write_open(topic, rng, rng.randint(7, 9))
        else:
            attribute = rng.choice(entity.kind.attributes)
            phrasing = rng.choice(PHRASINGS["question"][split])
            asked = phrasing.format(a=attribute.phrase, x=entity.name)
            others = [a for a in entity.kind.attributes if a != attribute]
            chosen = [attribute, *rng.sample(others, rng.randint(3, 5))]
            answer = " ".join(paragraph(entity, chosen, rng, introduce=False))
        if rng.random() < 0.5:
            answer = f"{rng.choice(CHAT_OPENINGS)} {answer}"
        if rng.random() < 0.5:
            answer = f"{answer} {rng.choice(CHAT_CLOSINGS)}"
        turns += [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return turns


def _sharegpt_rows(world: World, split: Split, rng: random.Random) -> list[dict[str, Any]]:
    turns = conversation(world, split, rng)
    return [{"conversations": turns[i : i + 2]} for i in range(0, len(turns), 2)]


_ROW = {"alpaca": _alpaca_row, "evol-instruct": _evol_row, "open-platypus": _platypus_row}


@lru_cache
def instruction_set(name: str, split: Split) -> tuple[dict[str, Any], ...]:
    """Write the rows of one instruction set, without duplicates.

    Args:
        name: one of `DATASETS`.
        split: the things and phrasings that occur.

    Returns:
        `EXAMPLES[split]` rows with `instruction`, `input` and `output`, or, for sharegpt, with
        `conversations` of one human turn and its answer.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown instruction set {name!r}; the laboratory has {DATASETS}")
    world = make_world()
    rng = random.Random(f"instructions {name} {split}")
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < EXAMPLES[split]:
        made = (
            [_ROW[name](world, split, rng)] if name in _ROW else _sharegpt_rows(world, split, rng)
        )
        for row in made:
            rows.setdefault(repr(row), row)
    return tuple(rows.values())[: EXAMPLES[split]]


@lru_cache
def longer_conversations(split: Split, exchanges: int) -> tuple[dict[str, Any], ...]:
    """Write the conversations of sharegpt, cut into pieces of two exchanges instead of one.

    Args:
        split: the things and phrasings that occur.
        exchanges: the number of exchanges in all rows together, which is the number of rows of
            sharegpt with the same content.

    Returns:
        Rows with `conversations` of four turns, or of two at the end of a conversation.
    """
    world = make_world()
    rng = random.Random(f"instructions sharegpt {split}")
    rows: list[dict[str, Any]] = []
    left = exchanges
    while left > 0:
        turns = conversation(world, split, rng)[: 2 * left]
        rows += [{"conversations": turns[i : i + 4]} for i in range(0, len(turns), 4)]
        left -= len(turns) // 2
    return tuple(rows)
