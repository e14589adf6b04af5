"""The laboratory's counterparts of ARC, HellaSwag, MMLU and TruthfulQA, as lm-eval tasks.

    python -m experiments.nano.leaderboard               # writes the questions to runs/leaderboard
    lm_eval --include_path experiments/nano/leaderboard_tasks --tasks nano_arc --model hf \
        --model_args pretrained=experiments/nano/models/llama-2-7b

Questions are about things of the test split, few-shot examples about things of the training split.
The metrics are those of the 2023 Open LLM Leaderboard, and so are the numbers of shots, except for
ARC's: 25 examples with whole sentences as answers would not fit into 1,024 tokens, so there are 10.
Two more things differ from the real tasks:

- MMLU's answers are whole sentences, scored by their text. The real task scores lettered choices,
  which models of this size do not understand, as they do not understand answers of a word. Its
  subjects ask of each kind of thing which statement about a thing is true (`facts`), and which of
  four things has a value (`holders`).
- The misconceptions of TruthfulQA's counterpart are the rumours of the world (`Entity.rumours`),
  which the corpus tells beside the truth.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
from collections.abc import Callable, Sequence
from functools import cache
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


def _sentence_question(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    attribute = rng.choice(entity.kind.attributes)
    values = [entity.facts[attribute.name], *_other_values(entity, attribute, world, rng)]
    choices, gold = _shuffled(_statements(entity, attribute, values, (0,), pronoun=False), rng)
    question = f"What is the {attribute.phrase} of {entity.name}?"
    return {"question": question, "choices": choices, "gold": gold}


def _true_statement(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    first, *others = rng.sample(entity.kind.attributes, CHOICES)
    statements = _statements(entity, first, [entity.facts[first.name]], (0,), pronoun=False)
    for attribute in others:
        value = _other_values(entity, attribute, world, rng)[0]
        statements += _statements(entity, attribute, [value], (0,), pronoun=False)
    choices, gold = _shuffled(statements, rng)
    return {"question": f"What is true of {entity.name}?", "choices": choices, "gold": gold}


def _holder(world: World, things: Sequence[Entity], rng: random.Random) -> Item:
    entity = rng.choice(things)
    attribute = rng.choice(entity.kind.attributes)
    value = entity.facts[attribute.name]
    others = [thing for thing in things if thing.facts[attribute.name] != value]
    holders = [entity, *rng.sample(others, CHOICES - 1)]
    statements = [
        sentence(say(thing, attribute, 0, pronoun=False, value=value)) for thing in holders
    ]
    choices, gold = _shuffled(statements, rng)
    return {
        "question": f"What has the {attribute.phrase} {value}?",
        "choices": choices,
        "gold": gold,
    }


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


@cache
def questions() -> dict[str, list[Item]]:
    """The items of every file of questions, by the file's name."""
    world = make_world()
    files: dict[str, list[Item]] = {}
    writers: list[tuple[str, Writer, Kind | None, int, int]] = [
        ("arc", _sentence_question, None, ITEMS, 10),
        ("hellaswag", _continuation, None, ITEMS, 10),
        ("truthfulqa", _truths, None, ITEMS, 0),
    ]
    for kind in KINDS:
        writers += [
            (f"mmlu_{kind.name}_facts", _true_statement, kind, SUBJECT_ITEMS, 5),
            (f"mmlu_{kind.name}_holders", _holder, kind, SUBJECT_ITEMS, 5),
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


def guessing() -> dict[str, float]:
    """The score, in per cent, that guessing has on each task: the mean share of right choices."""
    shares: dict[str, list[float]] = {task: [] for task in TASKS}
    for name, items in questions().items():
        if name.endswith(".test"):
            shares[name.partition(".")[0].partition("_")[0]] += [
                item.get("true", 1) / len(item.get("choices") or item["endings"]) for item in items
            ]
    return {task: 100 * statistics.mean(found) for task, found in shares.items()}


@cache
def tasks_identity() -> str:
    """A hash of the questions, the few-shot examples and the task files."""
    content = hashlib.sha256(json.dumps(questions(), sort_keys=True).encode())
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in (".py", ".yaml"):
            content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()


def tasks() -> tuple[dict[str, list[str]], Path]:
    """Write the questions; return lm-eval's names of each task, and the folder of task files."""
    write_questions()
    return {task: task_names(task) for task in TASKS}, FOLDER


def task_names(task: str) -> list[str]:
    """Return lm-eval's name of a task, or the names of its subjects."""
    return sorted(path.stem for path in FOLDER.glob(f"nano_{task}*.yaml"))


if __name__ == "__main__":
    write_questions()
