"""A small blind study without runs, and simulated raters of known bias and preference.

study = small_study(folder)                              # 40 pairs in runs/study/ of the folder
choices_of(study, Habits(bias=0.3, preference=0.8), seed=0)      # one a showing
ratings_of(study, "Ann", choices)                        # the file that the page would save
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.__main__ import main
from experiments.commands.study.pairs import STUDIES, BlindStudy, read_key


@dataclass(frozen=True)
class Habits:
    """How a simulated rater chooses.

    Args:
        bias: the share of showings in which answer A is taken whatever it says.
        preference: the share of the others in which the second run's answer is taken.
    """

    bias: float
    preference: float

    @property
    def score(self) -> float:
        """The win score to expect in per cent: sides are balanced."""
        return 100 * (self.bias / 2 + (1 - self.bias) * self.preference)


def choices_of(study: BlindStudy, habits: Habits, seed: int) -> list[str]:
    """A rater's choices, one a showing; the same pair is liked in the same way again."""
    rng = random.Random(seed)
    likes = [rng.random() < habits.preference for _ in study.drawn.pairs]
    return [
        "A" if rng.random() < habits.bias or likes[s.pair] == s.second_is_a else "B"
        for s in study.drawn.showings
    ]


def ratings_of(study: BlindStudy, name: str, choices: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that the page saves for these choices."""
    rows = []
    for number, choice in enumerate(choices):
        showing = study.drawn.showings[number]
        pair = study.drawn.pairs[showing.pair]
        won = 2 if (choice == "A") == showing.second_is_a else 1
        rows.append(
            {
                "instruction": pair.instruction,
                "output_1": pair.output_1,
                "output_2": pair.output_2,
                "annotator": name,
                "preference": won if choice in "AB" else 1.5,
                "study": study.key,
                "showing": number,
                "choice": choice,
                "seconds": 2.5,
                "rated_at": "2024-01-01T00:00:00.000Z",
            }
        )
    return rows


def write_outputs(folder: Path, pairs: int) -> list[str]:
    """Two files of answers to as many instructions; every tenth answer is the same in both."""
    files = []
    for name in ("plain", "noisy"):
        rows = [
            {
                "instruction": f"What is {n} < {n + 1}?",
                "output": f"Answer {n}" if n % 10 == 9 else f"Ä <b>{name}</b> answer: {'x' * n}",
                "generator": name,
            }
            for n in range(pairs)
        ]
        if name == "noisy":
            rows = [
                row | {"output": f"{row['output']}{'' if n % 10 == 9 else ' …' * (n % 7)}"}
                for n, row in enumerate(rows)
            ]
        path = folder / f"{name}.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        files.append(str(path))
    return files


def made(*arguments: str) -> BlindStudy:
    """Make a study with the command, and read its key back."""
    before = set(STUDIES.glob("*"))
    assert main(["study", *arguments]) == 0
    (folder,) = set(STUDIES.glob("*")) - before
    return read_key(folder.name)


def small_study(folder: Path, *arguments: str) -> BlindStudy:
    """A study of files in a folder, which is the current one."""
    return made("--outputs", *write_outputs(folder, 50), *arguments)
