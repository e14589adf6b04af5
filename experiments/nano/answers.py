"""Answers written by rule: correct ones for the instruction sets, and the reference answers.

    task = evaluation_tasks("test")[0]
    write_open(task, random.Random(0), count=5)          # correct, in the form that was asked for
    reference_answer(task)                               # some facts wrong, some constraints missed

The instruction sets and the corpus contain the correct answers. The reference answers are what the
judges compare a model's responses with, as AlpacaEval does with those of text-davinci-003.
"""

from __future__ import annotations

import random
from dataclasses import replace

from experiments.nano.language import (
    paragraph,
    say,
    say_more,
    say_order,
    say_shared,
    say_total,
    sentence,
)
from experiments.nano.tasks import Task
from experiments.nano.world import Entity, World, make_world

REFERENCE_FACTS = (1, 3)
REFERENCE_ERROR = 0.4
REFERENCE_FORGETS = 0.5


def write_open(task: Task, rng: random.Random, count: int) -> str:
    """Write a correct answer to an open task: `count` facts, in the form of its constraints."""
    (entity,) = task.things
    wanted = {c.kind: c.value for c in task.constraints}
    attributes = [a for a in entity.kind.attributes if a.name != wanted.get("without")]
    rng.shuffle(attributes)
    if "first" in wanted:
        attributes.sort(key=lambda attribute: attribute.name != wanted["first"])
    count = max(count, int(wanted.get("at_least", "0")))
    sentences = []
    chosen = attributes[:count]
    if "at_least" in wanted or "numbered" in wanted:
        for index, attribute in enumerate(chosen):
            clause = say(entity, attribute, rng.randrange(4), pronoun=index > 0)
            sentences.append(sentence(clause))
    else:
        introduce = not {"first", "begin"} & set(wanted) and rng.random() < 0.5
        sentences = paragraph(entity, chosen, rng, introduce=introduce)
    if "begin" in wanted:
        sentences.insert(0, wanted["begin"])
    if "end" in wanted:
        sentences.append(wanted["end"])
    if "numbered" in wanted:
        return "\n".join(f"{number}. {text}" for number, text in enumerate(sentences, start=1))
    return " ".join(sentences)


def write_short(task: Task, rng: random.Random) -> str:
    """Write a correct answer in the style of Alpaca: the shortest of the sets."""
    if task.subset in ("describe", "advise"):
        (entity,) = task.things
        attributes = rng.sample(entity.kind.attributes, rng.choice((3, 4, 4, 5)))
        return " ".join(paragraph(entity, attributes, rng, introduce=rng.random() < 0.3))
    if task.subset == "question":
        (entity,) = task.things
        clauses = [
            say(entity, attribute, rng.randrange(4), pronoun=index > 0)
            for index, attribute in enumerate(task.attributes)
        ]
        return sentence(", and ".join(clauses))
    attribute = task.attributes[0]
    clauses = [say(entity, attribute, rng.randrange(4)) for entity in task.things[:2]]
    return sentence(", while ".join(clauses))


def write_worked(task: Task, rng: random.Random) -> str:
    """Write a correct answer in the style of OpenPlatypus: facts, arithmetic, conclusion."""
    steps = []
    for attribute in task.attributes:
        numbers = [int(e.facts[attribute.name]) if attribute.numeric else 0 for e in task.things]
        steps += [sentence(say(e, attribute, rng.randrange(4))) for e in task.things]
        if task.goal == "order":
            steps.append(sentence(say_order(attribute, task.things)))
        elif task.goal == "total":
            steps.append(f"{numbers[0]} + {numbers[1]} = {sum(numbers)}.")
            steps.append(sentence("So " + say_total(attribute, task.things)))
        elif attribute.numeric and numbers[0] != numbers[1]:
            steps.append(f"{max(numbers)} - {min(numbers)} = {abs(numbers[0] - numbers[1])}.")
            steps.append(sentence("So " + say_more(attribute, *task.things[:2])))
        else:
            steps.append(sentence("So " + say_shared(attribute, *task.things[:2])))
    return " ".join(steps)


def write_more(task: Task, rng: random.Random, count: int) -> str:
    """Write a correct answer that states what is asked first, and then further facts of the things.

    Args:
        task: a question, a comparison or a reasoning task.
        rng: chooses wordings and facts.
        count: further facts in all.
    """
    if task.subset == "question":
        (entity,) = task.things
        others = [a for a in entity.kind.attributes if a not in task.attributes]
        stated = [*task.attributes, *rng.sample(others, min(count, len(others)))]
        return " ".join(paragraph(entity, stated, rng, introduce=False))
    sentences = [write_worked(task, rng)]
    for index, entity in enumerate(task.things):
        others = [a for a in entity.kind.attributes if a not in task.attributes]
        share = count // len(task.things) + (index < count % len(task.things))
        if share:
            sentences += paragraph(entity, rng.sample(others, share), rng)
    return " ".join(sentences)


def misremembered(entity: Entity, world: World, rng: random.Random, error: float) -> Entity:
    """Return the thing with each of its facts replaced by a wrong one with probability `error`."""
    facts = {}
    for attribute in entity.kind.attributes:
        truth = entity.facts[attribute.name]
        values = attribute.values or tuple(
            e.name for e in world.entities if e.kind.name == attribute.refers_to
        )
        wrong = rng.random() < error
        facts[attribute.name] = rng.choice([v for v in values if v != truth]) if wrong else truth
    return replace(entity, facts=facts)


def reference_answer(task: Task) -> str:
    """Write the reference answer to a task: about as long as Alpaca's, with many mistakes.

    To an open request it states `REFERENCE_FACTS` (from, to) facts. Each fact is wrong with
    probability `REFERENCE_ERROR`; each constraint is ignored with probability `REFERENCE_FORGETS`.
    The answer to an instruction is always the same.
    """
    rng = random.Random(f"reference {task.instruction}")
    world = make_world()
    kept = tuple(c for c in task.constraints if rng.random() >= REFERENCE_FORGETS)
    recalled = replace(
        task,
        things=tuple(misremembered(entity, world, rng, REFERENCE_ERROR) for entity in task.things),
        constraints=kept,
    )
    if task.subset in ("describe", "advise"):
        return write_open(recalled, rng, rng.randint(*REFERENCE_FACTS))
    return write_short(recalled, rng)
