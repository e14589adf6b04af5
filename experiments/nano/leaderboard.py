"""The laboratory's counterparts of ARC, HellaSwag, MMLU and TruthfulQA, as lm-eval tasks.

    python -m experiments.nano.leaderboard               # writes the questions to runs/leaderboard
    lm_eval --include_path experiments/nano/leaderboard_tasks --tasks nano_arc --model hf \
        --model_args pretrained=experiments/nano/models/llama-2-7b

Questions are about things of the test split, few-shot examples about things of the training split.
The metrics are those of the 2023 Open LLM Leaderboard, and so are the numbers of shots, except for
ARC's: 25 examples with whole sentences as answers would not fit into 1,024 tokens, so there are 10.
Two more things differ from the real tasks:

- MMLU's answers are scored by their text. The real task scores lettered choices, which models of
  this size do not understand.
- The misconceptions of TruthfulQA's counterpart are the rumours of the world (`Entity.rumours`),
  which the corpus tells beside the truth.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.nano.kinds import KINDS, Attribute, Kind
from experiments.nano.language import say, say_kind, sentence
from experiments.nano.world import Entity, World, make_world
from experiments.paths import LABORATORY, RUNS
from experiments.roles.instruction_sets import Split
from neftune.training.files import write_atomic

FOLDER = LABORATORY / "leaderboard_tasks"
DATA = RUNS / "leaderboard"
CHOICES = 4
ITEMS = 100
SUBJECT_ITEMS = 15
TASKS = ("arc", "hellaswag", "mmlu", "truthfulqa")

Item = dict[str, Any]
Writer = Callable[[World, Sequence[Entity], random.Random], Item]


def less_known(things: Sequence[Entity]) -> tuple[Entity, ...]:
    """The three quarters of some things that texts are about least.

    Every model here completes the sentences about the others, which leaves no room at the top.
    """
    return tuple(sorted(things, key=lambda entity: entity.fame)[: len(things) * 3 // 4])


def _other_values(
    entity: Entity, attribute: Attribute, world: World, rng: random.Random
) -> list[str]:
    """Values of the attribute in other things of the same kind."""
    true = entity.facts[attribute.name]
    values = {e.facts[attribute.name] for e in world.entities if e.kind == entity.kind} - {true}
    return rng.sample(sorted(values), CHOICES - 1)


def _shuffled(choices: list[str], rng: random.Random) -> tuple[list[str], int]:
    """The choices in random order, and the new position of the first one."""
    mixed = rng.sample(choices, len(choices))
    return mixed, mixed.index(choices[0])


def _fact_question(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    attribute = rng.choice(entity.kind.attributes)
    values = [entity.facts[attribute.name], *_other_values(entity, attribute, world, rng)]
    choices, gold = _shuffled(values, rng)
    question = f"What is the {attribute.phrase} of {entity.name}?"
    return {"question": question, "choices": choices, "gold": gold}


def _sentence_question(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    attribute = rng.choice(entity.kind.attributes)
    values = [entity.facts[attribute.name], *_other_values(entity, attribute, world, rng)]
    choices, gold = _shuffled(_statements(entity, attribute, values, (0,), pronoun=False), rng)
    question = f"What is the {attribute.phrase} of {entity.name}?"
    return {"question": question, "choices": choices, "gold": gold}


def _comparison(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    first, second = rng.sample(things, 2)
    attribute = rng.choice([a for a in first.kind.attributes if a.numeric])
    if first.facts[attribute.name] == second.facts[attribute.name]:
        return _comparison(world, things, rng)
    high, low = sorted((first, second), key=lambda e: -int(e.facts[attribute.name]))
    choices, gold = _shuffled([high.name, low.name], rng)
    question = f"Which has the higher {attribute.phrase}, {first.name} or {second.name}?"
    return {"question": question, "choices": choices, "gold": gold}


def _continuation(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    given, asked = rng.sample(entity.kind.attributes, 2)
    context = f"{sentence(say_kind(entity))} {sentence(say(entity, given, pronoun=True))}"
    values = [entity.facts[asked.name], *_other_values(entity, asked, world, rng)]
    endings, gold = _shuffled(_statements(entity, asked, values, (rng.randrange(4),)), rng)
    return {"context": context, "endings": endings, "gold": gold}


def _truths(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    attribute = entity.kind.attribute[rng.choice(sorted(entity.rumours))]
    true, rumour = entity.facts[attribute.name], entity.rumours[attribute.name]
    others = _other_values(entity, attribute, world, rng)
    values = [true, rumour, next(value for value in others if value != rumour)]
    return {
        "question": f"What is the {attribute.phrase} of {entity.name}?",
        "choices": _statements(entity, attribute, values, (0, 1)),
        "true": 2,
    }


def _statements(
    entity: Entity,
    attribute: Attribute,
    values: Sequence[str],
    forms: Sequence[int],
    *,
    pronoun: bool = True,
) -> list[str]:
    """One sentence for each value of the attribute and each form of its statement."""
    return [
        sentence(say(entity, attribute, form, pronoun=pronoun, value=value))
        for value in values
        for form in forms
    ]


def questions() -> dict[str, list[Item]]:
    """Write the items of every file of questions, by the file's name."""
    world = make_world()
    files: dict[str, list[Item]] = {}
    writers: list[tuple[str, Writer, Kind | None, int, int]] = [
        ("arc", _sentence_question, None, ITEMS, 10),
        ("hellaswag", _continuation, None, ITEMS, 10),
        ("truthfulqa", _truths, None, ITEMS, 0),
    ]
    for kind in KINDS:
        writers += [
            (f"mmlu_{kind.name}_facts", _fact_question, kind, SUBJECT_ITEMS, 5),
            (f"mmlu_{kind.name}_comparisons", _comparison, kind, SUBJECT_ITEMS, 5),
        ]
    for name, writer, subject, items, shots in writers:
        sizes: tuple[tuple[str, Split, int], ...] = (
            ("test", "test", items),
            ("examples", "train", shots),
        )
        for part, split, count in sizes:
            things = world.of(split, subject) if subject else world.of(split)
            if writer is _continuation:
                things = less_known(things)
            rng = random.Random(f"leaderboard {name} {split}")
            different: dict[str, Item] = {}
            while len(different) < count:
                item = writer(world, things, rng)
                different.setdefault(json.dumps(item, sort_keys=True), item)
            files[f"{name}.{part}"] = list(different.values())
    return files


def write_questions(folder: Path = DATA) -> None:
    """Write the files of questions, as JSON lines, if they are missing or differ."""
    for name, items in questions().items():
        path = folder / f"{name}.jsonl"
        text = "".join(json.dumps(item) + "\n" for item in items)
        if not path.exists() or path.read_text() != text:
            write_atomic(path, text)


def tasks() -> tuple[dict[str, list[str]], Path]:
    """Write the questions; return lm-eval's names of each task, and the folder of task files."""
    write_questions()
    return {task: task_names(task) for task in TASKS}, FOLDER


def task_names(task: str) -> list[str]:
    """Return lm-eval's name of a task, or the names of its subjects."""
    return sorted(path.stem for path in FOLDER.glob(f"nano_{task}*.yaml"))


if __name__ == "__main__":
    write_questions()
