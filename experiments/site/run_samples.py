"""Some answers of a run, beside the reference's and those of the run without noise.

samples_section(found, beside)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from experiments.roles.instruction_sets import Split
from experiments.runs.conditions import CONDITIONS
from experiments.runs.record import Record
from experiments.scales.scale import Scale
from experiments.site.one_file import Answer, Sample, Section
from experiments.site.run_records import Shown

SAMPLES = 6
WON = {2.0: "won", 1.5: "drew", 1.0: "lost"}


def samples_section(found: Shown, beside: Shown | None) -> Section:
    """A few instructions, spread evenly over those that were asked, with the answers."""
    title = "Some answers"
    responses = found.of_kind("responses")
    if not responses:
        return Section(title, ["This run was asked nothing."])
    asked = {record.condition: record for record in responses}
    record = asked[next(name for name in CONDITIONS if name in asked)]
    rows = record.read()
    places = np.unique(np.linspace(0, len(rows) - 1, SAMPLES).round().astype(int))
    references = _references(record)
    other = _same(record, beside)
    judged = [each for each in found.of_kind("verdicts") if each.condition == record.condition]
    judged_other = [_same(each, beside) for each in judged]
    samples = []
    for place in places:
        answers = [_answer("This run", rows, place, judged)]
        if other is not None:
            verdicts = [each for each in judged_other if each is not None]
            answers.append(_answer("Without noise", other.read(), place, verdicts))
        if references:
            answers.append(_answer("Reference", references, place, []))
        samples.append(Sample(rows[place]["instruction"], answers))
    note = f"{len(samples)} of the {len(rows)} instructions ({record.condition}), evenly spread."
    own = (
        "Instructions and references are AlpacaEval's, whose licence (CC BY-NC 4.0) does not let "
        "this file be passed on freely."
    )
    # As in the archive of records: the laboratory's texts are the project's own.
    notes = [note, own] if record.run.scale.published_choices else [note]
    return Section(title, notes, samples=samples)


def _references(record: Record) -> list[dict[str, Any]]:
    """The answers that judges compare with; none for prompts of the training rows."""
    split = CONDITIONS[record.condition].split
    return [] if split == "train" else _answers_of(record.run.scale, split)


@lru_cache(maxsize=2)
def _answers_of(scale: Scale, split: Split) -> list[dict[str, Any]]:
    """The reference answers of a split, which hundreds of reports share."""
    return scale.references(split)


def _same(record: Record, beside: Shown | None) -> Record | None:
    """The record of the same kind, condition and judge of the run without noise."""
    every = beside.records if beside else ()
    alike = (record.kind, record.condition, record.judge)
    return next((e for e in every if (e.kind, e.condition, e.judge) == alike), None)


def _answer(who: str, rows: list[dict[str, Any]], place: int, judged: list[Record]) -> Answer:
    text = rows[place]["output"]
    said = [f"{len(text):,} characters"]
    for record in judged:
        verdict = WON.get(float(record.read()[place]))
        said.append(f"{verdict or 'no clear verdict'} by {record.judge}")
    return Answer(who, text, ", ".join(said))
