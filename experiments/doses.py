"""What the noise does to models before any training, as `make dose` measured it: one file a model.

    record = find("gemma-3-270m")                        # made here, or else committed
    record.kl[5.0]                                       # KL at alpha 5, nats a response token
    committed(), measured_here()                         # results/dose/ and runs/dose/, by name

A file holds numbers and no text of the rows that a model was measured on. The quantities are those
of `analysis/dose_summary.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.intervals import Estimate
from analysis.second_order import Agreement, agreement
from experiments.names import look_up
from experiments.paths import RESULTS, RUNS
from neftune.training.json_files import FileError, parse_json, read_text

OWN = RUNS / "dose"
COMMITTED = RESULTS / "dose"
QUANTITIES = ("rise", "percent", "kl", "changed", "ratio", "predicted")
KIND = "dose of a model"
"""What the field `kind` of a record says, which tells it from other files beside it."""


@dataclass(frozen=True)
class Record:
    """A measurement.

    Args:
        name: of the file.
        title: of the model, for readers.
        real: whether it is a language model of real text, not one of the laboratory.
        role: of a model of the laboratory, its role; empty for a real one.
        identity: a hash of the weights, rows and settings.
        about: the model, its rows and the settings of the measurement.
        measures: `loss`, `norm`, `trace`, … of `analysis.dose_summary.Dose`, and the geometry.
        alphas: by alpha, the fields of `analysis.dose_summary.AtAlpha`.
        made_elsewhere: whether it is the committed one, not made by this command.
    """

    name: str
    title: str
    real: bool
    role: str
    identity: str
    about: Mapping[str, Any]
    measures: Mapping[str, Any]
    alphas: Mapping[float, Mapping[str, Mapping[str, float]]]
    made_elsewhere: bool = False

    @property
    def kl(self) -> dict[float, float]:
        """The KL divergence by alpha, in nats per response token."""
        return {alpha: found["kl"]["value"] for alpha, found in self.alphas.items()}

    @property
    def agreement(self) -> dict[float, Agreement]:
        """Whether the second-order prediction of the rise agrees with it, by alpha."""
        return {
            alpha: agreement(Estimate(**found["predicted"]), Estimate(**found["rise"]))
            for alpha, found in self.alphas.items()
        }

    def content(self) -> dict[str, Any]:
        """The record as JSON's types."""
        return {
            "kind": KIND,
            "name": self.name,
            "title": self.title,
            "real": self.real,
            "role": self.role,
            "identity": self.identity,
            "about": dict(self.about),
            "measures": dict(self.measures),
            "alphas": {f"{alpha:g}": dict(found) for alpha, found in self.alphas.items()},
        }

    def as_json(self) -> str:
        """The file's text."""
        return json.dumps(self.content(), indent=1) + "\n"

    def drawn(self) -> dict[str, Any]:
        """What `analysis.dose_picture` draws of it."""
        return {"title": self.title, "real": self.real, "alphas": self.alphas}


def read_record(path: Path, made_elsewhere: bool = False) -> Record | None:
    """Read a record; None for another kind of JSON file.

    Raises:
        FileError: the file is not JSON, or a damaged record.
    """
    found = parse_json(read_text(path), path)
    if not isinstance(found, dict) or found.get("kind") != KIND:
        return None
    try:
        alphas = {
            float(alpha): {
                name: {end: float(each[name][end]) for end in ("value", "low", "high")}
                for name in QUANTITIES
            }
            for alpha, each in found["alphas"].items()
        }
        return Record(
            name=str(found["name"]),
            title=str(found["title"]),
            real=bool(found["real"]),
            role=str(found.get("role", "")),
            identity=str(found["identity"]),
            about=dict(found["about"]),
            measures=dict(found["measures"]),
            alphas=alphas,
            made_elsewhere=made_elsewhere,
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FileError(f"{path}: a damaged measurement; remove it and measure again") from None


def _records(folder: Path, made_elsewhere: bool) -> dict[str, Record]:
    found = (read_record(path, made_elsewhere) for path in sorted(folder.glob("*.json")))
    return {record.name: record for record in found if record is not None}


def committed() -> dict[str, Record]:
    """The project's own measurements, by name."""
    return _records(COMMITTED, made_elsewhere=True)


def measured_here() -> dict[str, Record]:
    """The measurements that were made here, by name."""
    return _records(OWN, made_elsewhere=False)


def find(name: str) -> Record:
    """A measurement: the one that was made here, or else the committed one.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return look_up("measured model", name, committed() | measured_here())


def of_model(measured: Mapping[str, Record], title: str, role: str = "") -> Record | None:
    """The measurement of a model.

    Args:
        measured: those that are looked at, by name.
        title: of a real model.
        role: of a model of the laboratory, in place of a title.

    Returns:
        None where it was not measured.
    """
    every = measured.values()
    if role:
        return next((each for each in every if each.role == role), None)
    return next((each for each in every if each.real and each.title == title), None)
