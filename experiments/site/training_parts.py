"""Parts of a report that any training has: its settings, its losses over steps, its dose.

settings_section(Record(run, "settings").read(), {"seed": "0"})
curves_section({"this run": log, "without noise": other_log})
dose_section(5.0, of_model(committed(), "gemma-3-270m"), "gemma-3-270m")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.equivalent_alpha import kl_at
from analysis.plots import curves
from analysis.training_log import loss_curves
from experiments.cells.markdown import estimate_text
from experiments.cells.settings import NAMES, SHOWN
from experiments.doses import Record
from experiments.site.one_file import Section, drawing

Log = Iterable[Mapping[str, Any]]
PROBES = {
    "noisy": "training loss, noise on",
    "train": "training rows, noise off",
    "validation": "held-out rows, noise off",
    "held_out": "held-out rows, noise off",
    "other": "another set, noise off",
}
"""The losses of a log, for readers."""
HELD_OUT = ("validation", "held_out")
DOSES = {
    "kl": ("KL divergence of the next token, nats a response token", 4),
    "rise": ("rise of the loss, nats a response token", 4),
    "changed": ("positions whose likeliest token changes, %", 2),
    "ratio": ("norm of the noise by that of the embeddings", 4),
}
"""What is shown of a measured dose, with digits."""


def settings_section(found: Mapping[str, Any], more: Mapping[str, str]) -> Section:
    """The settings of a training.

    Args:
        found: the content of `training_settings.json`.
        more: what else was chosen, by name.
    """
    recipe = found["recipe"]
    adapted = recipe["adapter"] != "none"
    names = SHOWN | {n: t for n, t in NAMES.items() if adapted or not n.startswith("adapter_")}
    noise = ", ".join(f"{name.replace('_', ' ')} {_text(v)}" for name, v in found["noise"].items())
    rows = [
        *more.items(),
        ("parameters trained", f"{found['parameters']:,}"),
        ("training examples", f"{found['examples']:,}"),
        ("optimizer steps", f"{found['steps']:,}"),
        ("noise", noise if found["noise"]["alpha"] else "none"),
        *((title, _text(recipe[name])) for name, title in names.items()),
        *((name.replace("_", " "), _text(v)) for name, v in found["execution"].items()),
    ]
    return Section("Settings", rows=[["setting", "value"], *map(list, rows)])


def _text(value: Any) -> str:
    """A setting's value, for readers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return " and ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def curves_section(logs: Mapping[str, Log]) -> Section:
    """The losses of one or more trainings over their steps.

    Args:
        logs: by the name of the line, `training_log.jsonl`; the first is the report's own.
    """
    found = {name: loss_curves(log) for name, log in logs.items()}
    own = next(iter(found.values()), {})
    probes = [probe for probe in PROBES if probe in own]
    if not probes:
        return Section("Losses over steps", ["No loss was logged in this training."])
    panels = {
        PROBES[probe]: {name: _points(each[probe]) for name, each in found.items() if probe in each}
        for probe in probes
    }
    figure = curves(
        panels,
        f"{_message(found)}\nEvery loss is a mean over the tokens of responses",
        "optimizer step",
        "loss, nats a token",
        columns=4 if len(panels) == 4 else 3,
        height=2.6,
        share=False,
    )
    note = (
        "The loss that a trainer logs contains the noise, so it cannot be compared between alphas; "
        "the others are taken without noise."
    )
    ends = [["last loss", *found]]
    for probe in probes:
        last = [f"{each[probe][1][-1]:.4f}" if probe in each else "–" for each in found.values()]
        ends.append([PROBES[probe], *last])
    drawn = drawing(figure, "Losses over the steps of training; their last values are in the table")
    return Section("Losses over steps", [note], ends, drawn)


def _points(curve: tuple[Any, Any]) -> list[dict[str, float]]:
    steps, losses = curve
    return [
        {"x": float(step), "value": float(loss), "low": float(loss), "high": float(loss)}
        for step, loss in zip(steps, losses, strict=True)
    ]


def _message(found: Mapping[str, Mapping[str, Any]]) -> str:
    """What became of the loss on held-out rows, as far as it was logged."""
    ends = {
        name: each[probe][1] for name, each in found.items() for probe in HELD_OUT if probe in each
    }
    if not ends:
        return "Losses over the steps of training"
    first = next(iter(ends.values()))
    said = ", ".join(f"{losses[-1]:.3f} ({name})" for name, losses in ends.items())
    return f"The loss on held-out rows went from {first[0]:.3f} to {said}"


def dose_section(alpha: float, record: Record | None, model: str) -> Section:
    """What noise of an alpha does to the model before training.

    Args:
        alpha: of uniform noise.
        record: the model's measurement; None where it was not measured.
        model: its name, for readers.
    """
    title = "Dose"
    if alpha == 0:
        return Section(title, ["This training has no noise, so there is no dose."])
    if record is None:
        return Section(title, [f"The dose was not measured for {model}; `make dose` measures it."])
    where = "the committed measurement" if record.made_elsewhere else "a measurement made here"
    before = f"What this noise does to {model} before any training on Alpaca ({where})."
    at = record.alphas.get(alpha)
    if at is not None:
        rows = [[name, estimate_text(at[key], digits)] for key, (name, digits) in DOSES.items()]
        return Section(title, [before], [["quantity", "value"], *rows])
    kl = kl_at(alpha, record.kl)
    if kl is None:
        measured = sorted(a for a in record.kl if a > 0)
        outside = f"it was measured from alpha {measured[0]:g} to {measured[-1]:g}"
        return Section(title, [f"The dose of alpha {alpha:g} on {model} is not known: {outside}."])
    between = "The value lies between those of measured alphas."
    return Section(title, [before, between], [["quantity", "value"], [DOSES["kl"][0], f"{kl:.4f}"]])
