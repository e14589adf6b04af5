"""GPT-4's public verdicts: many models' answers to the same instructions, each against a reference.

    pool = read_pool(Path("gpt4_verdicts.jsonl.xz"), references)
    pool.models[3], pool.won[3].mean()                   # a model and its win rate, from 0 to 1

The verdicts are a folder of AlpacaEval's repository, `results`, which has
`<model>/alpaca_eval_gpt4/annotations.json` for each model; or a file with one JSON line for each
answer: `model`, `instruction` (a place in AlpacaEval's list of instructions), `output`, and
`preference`: 2 where the model's answer was preferred, 1 where the reference's was, 1.5 for a draw,
null where there is no verdict. Their texts belong to others (CC BY-NC); nothing of them is written
anywhere.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
Verdict = tuple[str, int, str, float]
"""A model, the place of the instruction, the answer, and 1, 0.5, 0 or NaN."""
REFERENCE = "text_davinci_003"


class VerdictsError(ValueError):
    """The file of public verdicts cannot be used; the message says why."""


@dataclass(frozen=True)
class Pool:
    """Models that answered the same instructions, and what GPT-4 preferred.

    Args:
        instructions: their texts.
        references: the reference's answers.
        models: names of the models.
        answers: by model, an answer to each instruction.
        won: shape (models, instructions): 1 where the model's answer was preferred, 0 where the
            reference's was, 0.5 for a draw, NaN where there is no verdict.
    """

    instructions: tuple[str, ...]
    references: tuple[str, ...]
    models: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    won: Table


def read_pool(path: Path, references: Sequence[Mapping[str, str]]) -> Pool:
    """Read the public verdicts.

    Args:
        path: the folder, or the file, .jsonl or .jsonl.xz.
        references: AlpacaEval's list, in its order: `instruction` and the reference's `output`.

    Returns:
        The models that have answered every instruction, by name. Of a folder, those alone whose
        answers were set against these references.

    Raises:
        VerdictsError: the file is not there, or a line is not in the format; or fewer than two
            models are left.
    """
    if not path.exists():
        raise VerdictsError(f"{path}: no such file or folder")
    count = len(references)
    answers: dict[str, list[str | None]] = {}
    won: dict[str, Table] = {}
    read = _of_folder(path, references) if path.is_dir() else _of_file(path, count)
    for model, place, answer, verdict in read:
        answers.setdefault(model, [None] * count)[place] = answer
        won.setdefault(model, np.full(count, np.nan))[place] = verdict
    whole = sorted(model for model, each in answers.items() if None not in each)
    if len(whole) < 2:
        against = (
            " and were set against these reference answers, which a model's `annotations.json` in "
            "that folder has"
            if path.is_dir()
            else ""
        )
        raise VerdictsError(
            f"{path}: no two models have answered all {count} instructions{against}"
        )
    return Pool(
        tuple(row["instruction"] for row in references),
        tuple(row["output"] for row in references),
        tuple(whole),
        tuple(tuple(str(answer) for answer in answers[model]) for model in whole),
        np.stack([won[model] for model in whole]),
    )


def _of_file(path: Path, count: int) -> Iterator[Verdict]:
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                yield _row(line, f"{path}: line {number}", count)
        except (lzma.LZMAError, UnicodeDecodeError, EOFError) as error:
            raise VerdictsError(f"{path}: cannot be read: {error}") from None


def _of_folder(folder: Path, references: Sequence[Mapping[str, str]]) -> Iterator[Verdict]:
    """The verdicts of each model of AlpacaEval's repository; those on other references are not."""
    places = {row["instruction"]: place for place, row in enumerate(references)}
    for path in sorted(folder.glob("*/alpaca_eval_gpt4/annotations.json")):
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            for row in rows:
                turned = row["generator_2"] == REFERENCE
                if not turned and row["generator_1"] != REFERENCE:
                    continue
                preference = row["preference"]
                own, its = row["output_1"], row["output_2"]
                if not turned:
                    own, its = its, own
                place = places.get(row["instruction"])
                if place is None or not isinstance(own, str) or its != references[place]["output"]:
                    continue
                # AlpacaEval has written draws as 0, too.
                verdict = {None: np.nan, 0: 0.5}.get(preference, preference and preference - 1)
                yield (
                    path.parent.parent.name,
                    place,
                    own,
                    1 - verdict if turned else verdict,
                )
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
            raise VerdictsError(f"{path}: {type(error).__name__}: {error}") from None


def _row(line: str, where: str, count: int) -> Verdict:
    try:
        row = json.loads(line)
        model, place, answer = row["model"], row["instruction"], row["output"]
        preference = row["preference"]
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise VerdictsError(f"{where}: {type(error).__name__}: {error}") from None
    if not isinstance(model, str) or not isinstance(answer, str):
        raise VerdictsError(f"{where}: model and output must be texts")
    if not isinstance(place, int) or not 0 <= place < count:
        raise VerdictsError(f"{where}: instruction must be a number from 0 to {count - 1}")
    if preference not in (None, 1, 1.5, 2):
        raise VerdictsError(f"{where}: preference must be 1, 1.5, 2 or null, not {preference!r}")
    return model, place, answer, np.nan if preference is None else preference - 1.0
