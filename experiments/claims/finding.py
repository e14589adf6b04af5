"""What was found on a claim: it is asked of runs, tested against its premises, and judged.

    asked = questions(PREMISES, study)                   # each claim at each alpha by each judge
    produce(records_of(asked))
    finding = find(asked[0])
    finding.verdict, finding.reason, finding.parts

A part of a claim (a set, a task, a model) is testable where the dose of its noise reaches the
stated least, and what it is compared with lies between the stated limits. The estimate of a claim
is over its testable parts; where fewer than half of the parts are testable, or where there is no
gain to explain, the claim is not testable here, and the estimate that is shown all the same is over
all parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.intervals import Estimate
from experiments.cells.cell import Cell, values_of
from experiments.cells.render import all_records
from experiments.claims.estimates import Part, Parts
from experiments.claims.measures import MEASURES
from experiments.claims.premises import CHOSEN, Premise
from experiments.claims.rule import UNTESTABLE, Judgement, Verdict, judged
from experiments.roles.judges import JUDGES
from experiments.runs.dose import dose_at, dose_record
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.study import Study

NO_JUDGE = ""


@dataclass(frozen=True)
class Question:
    """A claim that is asked of runs.

    Args:
        premise: the claim.
        alpha: as the premise names it: a number or `chosen`.
        judge: a role; empty where none is asked.
        study: with this alpha, and with as many seeds as the premise wants.
        parts: of the claim's measure.
        gains: of the measure that must exist first, where the premise names one.
    """

    premise: Premise
    alpha: str
    judge: str
    study: Study
    parts: tuple[Part, ...]
    gains: tuple[Part, ...] = ()

    @property
    def cells(self) -> list[Cell]:
        """Every cell that it reads."""
        return [cell for part in (*self.parts, *self.gains) for cell in part.cells]

    @property
    def alphas(self) -> list[float]:
        """The alphas of the parts' noise, each once."""
        return list(dict.fromkeys(self.alpha_of(part) for part in self.parts))

    def alpha_of(self, part: Part) -> float:
        """The alpha of a part: of its training, or, where none is trained, the question's."""
        return noisy_run(part).noise.alpha or float(self.alpha)

    @property
    def doses(self) -> list[Record]:
        """The records of the doses that it is tested against."""
        if self.premise.least_dose is None:
            return []
        runs = map(noisy_run, self.parts)
        return [dose_record(self.study, run.model, run.dataset) for run in runs]


@dataclass(frozen=True)
class PartFinding:
    """What was found on one part.

    Args:
        title: of the part.
        alpha: of its noise.
        dose: KL, in nats a response token; None where none is needed.
        level: the mean of the arm that is compared with, where limits are stated.
        estimate: of the part alone.
        verdict: of the part alone.
        reason: of the verdict, as a phrase.
    """

    title: str
    alpha: float
    dose: float | None
    level: float | None
    estimate: Estimate
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Finding:
    """What was found on a question: an estimate, a verdict, its reason, and the same of each part.

    Args:
        question: what was asked.
        estimate: of the testable parts, or of all where the claim is not testable.
        verdict: by the rule.
        reason: of the verdict, as a phrase.
        left_out: the titles of the parts that the estimate leaves out.
        parts: each for itself.
    """

    question: Question
    estimate: Estimate
    verdict: Verdict
    reason: str
    left_out: tuple[str, ...]
    parts: tuple[PartFinding, ...]


def noisy_run(part: Part) -> Run:
    """The first run of a part's first arm, which has the noise."""
    return part.cells[0].groups[0][0]


def questions(premises: Sequence[Premise], study: Study) -> list[Question]:
    """Every claim at each of its alphas by each of its judges, as far as the scale has them."""
    return [
        _question(premise, alpha, judge, study)
        for premise in premises
        if study.scale.name in premise.scales
        for judge in _judges(premise, study)
        for alpha in premise.alphas
    ]


def _judges(premise: Premise, study: Study) -> Sequence[str]:
    there = [
        r for r in premise.judges if r in JUDGES and study.scale.name in JUDGES[r].configurations
    ]
    return there if premise.judges else [NO_JUDGE]


def _question(premise: Premise, alpha: str, judge: str, study: Study) -> Question:
    at = study.with_seeds(premise.seeds)
    if alpha != CHOSEN:
        at = at.with_alpha(float(alpha))
    parts = MEASURES[premise.measure].parts(at, judge)
    gains = MEASURES[premise.gain.measure].parts(at, judge) if premise.gain else []
    return Question(premise, alpha, judge, at, tuple(parts), tuple(gains))


def records_of(asked: Sequence[Question]) -> list[Record]:
    """The records that questions are answered from, each once."""
    found = [r for each in asked for r in (*all_records(each.cells), *each.doses)]
    return list(dict.fromkeys(found))


def find(question: Question) -> Finding:
    """Test a question against its premises and judge it, from records that exist."""
    premise, measure = question.premise, MEASURES[question.premise.measure]
    single = {part.title: measure.estimate([part]) for part in question.parts}
    unmet = {p.title: why for p in question.parts if (why := _unmet(question, p, single[p.title]))}
    parts = tuple(
        _part_finding(question, part, single[part.title], unmet.get(part.title, ""))
        for part in question.parts
    )
    if len(parts) == 1:
        (only,) = parts
        return Finding(question, only.estimate, only.verdict, only.reason, (), parts)
    testable = [part for part in question.parts if part.title not in unmet]
    reason = ""
    if 2 * len(testable) < len(parts):
        first, *others = dict.fromkeys(unmet.values())
        reason = f"{len(unmet)} of {len(parts)} parts: {first}{', …' if others else ''}"
    elif premise.gain and _no_gain(question, [part.title for part in testable]):
        reason = premise.gain.otherwise
    if reason:
        return Finding(question, measure.estimate(question.parts), UNTESTABLE, reason, (), parts)
    estimate = measure.estimate(testable)
    said = judged(estimate, premise.direction, premise.margin)
    return Finding(question, estimate, said.verdict, said.reason, tuple(unmet), parts)


def _part_finding(question: Question, part: Part, estimate: Estimate, unmet: str) -> PartFinding:
    premise = question.premise
    if not unmet and premise.gain and _no_gain(question, [part.title]):
        unmet = premise.gain.otherwise
    said = (
        Judgement(UNTESTABLE, unmet)
        if unmet
        else judged(estimate, premise.direction, premise.margin)
    )
    return PartFinding(
        title=part.title,
        alpha=question.alpha_of(part),
        dose=_dose(question, part),
        level=_level(question, part),
        estimate=estimate,
        verdict=said.verdict,
        reason=said.reason,
    )


def _dose(question: Question, part: Part) -> float | None:
    if question.premise.least_dose is None:
        return None
    run = noisy_run(part)
    return dose_at(question.study, run.model, run.dataset, run.noise.alpha)


def _level(question: Question, part: Part) -> float | None:
    if question.premise.limits is None:
        return None
    return float(np.nanmean(values_of(part.cells[1])))


def _unmet(question: Question, part: Part, estimate: Estimate) -> str:
    """Why a part is not testable, as a phrase; empty where it is."""
    premise = question.premise
    if estimate.value != estimate.value:
        return MEASURES[premise.measure].absent(part)
    dose, level = _dose(question, part), _level(question, part)
    if dose is not None and premise.least_dose is not None and dose < premise.least_dose:
        return f"the dose is {dose:.2g} nats, below {premise.least_dose:g}"
    if level is not None and premise.limits is not None:
        least, most = premise.limits
        if level > most:
            return f"a ceiling: {level:.1f}% in the arm compared with, above {most:g}%"
        if level < least:
            return f"a floor: {level:.1f}% in the arm compared with, below {least:g}%"
    return ""


def _no_gain(question: Question, titles: Sequence[str]) -> bool:
    """Whether what must exist on some parts before the claim says anything does not."""
    gain = question.premise.gain
    if gain is None:
        return False
    parts: Parts = [part for part in question.gains if part.title in titles]
    found = MEASURES[gain.measure].estimate(parts)
    return not (found.low > 0 and found.value >= gain.least)


def runs_behind(question: Question) -> tuple[str, ...]:
    """The keys of the runs that a question's estimate is made of, which tell equal questions."""
    parts = (cell for part in question.parts for cell in part.cells)
    return tuple(run.key for cell in parts for runs in cell.groups for run in runs)
