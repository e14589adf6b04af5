"""What judges said of the pairs of a blind study, from the records of its two runs.

found = judge_verdicts(study)
found.outcomes["GPT-4, each against the reference"]  # as the raters', one for each pair
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.ratings import Numbers
from experiments.commands.study.pairs import BlindStudy, Pair
from experiments.roles.judges import JUDGES
from experiments.runs.manifest import ManifestError
from experiments.runs.record import Record, RecordError
from experiments.runs.run import Run, RunError, read_run
from experiments.scales.hub import SourceError
from experiments.scales.scale import Scale


@dataclass(frozen=True, eq=False)
class JudgeVerdicts:
    """Verdicts on a study's pairs.

    Args:
        outcomes: by judge and how it judged, shape (pairs,); NaN where there is no verdict.
        note: what each judge really is, or why there are no verdicts.
    """

    outcomes: Mapping[str, Numbers]
    note: str


def judge_verdicts(study: BlindStudy) -> JudgeVerdicts:
    """Read the verdicts of every judge on both runs; none is asked.

    A judge may have compared the two runs directly, or each with the reference answers; from the
    latter the run with the higher preference wins.
    """
    if not study.runs:
        return JudgeVerdicts(
            {}, "Only of runs there are verdicts of judges, not of files of answers."
        )
    try:
        first, second = (read_run(Path(folder)) for folder in study.runs)
        found = _verdicts(first, second, study.drawn.pairs)
        return JudgeVerdicts(found, _described(first.scale, found))
    except (RunError, RecordError, ManifestError, SourceError) as error:
        return JudgeVerdicts({}, f"Verdicts of judges cannot be read: {error}.")


def _described(scale: Scale, found: Mapping[str, Numbers]) -> str:
    """What the judges of a result really are."""
    roles = [
        role
        for role, judge in JUDGES.items()
        if any(name.startswith(judge.title) for name in found)
    ]
    if not roles:
        return (
            "There are no verdicts on both runs by the judges as they are set now (model, server, "
            "configuration, reference answers)."
        )
    each = (f"{JUDGES[role].title} is {scale.describe_judge(role)}" for role in roles)
    return f"Among the judges, {'; '.join(each)}."


def _verdicts(first: Run, second: Run, pairs: tuple[Pair, ...]) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for role in (role for role in JUDGES if first.scale.has_judge(role)):
        direct = [
            Record(run, "head_to_head", judge=role, other=other)
            for run, other in ((second, first), (first, second))
        ]
        for record in (each for each in direct if each.exists()):
            outcomes = _direct(record.read(), second.key, pairs)
            if not np.isnan(outcomes).all():
                found[f"{JUDGES[role].title}, head to head"] = outcomes
        one, other = (Record(run, "verdicts", judge=role) for run in (first, second))
        if one.exists() and other.exists():
            outcomes = _through_reference(one.read(), other.read(), pairs)
            found[f"{JUDGES[role].title}, each against the reference"] = outcomes
    return found


def _direct(rows: list[dict[str, Any]], second: str, pairs: tuple[Pair, ...]) -> Numbers:
    """Outcomes from a comparison of both runs, whose sides were in random order."""
    said: dict[tuple[str, str, str], float] = {}
    for row in rows:
        if row["preference"] is None:
            continue
        is_second = row["generator_2"] == second
        outputs = (row["output_1"], row["output_2"])
        share = row["preference"] - 1
        texts = outputs if is_second else outputs[::-1]
        said[row["instruction"], texts[0], texts[1]] = share if is_second else 1 - share
    asked = [(pair.instruction, pair.output_1, pair.output_2) for pair in pairs]
    return np.array([said.get(each, np.nan) for each in asked])


def _through_reference(first: Numbers, second: Numbers, pairs: tuple[Pair, ...]) -> Numbers:
    """Outcomes from each run's preferences over the reference answers."""
    numbers = [pair.number for pair in pairs]
    difference = second[numbers] - first[numbers]
    return np.where(np.isnan(difference), np.nan, (np.sign(difference) + 1) / 2)
