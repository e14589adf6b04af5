"""What stands at the foot of every result: models and their real sizes, hyperparameters, judges.

    settings = settings_of(cells, study)
    settings_text(settings)                              # Markdown
    measured_with(settings)                              # one line, for pictures

The settings are read from the runs themselves and from the records of their trainings, so that they
cannot differ from what was run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.cells.cell import Cell
from experiments.cells.markdown import markdown_table
from experiments.runs.conditions import CONDITIONS
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.study import Study
from neftune.distributions import Noise

Settings = dict[str, Any]
TITLES = {
    "model": "model",
    "set": "instruction set",
    "rows": "rows",
    "epochs": "epochs",
    "lr": "learning rate",
    "batch": "batch",
    "tokens": "longest example, tokens",
    "trains": "what trains",
    "noise": "noise",
}


def training_records(cells: Sequence[Cell]) -> list[Record]:
    """The records of the trainings that the cells' runs come from."""
    runs = [
        run
        for cell in cells
        if cell.metric.reads and cell.metric.reads[0] != "flips"
        for group in (*cell.groups, cell.others)
        for run in group
    ]
    return [Record(run, "settings") for run in dict.fromkeys(runs)]


def settings_of(cells: Sequence[Cell], study: Study) -> Settings:
    """The settings of the cells' runs, as JSON.

    Returns:
        `scale`, `seeds`, `models` (by role, a phrase and the short title), `judges`, `decoding`,
        and `trainings`: one entry for each model, set and recipe, with all noises that it had.
    """
    scale = study.scale
    roles = dict.fromkeys(r.model for c in cells for group in c.groups for r in group)
    judges = dict.fromkeys(
        c.judge for c in cells if {"verdicts", "head_to_head"} & set(c.metric.reads)
    )
    asked = [c for c in cells if {"verdicts", "responses", "head_to_head"} & set(c.metric.reads)]
    trainings: dict[str, dict[str, Any]] = {}
    noises: dict[str, dict[str, None]] = {}
    for record in training_records(cells):
        entry = _training(record)
        key = str(entry)
        trainings.setdefault(key, entry)
        noises.setdefault(key, {})[noise_title(record.run.noise)] = None
    return {
        "scale": scale.name,
        "seeds": study.seeds,
        "models": {
            role: {"what": scale.describe_model(role), "title": scale.model_title(role)}
            for role in roles
        },
        "judges": {role: scale.describe_judge(role) for role in judges},
        "decoding": _decoding(asked, study),
        "trainings": [
            entry | {"noise": "; ".join(noises[key])} for key, entry in trainings.items()
        ],
    }


def _training(record: Record) -> dict[str, Any]:
    """One training's settings, without its noise and seed."""
    run, found = record.run, record.read()
    recipe = found["recipe"]
    return {
        "model": run.scale.model_title(run.model),
        "set": run.dataset.title,
        "rows": f"{found['examples']:,}",
        "epochs": str(recipe["epochs"]),
        "lr": f"{recipe['lr']:g}",
        "batch": str(recipe["batch"]),
        "tokens": str(recipe["max_length"]),
        "trains": _what_trains(run),
    }


def _what_trains(run: Run) -> str:
    recipe = run.recipe
    if not recipe.epochs:
        return "nothing"
    if recipe.adapter == "qlora":
        return f"adapter of rank {recipe.adapter_rank} on 4-bit weights"
    frozen = f"all but {', '.join(recipe.frozen)}" if recipe.frozen else "all weights"
    if recipe.freelb is None:
        return frozen
    return f"{frozen}, with FreeLB of strength {recipe.freelb.magnitude:g}"


def noise_title(noise: Noise) -> str:
    """A noise for readers."""
    if noise.alpha == 0:
        return "none"
    rule = "" if noise.length_rule == "sequence" else f", {noise.length_rule} L"
    return f"{noise.distribution} {noise.alpha:g}{rule}"


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
    titles = [model["title"] for model in settings["models"].values()]
    if not titles:
        return "Choices of hyperparameters"
    seeds = f"{settings['seeds']} {'seed' if settings['seeds'] == 1 else 'seeds'}"
    if len(titles) <= 2:
        whats = [model["what"].partition(" (")[0] for model in settings["models"].values()]
        named = [f"a {what}" if "stand-in" in what else what for what in whats]
        return f"Measured with {' and '.join(named)}; {seeds}"
    return f"Measured with {', '.join(titles[:-1])} and {titles[-1]}; {seeds}"


def settings_text(settings: Settings) -> str:
    """The settings as Markdown."""
    lines = [f"Scale `{settings['scale']}`, seeds 0 to {settings['seeds'] - 1}."]
    if settings["seeds"] == 1:
        lines = [f"Scale `{settings['scale']}`, seed 0."]
    if settings["models"]:
        models = "; ".join(model["what"] for model in settings["models"].values())
        lines.append(f"Models: {models}.")
    if settings["judges"]:
        lines.append(f"Judge: {'; '.join(settings['judges'].values())}.")
    if settings["decoding"]:
        lines.append(f"Decoding: {settings['decoding']}.")
    text = "**Settings.** " + " ".join(lines)
    if settings["trainings"]:
        rows = [list(TITLES.values())]
        rows += [[entry[name] for name in TITLES] for entry in settings["trainings"]]
        text += f"\n\n{markdown_table(rows)}"
    return text
