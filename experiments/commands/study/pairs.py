"""Which pairs of answers a blind study shows, in which order, and which answer as answer A.

    drawn = draw(answers_1, answers_2, Draw(pairs=140, repeats=14))
    study = BlindStudy(drawn, titles=("alpha 0", "alpha 5"), about="LLaMA-2 7B on Alpaca")
    write_key(study)                                     # runs/study/<study.key>/key.json
    read_key(study.key) == study

The key says which run gave which answer. Raters get the page alone (`page.py`), which names no run.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.paths import RUNS
from neftune.training.files import write_atomic
from neftune.training.json_files import FileError, parse_json, read_text

STUDIES = RUNS / "study"
GAP = 0.25
"""A pair is shown again no sooner than after this share of all pairs."""


class StudyError(ValueError):
    """A blind study cannot be made or merged; the message says why."""


@dataclass(frozen=True)
class Draw:
    """How pairs are drawn.

    Args:
        pairs: how many at most; all that there are, where these are fewer.
        repeats: how many of them are shown a second time with their sides exchanged; half of the
            pairs at most.
        equal_length: the largest difference of the answers' characters, in per cent of the longer
            one; None for any.
        shuffle: another number draws other pairs, orders and sides.
    """

    pairs: int = 140
    repeats: int = 14
    equal_length: int | None = None
    shuffle: int = 0


@dataclass(frozen=True)
class Pair:
    """Two answers to one instruction.

    Args:
        number: of the instruction among all.
        instruction: what was asked.
        output_1: the answer of the first run.
        output_2: that of the second run.
    """

    number: int
    instruction: str
    output_1: str
    output_2: str

    @property
    def lengths(self) -> tuple[int, int]:
        """Characters of both answers."""
        return len(self.output_1), len(self.output_2)


@dataclass(frozen=True)
class Showing:
    """One screen of the page.

    Args:
        pair: its place in the list of pairs.
        second_is_a: whether the second run's answer is answer A.
        repeat: whether the pair was shown before.
    """

    pair: int
    second_is_a: bool
    repeat: bool


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Args:
        how: the settings.
        instructions: how many there were.
        identical: how many had the same answer twice, which nobody needs to compare.
        unequal: how many others had answers too different in length.
        pairs: the pairs.
        showings: what is shown, in order.
    """

    how: Draw
    instructions: int
    identical: int
    unequal: int
    pairs: tuple[Pair, ...]
    showings: tuple[Showing, ...]


@dataclass(frozen=True)
class BlindStudy:
    """A study: what is shown, and what raters are not told.

    Args:
        drawn: the pairs and their order.
        titles: the two runs' names in results.
        about: what both runs have in common, for readers of results.
        runs: the two runs' folders, whose records hold judges' verdicts; none for other answers.
        notice: under which terms the page's texts come; empty for the laboratory's own.
    """

    drawn: Drawn
    titles: tuple[str, str]
    about: str
    runs: tuple[str, ...] = ()
    notice: str = ""

    @cached_property
    def key(self) -> str:
        """A hash of what is shown, which every file of ratings names: 16 hexadecimal digits."""
        drawn = self.drawn
        shown = [[asdict(pair) for pair in drawn.pairs], [asdict(each) for each in drawn.showings]]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where its page, its key and its results lie. The name gives nothing away."""
        return STUDIES / self.key


def draw(
    answers_1: Sequence[Mapping[str, Any]], answers_2: Sequence[Mapping[str, Any]], how: Draw
) -> Drawn:
    """Draw pairs, their order and their sides.

    Args:
        answers_1: the first run's, as AlpacaEval's `model_outputs.json`.
        answers_2: the second run's, to the same instructions in the same order.
        how: the settings.

    Returns:
        What is shown. In half of the pairs the second run's answer is answer A.

    Raises:
        StudyError: the instructions differ, or no pair is left.
    """
    asked = [[row["instruction"] for row in answers] for answers in (answers_1, answers_2)]
    if asked[0] != asked[1]:
        raise StudyError(
            f"the two runs did not answer the same instructions in the same order: the first has "
            f"{len(asked[0])}, the second {len(asked[1])}"
        )
    every = [
        Pair(number, first["instruction"], first["output"], second["output"])
        for number, (first, second) in enumerate(zip(answers_1, answers_2, strict=True))
    ]
    differing = [pair for pair in every if pair.output_1 != pair.output_2]
    kept = [pair for pair in differing if _alike(pair, how.equal_length)]
    if not kept:
        bound = "" if how.equal_length is None else f" and are within {how.equal_length}% in length"
        raise StudyError(f"of {len(every)} instructions none has answers that differ{bound}")
    rng = random.Random(f"blind study {how.shuffle}")
    pairs = rng.sample(kept, min(how.pairs, len(kept)))
    return Drawn(
        how,
        instructions=len(every),
        identical=len(every) - len(differing),
        unequal=len(differing) - len(kept),
        pairs=tuple(pairs),
        showings=_showings(len(pairs), min(how.repeats, len(pairs) // 2), rng),
    )


def _alike(pair: Pair, percent: int | None) -> bool:
    shorter, longer = sorted(pair.lengths)
    return percent is None or 100 * (longer - shorter) <= percent * longer


def _showings(pairs: int, repeats: int, rng: random.Random) -> tuple[Showing, ...]:
    """Every pair in its order, and some of the first half again, at random places after a gap."""
    sides = [number % 2 == 0 for number in range(pairs)]
    rng.shuffle(sides)
    placed = [(float(n), Showing(n, side, repeat=False)) for n, side in enumerate(sides)]
    for number in rng.sample(range(-(-pairs // 2)), repeats):
        place = rng.uniform(number + GAP * pairs, pairs)
        placed.append((place, Showing(number, not sides[number], repeat=True)))
    return tuple(showing for _, showing in sorted(placed, key=lambda each: each[0]))


def write_key(study: BlindStudy) -> Path:
    """Write what raters must not see, for the merge."""
    path = study.folder / "key.json"
    write_atomic(path, json.dumps(asdict(study), indent=1, ensure_ascii=False) + "\n")
    return path


def read_key(key: str) -> BlindStudy:
    """Read a study that was made here.

    Raises:
        StudyError: there is none with this key, or its file was changed.
    """
    path = STUDIES / key / "key.json"
    if not path.exists():
        made = ", ".join(sorted(each.parent.name for each in STUDIES.glob("*/key.json"))) or "none"
        raise StudyError(
            f"the study {key} was not made in this folder: there is no {path}; made here: {made}. "
            "Make it with the same settings, or copy its folder here"
        )
    study = None
    with suppress(FileError, KeyError, TypeError, AttributeError, ValueError):
        study = _study(parse_json(read_text(path), path))
    if study is None or study.key != key:
        raise StudyError(
            f"{path}: damaged, or changed after the study was made; make the study again with the "
            "same settings, which writes the same file"
        )
    return study


def _study(found: dict[str, Any]) -> BlindStudy:
    drawn = dict(found["drawn"])
    drawn["how"] = Draw(**drawn["how"])
    drawn["pairs"] = tuple(Pair(**pair) for pair in drawn["pairs"])
    drawn["showings"] = tuple(Showing(**showing) for showing in drawn["showings"])
    first, second = found["titles"]
    return BlindStudy(
        Drawn(**drawn), (first, second), found["about"], tuple(found["runs"]), found["notice"]
    )
