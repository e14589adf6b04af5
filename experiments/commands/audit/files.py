"""The audit's files: AlpacaEval's outputs and a judge's verdicts of a model, read and checked.

model = read_model(Path("alpaca-7b-neft"))           # model_outputs.json, annotations.json
folder = public_files(["alpaca-7b"])                 # fetched once, hashes pinned
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from experiments.paths import RUNS
from neftune.training.files import write_atomic
from neftune.training.json_files import FileError, is_unicode, parse_json, read_text

CACHE = RUNS / "audit"
SOURCE = "https://github.com/tatsu-lab/alpaca_eval/raw/cd543a1/results"
FILES = {
    "model_outputs.json": "{model}/model_outputs.json",
    "annotations.json": "{model}/alpaca_eval_gpt4/annotations.json",
}
SHA256 = {
    "alpaca-7b": {
        "model_outputs.json": "21048628f20187affc7d9c9e756d9618e08c4991fc8a48184612eb484565c5db",
        "annotations.json": "d44ea50f1a81f6ae6a95e8ac1dd08b7eca82cc0a9058a2923b1c70cec1e9eaa5",
    },
    "alpaca-7b-neft": {
        "model_outputs.json": "344e893fddd9a2b871206aa68354e7e0fcd6b495ce3fcbc678fe77132206cf83",
        "annotations.json": "d6203dc0eb0d23373db5bd1bd35b1b1ed9feaeeeac80c40b585722793090852b",
    },
    "llama-2-7b-chat-hf": {
        "model_outputs.json": "5a66ed18b1ecef7a6a728eb32665651853092cbf11d518538d80d86c2df1b5ae",
        "annotations.json": "a003092552c9d97793e6e08e82e2c73b96a1031e882e78ef65dfb972a9d74630",
    },
    "llama-2-chat-7b-evol70k-neft": {
        "model_outputs.json": "9401fe244265e4d16e6262ee0b816078d760ad12d633a7462faf37a1811f3413",
        "annotations.json": "5dde8a1a7323fe93c326e82a4533518d6924256b0b11608a3e6d49f3ef74d217",
    },
}


GPT_4 = ("alpaca_eval_gpt4", "weighted_alpaca_eval_gpt4")
"""How the names of AlpacaEval's annotators begin that are GPT-4."""

MOST_MISSING = 0.5
"""The largest share of a model's verdicts that may be null."""


class AuditError(RuntimeError):
    """A file of the audit is missing or not what it should be; the message says which."""


@dataclass(frozen=True)
class Judged:
    """One model's answers and the verdicts on them, one an instruction, in the same order.

    Args:
        name: of the model.
        instructions: what was asked.
        subsets: AlpacaEval's subset of each.
        responses: the model's answers.
        preferences: 2 where the model won, 1 where the reference did, 1.5 for a draw, NaN where the
            verdict is missing.
        reference_lengths: of the reference answers in characters.
        annotations: the file's own rows, for alpaca-eval's own function.
    """

    name: str
    instructions: tuple[str, ...]
    subsets: tuple[str, ...]
    responses: tuple[str, ...]
    preferences: NDArray[np.float64]
    reference_lengths: NDArray[np.float64]
    annotations: list[dict[str, Any]]

    @property
    def judge(self) -> str:
        """Who compared, as the verdicts' file says."""
        named = {row.get("annotator") for row in self.annotations}
        (name, *others) = sorted(one for one in named if isinstance(one, str)) or [""]
        if others or not name:
            return "the judge"
        return "GPT-4" if name.startswith(GPT_4) else name

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Characters of each answer."""
        return np.array([len(response) for response in self.responses], dtype=np.float64)


def read_model(folder: Path) -> Judged:
    """Read one model's folder.

    Raises:
        AuditError: names the file, and the row and field that are wrong in it.
    """
    outputs = _by_instruction(folder / "model_outputs.json", ("instruction", "output"))
    path = folder / "annotations.json"
    verdicts = _by_instruction(path, ("instruction", "output_1", "output_2"))
    preferences = []
    for number, (instruction, row) in enumerate(verdicts.items(), start=1):
        if instruction not in outputs:
            raise AuditError(f"{path}: row {number}: its instruction has no model output")
        if row["output_2"] != outputs[instruction]["output"]:
            raise AuditError(
                f"{path}: row {number}: output_2 is not the model's output in model_outputs.json; "
                "the two files are not of the same answers"
            )
        preferences.append(_preference(row, path, number))
    missing = int(np.isnan(preferences).sum())
    if missing > MOST_MISSING * len(preferences):
        raise AuditError(
            f"{path}: {missing} of {len(preferences)} verdicts are null, more than "
            f"{MOST_MISSING:.0%}; a win rate of the rest would say little"
        )
    annotations = list(verdicts.values())
    answered = [outputs[row["instruction"]] for row in annotations]
    return Judged(
        name=folder.name,
        instructions=tuple(row["instruction"] for row in annotations),
        subsets=tuple(row.get("dataset", "all") for row in answered),
        responses=tuple(row["output"] for row in answered),
        preferences=np.array(preferences),
        reference_lengths=np.array([len(row["output_1"]) for row in annotations], dtype=float),
        annotations=annotations,
    )


def _by_instruction(path: Path, texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of a file by instruction, of which none may be there twice.

    Args:
        path: the file.
        texts: the fields that every row must have, as text.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(_read_list(path), start=1):
        where = f"{path}: row {number}"
        if not isinstance(row, dict):
            raise AuditError(f"{where}: should be an object with the field {texts[0]!r}")
        for field in (*texts, *(["dataset"] if "dataset" in row else [])):
            if field not in row:
                raise AuditError(f"{where}: no field {field!r}")
            value = row[field]
            if not isinstance(value, str) or not is_unicode(value):
                raise AuditError(f"{where}: {field} should be text, not {_shown(value)}")
        if row["instruction"] in found:
            first = list(found).index(row["instruction"]) + 1
            raise AuditError(f"{where}: has the same instruction as row {first}")
        found[row["instruction"]] = row
    return found


def _read_list(path: Path) -> list[Any]:
    if not path.exists():
        raise AuditError(f"{path}: no such file; a model's folder holds {' and '.join(FILES)}")
    try:
        rows = parse_json(read_text(path), path)
    except FileError as error:
        raise AuditError(str(error)) from None
    if not isinstance(rows, list) or not rows:
        raise AuditError(f"{path}: should be a list of rows, and not an empty one")
    return rows


def _preference(row: Mapping[str, Any], path: Path, number: int) -> float:
    where = f"{path}: row {number}"
    if "preference" not in row:
        raise AuditError(f"{where}: no field 'preference'")
    value = row["preference"]
    if value is None:
        return np.nan
    if isinstance(value, bool) or value not in (0, 1, 1.5, 2):
        raise AuditError(f"{where}: preference {_shown(value)} is none of 0, 1, 1.5, 2, null")
    return 1.5 if value == 0 else float(value)


def _shown(value: Any) -> str:
    """A value in an error message: short, and without what cannot be printed."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def public_files(models: Sequence[str]) -> Path:
    """The folder of the public files, which are fetched where they are missing.

    What is fetched is checked against its pinned SHA-256 and kept in `runs/audit/`.

    Raises:
        AuditError: no network, or a file is not the one that was pinned.
    """
    wanted = [(m, name, CACHE / m / name) for m in models for name in FILES]
    missing = [item for item in wanted if not item[2].exists()]
    for model, name, path in tqdm(missing, desc="fetching public files", disable=not missing):
        url = f"{SOURCE}/{FILES[name].format(model=model)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                content = answer.read()
        except (urllib.error.URLError, OSError) as error:
            raise AuditError(
                f"cannot fetch {url} ({error}); without a network, pass a folder that holds "
                f"<model>/{name}: make audit DATA=folder"
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != SHA256[model][name]:
            raise AuditError(f"{url}: SHA-256 is {digest}, not the pinned {SHA256[model][name]}")
        write_atomic(path, content)
    return CACHE
