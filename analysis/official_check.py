"""Compare length-controlled win rates with AlpacaEval's official values.

    python -m analysis.official_check FOLDER             # prints the table
    python -m analysis.official_check FOLDER --write     # also writes it to docs/statistics.md

FOLDER has `alpaca_eval_verdicts/gpt4_verdicts.jsonl.xz`, GPT-4's verdicts on public models, one a
line with the fields model, instruction (a number), output and preference;
`alpaca_eval/text_davinci_003/model_outputs.json`, which has the instructions in that order; and
`alpaca_eval/alpaca-7b/annotations.json` with the reference answers (`output_1`). The outputs of the
former are other answers of the same model, half as long, and not the reference. Official values are
read from the leaderboards of the installed alpaca_eval.
"""

from __future__ import annotations

import argparse
import json
import lzma
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.length_control import (
    ALPACA_EVAL,
    FORMS,
    GAMED_PHI,
    RATE_SD,
    Calibration,
    Form,
    calibrate,
    length_controlled_win_rate,
)
from analysis.official_values import official
from analysis.statistics_page import write_table

VERDICTS = Path("alpaca_eval_verdicts") / "gpt4_verdicts.jsonl.xz"
ORDER = Path("alpaca_eval") / "text_davinci_003" / "model_outputs.json"
REFERENCE = Path("alpaca_eval") / "alpaca-7b" / "annotations.json"

Table = NDArray[np.float64]


@dataclass(frozen=True)
class PublicVerdicts:
    """GPT-4's verdicts on public models.

    Args:
        models: their names.
        preferences: shape (models, instructions).
        lengths: of the answers in characters, same shape.
        reference_lengths: shape (instructions,).
    """

    models: tuple[str, ...]
    preferences: Table
    lengths: Table
    reference_lengths: Table


def read_verdicts(folder: Path) -> PublicVerdicts:
    """Read the public verdicts from a folder."""
    order = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    answers = {
        row["instruction"]: len(row["output_1"])
        for row in json.loads((folder / REFERENCE).read_text(encoding="utf-8"))
    }
    reference = np.array([answers[row["instruction"]] for row in order], dtype=np.float64)
    won: dict[str, Table] = {}
    long: dict[str, Table] = {}
    with lzma.open(folder / VERDICTS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            name, place = row["model"], row["instruction"]
            preference = row["preference"]
            won.setdefault(name, np.full(len(reference), np.nan))[place] = (
                np.nan if preference is None else preference
            )
            long.setdefault(name, np.zeros(len(reference)))[place] = len(row["output"])
    names = tuple(sorted(won))
    return PublicVerdicts(
        names, np.stack([won[n] for n in names]), np.stack([long[n] for n in names]), reference
    )


@dataclass(frozen=True)
class Agreement:
    """How a way to control for length agrees with the official values.

    Args:
        errors: ours minus the official, in points, of the models that have an official value.
        correlation: of the two.
    """

    errors: Table
    correlation: float

    @property
    def mean_absolute(self) -> float:
        """The mean absolute error in points."""
        return float(np.abs(self.errors).mean())


def agreement(verdicts: PublicVerdicts, calibration: Calibration, form: Form = "tanh") -> Agreement:
    """Compare the length-controlled win rates of all models with the official ones."""
    ours, theirs = [], []
    for name, won, long in zip(
        verdicts.models, verdicts.preferences, verdicts.lengths, strict=True
    ):
        board = official(name).get("AlpacaEval 1")
        if board is None or board.controlled is None:
            continue
        found = length_controlled_win_rate(won, long, verdicts.reference_lengths, calibration, form)
        ours.append(found.value)
        theirs.append(board.controlled)
    errors = np.array(ours) - np.array(theirs)
    return Agreement(errors, float(np.corrcoef(ours, theirs)[0, 1]))


def candidates(verdicts: PublicVerdicts) -> dict[str, tuple[Calibration, Form]]:
    """Ways to control for length, by name; the first is the one that the audit uses."""
    own = calibrate(verdicts.preferences, verdicts.lengths, verdicts.reference_lengths)
    chance = np.random.default_rng(0).normal(size=len(verdicts.reference_lengths))
    used = f"no difficulty, phi pulled to {GAMED_PHI:g}"
    return {
        used: (ALPACA_EVAL, "tanh"),
        "no difficulty, phi not pulled": (replace(ALPACA_EVAL, phi_sd=RATE_SD), "tanh"),
        "no difficulty, phi pulled to 1.2": (replace(ALPACA_EVAL, phi=1.2), "tanh"),
        "no difficulty, phi pulled to 2.0": (replace(ALPACA_EVAL, phi=2.0), "tanh"),
        f"random numbers for the difficulty, phi pulled to {GAMED_PHI:g}": (
            replace(ALPACA_EVAL, difficulty=chance),
            "tanh",
        ),
        f"both estimated from these models: phi pulled to {own.phi:.1f}": (own, "tanh"),
        **{f"{used}; {form}": (ALPACA_EVAL, form) for form in FORMS[1:]},
    }


def rows_of(folder: Path) -> list[list[str]]:
    """The table as rows of text, titles first."""
    verdicts = read_verdicts(folder)
    found = {name: agreement(verdicts, *way) for name, way in candidates(verdicts).items()}
    titles = ["model; form, if not tanh", "mean absolute error", "bias", "correlation", "models"]
    return [
        titles,
        *(
            [
                name,
                f"{one.mean_absolute:.2f}",
                f"{one.errors.mean():+.2f}",
                f"{one.correlation:.4f}",
                str(len(one.errors)),
            ]
            for name, one in found.items()
        ),
    ]


def main() -> None:
    """Print the table, and write it where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="to docs/statistics.md")
    arguments = parser.parse_args()
    rows = rows_of(arguments.folder)
    for row in rows:
        print("  ".join(row))
    if arguments.write:
        write_table("official", rows)


if __name__ == "__main__":
    main()
