"""Every committed run by alpha, dose, learning rate and epochs, and the reader's own beside them.

    page = explorer()
    page = explorer(read_rows(Path("runs")))             # with runs of one's own

A run is a row of `runs.csv`; its dose is that of its alpha on its base model, between measured
alphas as `analysis/equivalent_alpha.py` has it. Runs that a reader drops on the page are named and
given their doses by `static/own_runs.js`, in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analysis.equivalent_alpha import kl_at
from experiments.cells.runs_table import committed_rows
from experiments.doses import committed, of_model
from experiments.roles.instruction_sets import INSTRUCTION_SETS, TITLES
from experiments.runs.rivals import RIVALS
from experiments.scales.registry import SCALES
from experiments.site.own_runs import COLUMNS, NAMES, NUMBERS, Row
from experiments.site.pages import CHARTS, Page


@dataclass(frozen=True)
class Measure:
    """What can be drawn of a run.

    Args:
        title: for readers, with its unit.
        better: `higher` or `lower`; empty where neither is.
    """

    title: str
    better: str = ""


MEASURES = {
    "eval_train_loss": Measure("loss without noise on its own rows, nats"),
    "eval_validation_loss": Measure("loss without noise on held-out rows, nats", "lower"),
    "eval_other_loss": Measure("loss without noise on another set, nats", "lower"),
    "test: characters": Measure("length of answers, characters"),
    "test: right facts": Measure("right facts an answer", "higher"),
    "test: wrong facts": Measure("wrong facts an answer", "lower"),
    "test: win rate, gpt-4": Measure("win rate in GPT-4's role, %", "higher"),
    "test: win rate, oracle": Measure("win rate by the oracle, %", "higher"),
    "test: win rate, chatgpt": Measure("win rate in ChatGPT's role, %", "higher"),
}
"""What can be drawn, by column of `runs.csv`."""
USUAL = {
    "piece_tokens": "",
    "distribution": "uniform",
    "length_rule": "sequence",
    "adapter": "none",
    "frozen": "",
    "freelb": "",
    "interpolation": "1",
    "stopped": "",
    "tokens": "all",
    "dropout": "0",
    "label_smoothing": "0",
    "weight_decay": "0",
    "penalty": "0",
}
"""The settings of a usual training; a run with another one is named by it."""
PIECES = {
    role: str(each.piece_tokens)
    for role, each in INSTRUCTION_SETS.items()
    if each.piece_tokens is not None
}
"""The usual `piece_tokens` of sets whose conversations are cut."""
OF_DOSE = ("distribution", "length_rule", "tokens")
"""Doses were measured for the usual noise alone."""
OTHERS = {
    "epochs": RIVALS["epochs"].title,
    "lr": RIVALS["rates"].title,
    "interpolation": RIVALS["interpolation"].title,
    "stopped": "stopped after epoch",
    "dropout": RIVALS["dropout"].title,
    "label smoothing": RIVALS["smoothing"].title,
    "weight decay": RIVALS["decay"].title,
    "penalty": RIVALS["penalty"].title,
    "freelb": "FreeLB",
}
"""Rivals of the noise, by the setting in which they differ from the usual training without it."""
SHIPPED, YOURS = "shipped", "yours"


@dataclass(frozen=True)
class Model:
    """A base model of the project.

    Args:
        role: as `runs.csv` has it.
        parameters: which tell the models of one role apart.
        title: for readers.
        name: its own, without what stands beside it for readers.
        kl: the dose by alpha, in nats a token; empty where it was not measured.
    """

    role: str
    parameters: str
    title: str
    name: str
    kl: Mapping[float, float]

    def is_of(self, row: Mapping[str, str]) -> bool:
        """Whether a row's run starts from this model: from its role, or a folder of its name."""
        named = row["model"] == self.role or Path(row["model"]).name == self.name
        return named and row.get("parameters") == self.parameters


@cache
def models() -> tuple[Model, ...]:
    """The models that committed runs start from."""
    measured, found = committed(), []
    for scale in (SCALES["nano"], SCALES["small"]):
        laboratory = scale is SCALES["nano"]
        for role in scale.models:
            name = scale.short_title(role)
            record = of_model(measured, name, role if laboratory else "")
            title = f"{name}{', laboratory' if laboratory else ''}"
            kl = record.kl if record else {}
            found.append(Model(role, str(scale.parameters(role)), title, name, kl))
    return tuple(found)


def explorer(own: Sequence[Row] = ()) -> Page:
    """The page of all runs.

    Args:
        own: rows of the reader's own runs, which are shown beside the shipped ones.
    """
    shipped = [row for scale in ("nano", "small") for row in committed_rows(scale)]
    runs = [_run(row, SHIPPED) for row in shipped] + [_run(row, YOURS) for row in own]
    # Of the laboratory's models before tuning the dose alone was measured.
    runs = [run for run in runs if any(name in run for name in MEASURES)]
    return Page(
        "explore.html",
        "Explorer",
        "explore.html",
        {"measures": {name: measure.title for name, measure in MEASURES.items()}},
        {
            "runs": runs,
            "measures": {name: asdict(measure) for name, measure in MEASURES.items()},
            "rivals": OTHERS,
            "reading": {
                "names": NAMES,
                "columns": COLUMNS,
                "numbers": NUMBERS,
                "usual": USUAL,
                "pieces": PIECES,
                "ofDose": OF_DOSE,
                "datasets": TITLES,
                "models": [asdict(model) for model in models()],
            },
        },
        scripts=(CHARTS, "own_runs.js", "rivals.js", "explore.js"),
    )


def _run(row: Mapping[str, str], whose: str) -> dict[str, Any]:
    model = next((model for model in models() if model.is_of(row)), None)
    alpha = float(row["alpha"])
    found: dict[str, Any] = {
        "run": row["run"],
        "whose": whose,
        "model": model.title if model else row["model"],
        "dataset": TITLES.get(row["dataset"], row["dataset"]),
        "alpha": alpha,
        "dose": _dose(row, model, alpha),
        "lr": float(row["lr"]),
        "epochs": float(row["epochs"]),
        "seed": float(row["seed"]),
        "other": other_settings(row),
    }
    return found | {name: float(row[name]) for name in MEASURES if row.get(name)}


def other_settings(row: Mapping[str, str]) -> str:
    """The settings in which a run is not a usual one, in words."""
    usual = USUAL | {"piece_tokens": PIECES.get(row["dataset"], "")}
    found = [
        f"{name.replace('_', ' ')} {row[name] or 'none'}"
        for name, value in usual.items()
        if row.get(name, value) != value
    ]
    return ", ".join(found) or "usual"


def _dose(row: Mapping[str, str], model: Model | None, alpha: float) -> float | None:
    """The KL divergence in nats a token; None where it was not measured."""
    if alpha == 0:
        return 0.0
    if model is None or not model.kl or any(row.get(n, USUAL[n]) != USUAL[n] for n in OF_DOSE):
        return None
    found = kl_at(alpha, model.kl)
    return None if found is None else round(found, 5)
