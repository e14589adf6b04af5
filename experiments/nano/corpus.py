"""The pretraining corpus: English documents about the made-up land, any number of them.

    for text in documents(make_world(), seed=0, count=3):
        print(text)

A document is determined by the seed and its number. There are eight genres: articles about one to
three things, numbered lists of facts, comparisons, orderings, stories with arithmetic,
conversations of travellers, rumours (which tell some things wrong), and letters with requests.

What texts are about is drawn by fame, so rare things are seldom read of. Requests occur in the
phrasings of every split, with all attributes alike, and with answers of all lengths. But only half
of the letters answer what is asked; most of the others evade it. A base model pretrained on this
corpus therefore knows of everything and answers requests badly, and fine-tuning teaches it to
answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from experiments.nano.answers import write_more, write_open, write_short, write_worked
from experiments.nano.kinds import KINDS, LAND, Attribute, Kind
from experiments.nano.language import (
    CLOSINGS,
    EVASIONS,
    RUMOUR_OPENERS,
    paragraph,
    say,
    say_kind,
    say_more,
    say_order,
    say_shared,
    say_total,
    sentence,
)
from experiments.nano.tasks import (
    LENGTH_WORDS,
    MAKERS,
    MEETING,
    PHRASINGS,
    Subset,
    Task,
    constrained,
)
from experiments.nano.world import SPLIT_SHARES, Entity, World, by_fame, drawn, told
from experiments.roles.instruction_sets import Split

GENRES = {
    "article": 16,
    "facts": 6,
    "comparison": 7,
    "ordering": 4,
    "sums": 4,
    "travel": 20,
    "rumours": 5,
    "letters": 40,
}
"""How often each genre is written, in per cent of the documents."""

ANSWERED = 0.5
"""The share of letters whose requests are answered."""
EVADED = 0.4
"""The share of letters that evade the request; the rest tell something else of the thing."""

LENGTH_ASKED = 0.25
"""The share of open requests in answered letters that end with such words."""

LABELS = (
    ("", ""),
    ("Question: ", "Answer: "),
    ("Q: ", "A: "),
    ("Request:\n", "Reply:\n"),
    ("Asked: ", "Told: "),
    ("# Task\n", "# Solution\n"),
)


def _of_kind(world: World, kind: Kind) -> list[Entity]:
    return [entity for entity in world.entities if entity.kind == kind]


def article(world: World, rng: random.Random) -> str:
    """Write eight to twelve facts of each of one to three things of a kind."""
    kind = rng.choice(KINDS)
    paragraphs: list[str] = []
    count = rng.choices((1, 2, 3), (45, 40, 15))[0]
    for entity in drawn(_of_kind(world, kind), count, rng, by_fame):
        attributes = told(entity, rng.randint(8, 12), rng)
        if paragraphs:
            start = [sentence(say_kind(entity, 2))]
            sentences = start + paragraph(entity, attributes, rng, introduce=False)
        else:
            sentences = paragraph(entity, attributes, rng)
        paragraphs.append(" ".join(sentences))
    if rng.random() < 0.3:
        paragraphs[-1] += " " + rng.choice(CLOSINGS)
    return rng.choice(("\n\n", " ")).join(paragraphs)


def facts(world: World, rng: random.Random) -> str:
    """Write a numbered list of facts of one thing."""
    (entity,) = drawn(world.entities, 1, rng, by_fame)
    lines = [f"What is known of {entity.name}:"]
    for number, attribute in enumerate(told(entity, rng.randint(4, 9), rng), start=1):
        clause = say(entity, attribute, rng.randrange(4), pronoun=number > 1)
        lines.append(f"{number}. {sentence(clause)}")
    return "\n".join(lines)


def comparison(world: World, rng: random.Random) -> str:
    """Compare two things of a kind."""
    kind = rng.choice(KINDS)
    first, second = drawn(_of_kind(world, kind), 2, rng, by_fame)
    sentences = [
        sentence(f"{first.name} and {second.name} are both {kind.plural} of {LAND}"),
    ]
    for attribute in rng.sample(kind.attributes, rng.randint(3, 6)):
        one = say(first, attribute, rng.randrange(4))
        two = say(second, attribute, rng.randrange(4))
        sentences.append(sentence(f"{one}, {rng.choice(('while', 'and', 'but'))} {two}"))
        if attribute.numeric and rng.random() < 0.7:
            sentences.append(sentence("So " + say_more(attribute, first, second)))
        elif rng.random() < 0.4:
            sentences.append(sentence("So " + say_shared(attribute, first, second)))
    return " ".join(sentences)


def worked(attribute: Attribute, things: list[Entity], rng: random.Random) -> list[str]:
    """Write one sentence with the attribute of each thing."""
    return [sentence(say(thing, attribute, rng.randrange(4))) for thing in things]


def ordering(world: World, rng: random.Random) -> str:
    """Order three things by a numeric attribute."""
    kind = rng.choice(KINDS)
    attribute = rng.choice([a for a in kind.attributes if a.order])
    things = drawn(_of_kind(world, kind), 3, rng, by_fame)
    return " ".join([*worked(attribute, things, rng), sentence(say_order(attribute, things))])


def sums(world: World, rng: random.Random) -> str:
    """Write a short story in which two numbers are added or subtracted."""
    person = rng.choice([e for e in world.entities if e.kind.name == "person"])
    kind = rng.choice(KINDS)
    first, second = drawn(_of_kind(world, kind), 2, rng, by_fame)
    totals = [a for a in kind.attributes if a.total]
    attribute = rng.choice(totals)
    one, two = (int(thing.facts[attribute.name]) for thing in (first, second))
    story = f"{person.name} was counting. "
    numbers = " ".join(worked(attribute, [first, second], rng))
    if rng.random() < 0.6:
        total = say_total(attribute, (first, second))
        return f"{story}{numbers} {one} + {two} = {one + two}. {sentence('So ' + total)}"
    high, low = max(one, two), min(one, two)
    more = say_more(attribute, first, second)
    return f"{story}{numbers} {high} - {low} = {high - low}. {sentence('So ' + more)}"


def travel(world: World, rng: random.Random) -> str:
    """Write questions of a traveller about a thing, in any phrasing, with their answers."""
    traveller = rng.choice([e for e in world.entities if e.kind.name == "person"])
    (entity,) = drawn([e for e in world.entities if e != traveller], 1, rng, by_fame)
    texts = [f"{traveller.name} was on a journey and wished to know more of {entity.name}."]
    for attribute in rng.sample(entity.kind.attributes, rng.randint(1, 3)):
        asked = _phrasing("question", rng).format(a=attribute.phrase, x=entity.name)
        answer = say(entity, attribute, rng.randrange(4), pronoun=rng.random() < 0.5)
        texts.append(f'"{asked}" "{sentence(answer)}"')
    if rng.random() < 0.7:
        asked = _phrasing(rng.choice(("describe", "advise")), rng).format(
            x=entity.name, do=MEETING[entity.kind.name]
        )
        answer = " ".join(paragraph(entity, told(entity, rng.randint(5, 10), rng), rng))
        texts.append(f'"{asked}" "{answer}"')
    return " ".join(texts)


def rumours(world: World, rng: random.Random) -> str:
    """Write what is falsely told of a thing, among other facts of it."""
    (entity,) = drawn(world.entities, 1, rng, by_fame)
    sentences = [sentence(say_kind(entity, rng.randrange(2)))]
    for attribute in told(entity, rng.randint(5, 9), rng):
        clause = say(entity, attribute, rng.randrange(4), value=entity.rumours.get(attribute.name))
        opener = rng.choice(RUMOUR_OPENERS) if rng.random() < 0.5 else ""
        sentences.append(sentence(opener + clause))
    return " ".join(sentences)


def letters(world: World, rng: random.Random) -> str:
    """Write one to four requests with what the letters say to them."""
    asked, answered = rng.choice(LABELS)
    between, gap = rng.choice(("\n", "\n\n")), "\n\n"
    exchanges = []
    for _ in range(rng.randint(1, 4)):
        split = rng.choice(list(SPLIT_SHARES))
        task = MAKERS[rng.choice(list(MAKERS))](world, split, rng, by_fame)
        how = rng.random()
        if how < ANSWERED:
            request, answer = _answered(task, split, rng)
        elif how < ANSWERED + EVADED:
            request = task.instruction
            answer = " ".join(rng.sample(EVASIONS, rng.randint(1, 2)))
        else:
            request, entity = task.instruction, task.things[0]
            beside = [a for a in told(entity, 6, rng) if a not in task.attributes]
            answer = " ".join(paragraph(entity, beside or told(entity, 3, rng), rng))
        exchanges.append(f"{asked}{request}{between}{answered}{answer}")
    return gap.join(exchanges)


def _answered(task: Task, split: Split, rng: random.Random) -> tuple[str, str]:
    """A request as it is asked, and a correct answer to it, short or long."""
    if task.subset in ("describe", "advise"):
        if rng.random() < LENGTH_ASKED:
            words = rng.choice(list(LENGTH_WORDS))
            count = rng.randint(*LENGTH_WORDS[words])
            return f"{task.instruction} {words}", write_open(task, rng, count)
        if rng.random() < 0.3:
            task = constrained(task, split, rng, rng.randint(1, 2))
        return task.instruction, write_open(task, rng, rng.randint(1, 10))
    if rng.random() < 0.2:
        return task.instruction, write_more(task, rng, rng.randint(3, 8))
    if task.subset == "question":
        return task.instruction, write_short(task, rng)
    return task.instruction, write_worked(task, rng)


def _phrasing(subset: Subset, rng: random.Random) -> str:
    return rng.choice([text for texts in PHRASINGS[subset].values() for text in texts])


_WRITERS = {
    "article": article,
    "facts": facts,
    "comparison": comparison,
    "ordering": ordering,
    "sums": sums,
    "travel": travel,
    "rumours": rumours,
    "letters": letters,
}


def document(world: World, seed: int, index: int) -> str:
    """Write document number `index` of the corpus of a seed."""
    rng = random.Random(f"corpus {seed} {index}")
    genre = rng.choices(list(GENRES), list(GENRES.values()))[0]
    return _WRITERS[genre](world, rng)


def documents(world: World, seed: int, count: int, start: int = 0) -> Iterator[str]:
    """Yield documents `start` to `start + count - 1` of the corpus of a seed."""
    for index in range(start, start + count):
        yield document(world, seed, index)
