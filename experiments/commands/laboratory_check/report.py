"""The check's result: written, read again, judged by the conditions, and shown to readers.

    check = read_check(Path("results/nano/laboratory.json"))
    check.unmet()                                        # the conditions that are not met
    conditions_table(check)                              # the table in docs/laboratory.md

A file keeps what was measured and on what; whether a condition is met is computed from it anew, by
the bounds as they are now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.cells.markdown import filled, markdown_table
from experiments.nano.conditions import CONDITIONS, StatedCondition
from experiments.paths import LABORATORY
from experiments.scales.nano import NANO
from neftune.training.files import file_sha256
from neftune.training.json_files import FileError, parse_json, read_text

NOT_SAID = "–"
RECORDS = ("pretraining.json", "tuning.json")
"""What is written beside a model when it is made; every model has one of them."""


@dataclass(frozen=True)
class Measured:
    """A measured condition.

    Args:
        parts: the numbers that have to lie within the bounds, by name; the only one has none.
        beside: what else readers should know, in words.
    """

    parts: Mapping[str, float]
    beside: str = ""


@dataclass(frozen=True)
class Check:
    """What was measured, and on what.

    Args:
        models: by role, the SHA-256 of the shipped weights.
        lr: the learning rates of the tuned models, by instruction set.
        qlora_lr: QLoRA's.
        records: the paths of the records below the scale's runs. They have hashes of the base
            model, the rows, the recipe and the judge.
        measured: the conditions by name.
    """

    models: Mapping[str, str]
    lr: Mapping[str, float]
    qlora_lr: Mapping[str, float]
    records: Sequence[str]
    measured: Mapping[str, Measured]

    def outside(self, condition: StatedCondition) -> list[str]:
        """The parts of a condition that are not as wanted; all where nothing was measured."""
        found = self.measured.get(condition.name)
        return condition.outside(found.parts) if found and found.parts else ["not measured"]

    def unmet(self) -> list[StatedCondition]:
        """The conditions that are not met, or were not measured."""
        return [condition for condition in CONDITIONS if self.outside(condition)]

    def as_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_check(path: Path) -> Check:
    """Read a result.

    Raises:
        FileError: the file cannot be read, or is damaged.
    """
    found = parse_json(read_text(path), path)
    try:
        return Check(
            models={role: str(each) for role, each in found["models"].items()},
            lr={name: float(rate) for name, rate in found["lr"].items()},
            qlora_lr={name: float(rate) for name, rate in found["qlora_lr"].items()},
            records=[str(path) for path in found["records"]],
            measured={
                name: Measured(
                    {part: float(value) for part, value in each["parts"].items()},
                    str(each["beside"]),
                )
                for name, each in found["measured"].items()
            },
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FileError(
            f"{path}: a damaged result; make it again with `make laboratory-check`"
        ) from None


def shipped_models() -> dict[str, str]:
    """By role, the SHA-256 of the weights that the laboratory ships."""
    folder = LABORATORY / "models"
    return {role: file_sha256(folder / role / "model.safetensors") for role in NANO.models}


def measured_text(condition: StatedCondition, parts: Mapping[str, float]) -> str:
    """The numbers of a condition for readers: one, or the lowest and the highest of several."""
    if len(parts) == 1:
        return condition.text(*parts.values())
    low, high = min(parts, key=parts.__getitem__), max(parts, key=parts.__getitem__)
    return f"{condition.text(parts[low])} ({low}) to {condition.text(parts[high])} ({high})"


def conditions_table(check: Check | None) -> list[list[str]]:
    """A row a condition: what is wanted, what was measured, whether it is met, and why.

    Args:
        check: what was measured; None where nothing was measured yet.
    """
    rows = [["condition", "wanted", "measured", "met", "why these bounds"]]
    for condition in CONDITIONS:
        found = check.measured.get(condition.name) if check else None
        row = [f"{condition.group}: {condition.title}", condition.wanted]
        if check is None or found is None or not found.parts:
            rows.append([*row, NOT_SAID, "not measured", condition.why])
            continue
        outside = check.outside(condition)
        met = "yes" if not outside else "**no**"
        if outside and len(found.parts) > 1:
            met += f": {', '.join(outside)}"
        rows.append([*row, measured_text(condition, found.parts), met, condition.why])
    return rows


def markdown(check: Check) -> str:
    """The result for readers: a table of all conditions, then the numbers of each."""
    unmet = len(check.unmet())
    parts = [
        "# The laboratory's conditions\n",
        f"Made by `make laboratory-check`; do not edit. {len(CONDITIONS) - unmet} of "
        f"{len(CONDITIONS)} conditions are met. They are stated in `experiments/nano/conditions.py`"
        " and measured on the shipped models and on models tuned without noise, under one seed; "
        "only the dose has noise, and no training.\n",
        markdown_table(conditions_table(check)) + "\n",
    ]
    for condition in CONDITIONS:
        found = check.measured.get(condition.name)
        if found is None:
            continue
        parts.append(f"## {condition.group}: {condition.title}\n")
        if len(found.parts) > 1:
            unit = condition.unit
            rows = [["", unit], *([n, condition.text(v)] for n, v in found.parts.items())]
            parts.append(markdown_table(rows) + "\n")
        else:
            parts.append(f"{measured_text(condition, found.parts)} {condition.unit}".strip() + "\n")
        if found.beside:
            parts.append(f"{found.beside[0].upper()}{found.beside[1:]}.\n")
    return "\n".join(parts)


def models_table() -> list[list[str]]:
    """A row a base model, from the records of their making, with a dash for what they lack."""
    titles = ("role", "parameters", "tokens", "held-out perplexity", "facts completed")
    rows = [[*titles, "of the rarest fifth", "of the commonest fifth"]]
    for role in NANO.models:
        card = card_of(role)
        known = card["fact_accuracy"]
        fifths = known.get("by_fame", [None])
        numbers = (
            (card.get("tokens"), ","),
            (card.get("perplexity"), ".3f"),
            *((share, ".1%") for share in (known["all"], fifths[0], fifths[-1])),
        )
        said = [NOT_SAID if value is None else format(value, form) for value, form in numbers]
        rows.append([f"`{role}`", f"{NANO.parameters(role):,}", *said])
    return rows


def card_of(role: str) -> dict[str, Any]:
    """What was measured when a model of the laboratory was made.

    Args:
        role: the name of its folder.

    Returns:
        The content of its `pretraining.json`, or of the chat model's `tuning.json`.
    """
    folder = LABORATORY / "models" / role
    (path,) = (path for name in RECORDS if (path := folder / name).exists())
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def updated(page: str, check: Check | None) -> str:
    """A page with its tables of conditions and models as they are now.

    Args:
        page: the text of docs/laboratory.md.
        check: the project's own result; None where there is none yet.

    Raises:
        ValueError: the page lacks the marks of a table.
    """
    for place, rows in (("conditions", conditions_table(check)), ("models", models_table())):
        page = filled(page, place, markdown_table(rows))
    return page
