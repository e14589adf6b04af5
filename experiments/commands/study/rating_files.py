"""The files of ratings that raters send back: read, checked against the study, and put in order.

    study, raters = read_ratings([Path("ann.json"), Path("ben.json")])
    raters[0].outcomes                                   # of the second run, one for each pair

A file is a list of AlpacaEval's annotations with a few fields more, as the page saves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.ratings import Numbers
from experiments.commands.study.pairs import BlindStudy, StudyError, read_key
from neftune.training.json_files import parse_json, read_text


class Rating(BaseModel):
    """One row of a file: one showing of a pair, as it was rated."""

    model_config = ConfigDict(extra="ignore", strict=True)

    instruction: str
    output_1: str
    output_2: str
    annotator: str = Field(min_length=1, max_length=60)
    preference: float
    study: str = Field(pattern="^[0-9a-f]{16}$")
    showing: int = Field(ge=0)
    choice: Literal["A", "B", "tie", "neither"]
    seconds: float = Field(ge=0, allow_inf_nan=False)
    rated_at: str


@dataclass(frozen=True, eq=False)
class Rater:
    """One rater's verdicts.

    Args:
        name: as given on the page.
        outcomes: shape (pairs,): 1 where the second run's answer won, 0 where the first's did, 0.5
            for a draw, NaN where the pair was not rated.
        again: the same of the pairs' second showing.
        neither: how many of the draws found neither answer good.
        seconds: that each rating took.
    """

    name: str
    outcomes: Numbers
    again: Numbers
    neither: int
    seconds: Numbers


def read_ratings(files: Sequence[Path]) -> tuple[BlindStudy, list[Rater]]:
    """Read files of ratings of one study.

    Args:
        files: one of each rater.

    Returns:
        The study, and the raters in the order of the files.

    Raises:
        StudyError: a file holds no ratings, is damaged, is of another study than the first one or
            of one that was not made here, or two are by the same rater.
        FileError: a file is missing or not JSON.
    """
    rated = {file: _rows(file) for file in files}
    if len(rated) < len(files):
        raise StudyError(f"{_twice(files)}: is given twice; give each file once")
    keys = {file: rows[0].study for file, rows in rated.items()}
    first = files[0]
    for file, key in keys.items():
        if key != keys[first]:
            raise StudyError(
                f"{file}: is of the study {key}, and {first} of {keys[first]}; merge the files of "
                "one study at a time"
            )
    study = read_key(keys[first])
    by_name: dict[str, Path] = {}
    for file, rows in rated.items():
        name = rows[0].annotator
        if name in by_name:
            raise StudyError(
                f"{file}: is by {name!r}, as {by_name[name]} is; give one file of each rater, the "
                "latest"
            )
        by_name[name] = file
    return study, [_rater(file, rows, study) for file, rows in rated.items()]


def _twice(files: Sequence[Path]) -> Path:
    return next(file for file in files if list(files).count(file) > 1)


def _rows(file: Path) -> list[Rating]:
    """A file's rows, each with the right fields, all of one study and by one rater."""
    found: Any = parse_json(read_text(file), file)
    if not isinstance(found, list):
        raise StudyError(f"{file}: is no list of ratings; give a file that the study's page saved")
    if not found:
        raise StudyError(f"{file}: holds no ratings; leave it out, or have some made first")
    rows = []
    for number, row in enumerate(found, start=1):
        try:
            rows.append(Rating.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "row"
            raise _damaged(file, number, f"{field}: {first['msg']}") from None
    for field in ("study", "annotator"):
        for number, rating in enumerate(rows, start=1):
            if getattr(rating, field) != getattr(rows[0], field):
                raise _damaged(file, number, f"has another {field} than the first one")
    if not rows[0].annotator.isprintable():
        raise _damaged(file, 1, "annotator: holds a character that cannot be printed")
    return rows


def _damaged(file: Path, number: int, why: str) -> StudyError:
    return StudyError(f"{file}: rating {number}: {why}; ask for the file as the page saved it")


def _rater(file: Path, rows: Sequence[Rating], study: BlindStudy) -> Rater:
    """Check every row against what was shown, and sort them by pair."""
    drawn = study.drawn
    outcomes, again = (np.full(len(drawn.pairs), np.nan) for _ in range(2))
    for number, row in enumerate(rows, start=1):
        if row.showing >= len(drawn.showings):
            raise _damaged(file, number, f"the study has {len(drawn.showings)} showings alone")
        showing = drawn.showings[row.showing]
        pair = drawn.pairs[showing.pair]
        if (row.instruction, row.output_1, row.output_2) != (
            pair.instruction,
            pair.output_1,
            pair.output_2,
        ):
            raise _damaged(file, number, "is not on the pair that was shown then")
        outcome = _outcome(row.choice, showing.second_is_a)
        if row.preference != 1 + outcome:
            raise _damaged(file, number, "the preference does not fit the choice")
        place = again if showing.repeat else outcomes
        if not np.isnan(place[showing.pair]):
            raise _damaged(file, number, "is on a showing that an earlier one is on")
        place[showing.pair] = outcome
    # The page saves all ratings up to the last one, so a file that lacks some was edited.
    if missing := set(range(len(rows))) - {row.showing for row in rows}:
        raise StudyError(
            f"{file}: the rating of the pair that was shown as number {min(missing) + 1} is "
            "missing; ask for the file as the page saved it"
        )
    neither = sum(
        row.choice == "neither" and not drawn.showings[row.showing].repeat for row in rows
    )
    seconds = np.array([row.seconds for row in rows])
    return Rater(rows[0].annotator, outcomes, again, neither, seconds)


def _outcome(choice: str, second_is_a: bool) -> float:
    if choice in ("tie", "neither"):
        return 0.5
    return float((choice == "A") == second_is_a)
