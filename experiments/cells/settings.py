"""What stands at the foot of every result: models and their real sizes, hyperparameters, judges.

    settings = settings_of(cells, study)
    settings_text(settings)                              # Markdown
    measured_with(settings)                              # one line, for pictures

The settings are read from the runs themselves and from the records of their trainings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.cells.cell import Cell, records_of
from experiments.cells.markdown import markdown_table
from experiments.runs.conditions import CONDITIONS
from experiments.runs.provenance import machines
from experiments.runs.record import UNTRAINED, Record
from experiments.runs.study import Study
from neftune.distributions import Noise

Settings = dict[str, Any]
SHOWN = {
    "epochs": "epochs",
    "lr": "learning rate",
    "batch": "batch",
    "max_length": "longest example, tokens",
}
"""Hyperparameters that every table of settings has a column for."""

NAMES = {
    "schedule": "learning rate schedule",
    "warmup": "warmup share",
    "weight_decay": "weight decay",
    "max_grad_norm": "gradient clipped at",
    "micro_batch": "examples a pass",
    "adapter_rank": "adapter rank",
    "adapter_dropout": "adapter dropout",
    "frozen": "frozen",
    "adapter": "adapter",
    "freelb": "FreeLB",
    "dropout": "dropout",
    "label_smoothing": "label smoothing",
    "penalty": "alpha of the penalty",
}
"""The other hyperparameters: a column where they vary, else one sentence."""

OF_THE_MACHINE = "checkpoint_steps"
"""The part of an execution that is left out: how often a training's state is saved changes nothing
in what is trained."""


def training_records(cells: Sequence[Cell]) -> list[Record]:
    """The records of the trainings that the cells' runs come from."""
    runs = [
        run
        for cell in cells
        if cell.metric.reads and cell.metric.reads[0] not in UNTRAINED
        for group in (*cell.groups, cell.others)
        for run in group
    ]
    return [Record(run, "settings") for run in dict.fromkeys(runs)]


def settings_of(cells: Sequence[Cell], study: Study) -> Settings:
    """The settings of the cells' runs, as JSON.

    Returns:
        `scale`, `seeds`, `models` (by role: title, size and source), `judges`, `decoding`,
        `machines` on which the records were made, and `trainings`: one entry for each model, set,
        recipe and execution, with all its noises.
    """
    scale = study.scale
    roles = dict.fromkeys(r.model for c in cells for group in c.groups for r in group)
    judges = dict.fromkeys(
        c.judge for c in cells if {"verdicts", "head_to_head"} & set(c.metric.reads)
    )
    asked = [c for c in cells if {"verdicts", "responses", "head_to_head"} & set(c.metric.reads)]
    made = (record.entry() for record in [*records_of(cells), *training_records(cells)])
    trainings: dict[str, dict[str, Any]] = {}
    noises: dict[str, dict[str, None]] = {}
    for record in training_records(cells):
        entry = _training(record)
        key = json.dumps(entry, sort_keys=True)
        trainings[key] = entry
        noises.setdefault(key, {})[noise_title(record.run.noise)] = None
    return {
        "scale": scale.name,
        "seeds": study.seeds,
        "models": {
            role: {
                "title": scale.model_title(role),
                "size": scale.model_size(role),
                "source": scale.model_source(role),
            }
            for role in roles
        },
        "judges": {role: scale.describe_judge(role) for role in judges},
        "decoding": _decoding(asked, study),
        "machines": machines(entry for entry in made if entry),
        "trainings": [entry | {"noise": list(noises[key])} for key, entry in trainings.items()],
    }


def _training(record: Record) -> dict[str, Any]:
    """One training's resolved settings, without its noise and seed."""
    run, found = record.run, record.read()
    execution = {name: each for name, each in found["execution"].items() if name != OF_THE_MACHINE}
    return {
        "model": run.scale.model_title(run.model),
        "set": run.dataset.title,
        "rows": found["examples"],
        "recipe": found["recipe"],
        "execution": execution,
    }


def _machines_text(machines: Sequence[str]) -> str:
    """The machines for readers, and a warning where their number formats differ."""
    named = [machine.partition("; ")[::2] for machine in machines]
    listed = " and ".join(f"{name} ({formats})" for name, formats in named)
    if len({formats for _, formats in named}) == 1:
        return f"Made on: {listed}."
    return (
        f"Made on: {listed}. Their number formats differ, and with them the last digits of losses "
        "and some of the answers."
    )


def noise_title(noise: Noise) -> str:
    """A noise for readers."""
    if noise.alpha == 0:
        return "none"
    rule = "" if noise.length_rule == "sequence" else f", {noise.length_rule} L"
    part = "" if noise.tokens == "all" else f" on {noise.tokens}s alone"
    return f"{noise.distribution} {noise.alpha:g}{rule}{part}"


def _decoding(asked: Sequence[Cell], study: Study) -> str:
    if not asked:
        return ""
    decoding = study.scale.decoding
    sampled = any(CONDITIONS[cell.condition].top_p is not None for cell in asked)
    how = "greedy, or sampled where the column says so" if sampled else "greedy"
    return (
        f"{how}, repetition penalty {decoding.repetition_penalty:g}, at most "
        f"{decoding.max_new_tokens} new tokens"
    )


def measured_with(settings: Settings) -> str:
    """One line for pictures and titles: which models a result was measured with, and seeds."""
    models = list(settings["models"].values())
    if not models:
        return "Choices of hyperparameters"
    seeds = f"{settings['seeds']} {'seed' if settings['seeds'] == 1 else 'seeds'}"
    if len(models) <= 2:
        return f"Measured with {' and '.join(model['size'] for model in models)}; {seeds}"
    titles = [model["title"] for model in models]
    return f"Measured with {', '.join(titles[:-1])} and {titles[-1]}; {seeds}"


def settings_text(settings: Settings) -> str:
    """The settings as Markdown."""
    seeds = f"seeds 0 to {settings['seeds'] - 1}" if settings["seeds"] > 1 else "seed 0"
    lines = [f"Scale `{settings['scale']}`, {seeds}."]
    if settings["models"]:
        models = (f"{m['size']} (`{m['source']}`)" for m in settings["models"].values())
        lines.append(f"Models: {'; '.join(models)}.")
    if settings["judges"]:
        lines.append(f"Judge: {'; '.join(settings['judges'].values())}.")
    if settings["decoding"]:
        lines.append(f"Decoding: {settings['decoding']}.")
    if settings["machines"]:
        lines.append(_machines_text(settings["machines"]))
    trainings = settings["trainings"]
    if not trainings:
        return "**Settings.** " + " ".join(lines)
    adapted = any(training["recipe"]["adapter"] != "none" for training in trainings)
    names = [name for name in NAMES if adapted or not name.startswith("adapter_")]
    varying = [name for name in names if len({_value(t, name) for t in trainings}) > 1]
    same = [f"{NAMES[n]} {_value(trainings[0], n)}" for n in names if n not in varying]
    lines.append(f"Every training: {', '.join(same)}.")
    columns = SHOWN | {name: NAMES[name] for name in varying}
    rows = [["model", "instruction set", "rows", *columns.values(), "noise"]]
    rows += [
        [
            *(training["model"], training["set"], f"{training['rows']:,}"),
            *(_value(training, name) for name in columns),
            "; ".join(training["noise"]),
        ]
        for training in trainings
    ]
    return f"**Settings.** {' '.join(lines)}\n\n{markdown_table(rows)}"


def _value(training: Mapping[str, Any], name: str) -> str:
    """A hyperparameter of a training, for readers."""
    value = training["recipe"][name]
    if value is None or value == [] or value == "none":
        return "none"
    if isinstance(value, list):
        return " and ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {part:g}" for key, part in value.items())
    return f"{value:g}" if isinstance(value, int | float) else str(value)
