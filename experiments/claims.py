"""The paper's claims, each with what was published, what is measured here, and a verdict by rule.

    claims(Study(NANO, 5, load_selection(NANO)))         # at the chosen alphas
    claims_under_strong_noise(…)                         # at three times the paper's largest

The rule. An estimate is a mean over seeds and items with a 95% interval from a bootstrap over both
(`analysis.intervals.hierarchical`). A claim that something rises names the smallest rise that would
matter. It *holds here* if the interval lies above 0, *does not hold here* if it lies below the
smallest rise that matters, and is *not resolved* otherwise. A claim that something stays as it is
names a margin. It *holds here* if the interval lies within the margin, *does not hold here* if it
lies outside, and is *not resolved* otherwise. Margins were written before the runs were made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from analysis.intervals import Estimate, hierarchical
from analysis.length_control import length_controlled_gain
from experiments.artifact import Record
from experiments.figures import figure3, figure4, figure5, flips
from experiments.measures import CHARACTERS, WIN_RATE, Measure, Runs
from experiments.paper import DATASET_TITLES
from experiments.records import Numbers, preferences, responses
from experiments.selection import QLORA_DATASETS
from experiments.study import Study
from experiments.tables import strongnoise, table4
from experiments.tabulate import Cell, records_of, values_of
from neftune.spec import Noise

Verdict = Literal["holds here", "does not hold here", "not resolved"]


@dataclass(frozen=True)
class Claim:
    """One claim and how it fared.

    Args:
        text: what is claimed.
        published: the paper's number.
        quantity: what is measured here, with its unit.
        estimate: of that quantity.
        kind: `rises` (above 0), `falls` (below 0) or `stays` (within the margin of 0).
        margin: the smallest change that matters, in the quantity's unit.
    """

    text: str
    published: str
    quantity: str
    estimate: Estimate
    kind: Literal["rises", "falls", "stays"]
    margin: float

    @property
    def verdict(self) -> Verdict:
        """By the rule at the top of this module."""
        low, high = self.estimate.low, self.estimate.high
        if self.kind == "stays":
            if -self.margin <= low and high <= self.margin:
                return "holds here"
            outside = low > self.margin or high < -self.margin
            return "does not hold here" if outside else "not resolved"
        if self.kind == "falls":
            low, high = -high, -low
        if low > 0:
            return "holds here"
        return "does not hold here" if high < self.margin else "not resolved"


@dataclass(frozen=True)
class _Question:
    """A claim before it is measured: the cells it needs, and what to make of their values.

    `also_strong`: whether it is measured under strong noise too.
    """

    text: str
    published: str
    quantity: str
    kind: Literal["rises", "falls", "stays"]
    margin: float
    cells: Callable[[Study], list[Cell]]
    estimate: Callable[[list[Cell]], Estimate]
    also_strong: bool = True


def _cell(measure: Measure, *groups: Runs, judge: str = "gpt-4", condition: str = "test") -> Cell:
    return Cell("", "", measure, groups, judge=judge, condition=condition)


def _both(study: Study, measure: Measure, **how: str) -> list[Cell]:
    """The baseline and the noisy arm, averaged over the four instruction sets."""
    return [
        _cell(measure, *(study.neft(d) for d in DATASET_TITLES), **how),
        _cell(measure, *(study.baseline(d) for d in DATASET_TITLES), **how),
    ]


def _difference(cells: list[Cell]) -> Estimate:
    """The first cell less the second, paired by seed and item."""
    first, second = map(values_of, cells)
    return hierarchical(first - second)


def _percent_longer(cells: list[Cell]) -> Estimate:
    first, second = map(values_of, cells)
    return hierarchical(100 * (first - second) / second.mean())


def _alpaca(measure: Measure, condition: str = "test") -> Callable[[Study], list[Cell]]:
    return lambda study: [
        _cell(measure, study.neft("alpaca"), condition=condition),
        _cell(measure, study.baseline("alpaca"), condition=condition),
    ]


def _length_controlled(cells: list[Cell]) -> Estimate:
    """The gain at equal length, over the instructions of all four sets together."""

    def arm(cell: Cell) -> tuple[Numbers, Numbers]:
        won = [[preferences(r, "gpt-4", "test") for r in runs] for runs in cell.groups]
        long = [[[len(t) for t in responses(r, "test")] for r in runs] for runs in cell.groups]
        return np.concatenate(won, axis=1), np.concatenate(long, axis=1).astype(float)

    treated, base = map(arm, cells)
    run = cells[0].groups[0][0]
    reference = [len(row["output"]) for row in run.at.outputs("test")] * len(cells[0].groups)
    return length_controlled_gain(base, treated, np.array(reference, float))


def _repetition(study: Study) -> list[Cell]:
    pairs = []
    for dataset in DATASET_TITLES:
        arms = (study.neft(dataset), study.baseline(dataset))
        measure = table4.measures(table4.cut_off(arms))[2]
        pairs += [_cell(measure, runs) for runs in arms]
    return pairs


def _mean_difference(cells: list[Cell]) -> Estimate:
    """The mean over pairs of cells of the first less the second."""
    pairs = [values_of(a) - values_of(b) for a, b in zip(cells[::2], cells[1::2], strict=True)]
    return hierarchical(np.concatenate(pairs, axis=1))


def _leaderboard(study: Study) -> list[Cell]:
    return [
        _cell(score, runs)
        for score in figure3.SCORES.values()
        for model, dataset in figure3.PAIRS.values()
        for runs in (study.neft(dataset, model=model), study.baseline(dataset, model=model))
    ]


def _kinds_of_noise(study: Study) -> list[Cell]:
    sets = ("alpaca", "evol-instruct", "open-platypus")
    return [
        _cell(WIN_RATE, *(study.noisy(d, noise) for d in sets), judge="chatgpt")
        for noise in (Noise(5), Noise(5, "gaussian"))
    ]


def _attention(study: Study) -> list[Cell]:
    three = _three(study)
    return [
        _cell(WIN_RATE, three.neft("alpaca"), judge="chatgpt"),
        _cell(WIN_RATE, three.neft("alpaca", frozen=("attention",)), judge="chatgpt"),
    ]


def _epochs(study: Study) -> list[Cell]:
    three = _three(study)
    return [
        _cell(WIN_RATE, three.neft("alpaca", epochs=epochs), judge="chatgpt") for epochs in (9, 3)
    ]


def _qlora(study: Study) -> list[Cell]:
    three = _three(study)
    return [
        _cell(WIN_RATE, runs, judge="chatgpt")
        for dataset in QLORA_DATASETS
        for runs in (
            three.noisy(dataset, Noise(5)),
            three.baseline(dataset),
            three.noisy(dataset, Noise(5), adapter="qlora", epochs=1),
            three.baseline(dataset, adapter="qlora", epochs=1),
        )
    ]


def _gain_of_gains(cells: list[Cell]) -> Estimate:
    values = [values_of(cell) for cell in cells]
    gains = [
        (values[i] - values[i + 1]) - (values[i + 2] - values[i + 3])
        for i in range(0, len(values), 4)
    ]
    return hierarchical(np.concatenate(gains, axis=1))


def _three(study: Study) -> Study:
    """The same study with the three seeds of the smaller tables."""
    return Study(study.scale, min(3, study.seeds), study.selection)


QUESTIONS = (
    _Question(
        "Conversation improves",
        "57.71 to 72.80 (Table 1)",
        "win rate gain over four sets, points",
        "rises",
        1.0,
        lambda study: _both(study, WIN_RATE),
        _difference,
    ),
    _Question(
        "Conversation improves, on Alpaca alone",
        "29.79 to 64.69 (Table 1)",
        "win rate gain, points",
        "rises",
        1.0,
        _alpaca(WIN_RATE),
        _difference,
    ),
    _Question(
        "Length alone does not explain the gain, on Alpaca alone",
        "public verdicts: +35.1 points, +2.4 at equal length (the audit)",
        "win rate gain at equal length (length-controlled), points",
        "rises",
        1.0,
        _alpaca(WIN_RATE),
        _length_controlled,
    ),
    _Question(
        "Length alone does not explain the gain",
        "Table 5: longer prompts win 48.01, NEFT 61.99",
        "win rate gain at equal length (length-controlled), points",
        "rises",
        1.0,
        lambda study: _both(study, WIN_RATE),
        _length_controlled,
    ),
    _Question(
        "Leaderboard scores stay the same",
        "Figure 3: bars alike",
        "mean score change over four tasks and four pairs, points",
        "stays",
        2.0,
        _leaderboard,
        _mean_difference,
    ),
    _Question(
        "Training loss (noise off) goes up",
        "Figure 4, left",
        "mean change over the Alpaca training set, nats per token",
        "rises",
        0.01,
        _alpaca(figure4.LOSSES["train"]),
        _difference,
    ),
    _Question(
        "Loss on another set goes down",
        "Figure 4, right",
        "mean change on Evol-Instruct, nats per token",
        "falls",
        0.01,
        _alpaca(figure4.LOSSES["other"]),
        _difference,
    ),
    _Question(
        "Answers are longer",
        "375 to 1,062 characters on Alpaca (Table 4)",
        "change of mean length over four sets, %",
        "rises",
        5.0,
        lambda study: _both(study, CHARACTERS),
        _percent_longer,
    ),
    _Question(
        "Answers are no more repetitive",
        "1.49% to 1.72% on Alpaca (Table 4)",
        "change of 2-gram repetition over four sets, points",
        "stays",
        1.0,
        _repetition,
        _mean_difference,
    ),
    _Question(
        "Answers copy training answers less (ROUGE-L)",
        "Figure 5, left",
        "change of ROUGE-L on training prompts, 0 to 1",
        "falls",
        0.01,
        _alpaca(figure5.MEASURES["ROUGE-L"], "train"),
        _difference,
    ),
    _Question(
        "Answers copy training answers less (BLEU-4)",
        "Figure 5, right",
        "change of BLEU-4 on training prompts, 0 to 1",
        "falls",
        0.01,
        _alpaca(figure5.MEASURES["BLEU-4"], "train"),
        _difference,
    ),
    _Question(
        "Uniform noise beats Gaussian noise of the same alpha",
        "62.55, 67.58, 60.99 against 60.93, 65.09, 59.13 (Table 6)",
        "win rate of Uniform 5 less that of Gaussian 5, three sets, points",
        "rises",
        1.0,
        _kinds_of_noise,
        _difference,
        also_strong=False,
    ),
    _Question(
        "Attention must train",
        "62.55 against 22.17 (Table 11)",
        "win rate of NEFT less that with attention frozen, points",
        "rises",
        1.0,
        _attention,
        _difference,
        also_strong=False,
    ),
    _Question(
        "More epochs bring no more",
        "62.55 after 3 epochs, 58.14 after 9 (Table 14)",
        "win rate of NEFT after 9 epochs less that after 3, points",
        "stays",
        2.0,
        _epochs,
        _difference,
        also_strong=False,
    ),
    _Question(
        "Gains with QLoRA are smaller",
        "+4.72, +4.16 against +14.29, +5.03 at alpha 5 (Tables 3, 6)",
        "gain of full fine-tuning less gain of QLoRA, alpha 5, two sets, points",
        "rises",
        1.0,
        _qlora,
        _gain_of_gains,
        also_strong=False,
    ),
)


def records_of_claims(study: Study) -> list[Record]:
    """The records that the claims are measured on."""
    strong = study.with_alpha(strongnoise.ALPHA)
    asked = [question.cells(study) for question in QUESTIONS]
    asked += [question.cells(strong) for question in QUESTIONS if question.also_strong]
    return [record for cells in asked for record in records_of(cells)]


def claims(study: Study) -> list[Claim]:
    """Every claim, measured; the last one needs no run."""
    measured = [_measured(question, study) for question in QUESTIONS]
    points = flips.flips_by_alpha(study)["points"]
    shares = [p["value"] for line in points.values() for p in line if p["x"] <= 15]
    flipped = Estimate(max(shares), min(shares), max(shares))
    text = "No token flips up to alpha 15"
    quantity = "largest share of flipped tokens over the base models (with the range), %"
    return [*measured, Claim(text, "0% (Figure 6)", quantity, flipped, "stays", 0.0)]


def claims_under_strong_noise(study: Study) -> list[Claim]:
    """The claims that concern the noise's effect, at an alpha that has one here."""
    strong = study.with_alpha(strongnoise.ALPHA)
    return [_measured(question, strong) for question in QUESTIONS if question.also_strong]


def _measured(question: _Question, study: Study) -> Claim:
    q = question
    return Claim(q.text, q.published, q.quantity, q.estimate(q.cells(study)), q.kind, q.margin)


def claim_rows(found: list[Claim]) -> list[list[str]]:
    """The claims as rows of text."""
    rows = [
        ["claim", "published", "measured here", "value [95% interval]", "matters from", "verdict"]
    ]
    for claim in found:
        digits = 3 if claim.margin < 0.1 and claim.margin else 2
        form = f"{{:+.{digits}f}}"
        value, low, high = (
            form.format(x) for x in (claim.estimate.value, claim.estimate.low, claim.estimate.high)
        )
        rows.append(
            [
                claim.text,
                claim.published,
                claim.quantity,
                f"{value} [{low}, {high}]",
                f"±{claim.margin:g}" if claim.kind == "stays" else f"{claim.margin:g}",
                f"**{claim.verdict}**",
            ]
        )
    return rows


def claims_data(found: list[Claim]) -> list[dict[str, Any]]:
    """The claims as JSON."""
    return [asdict(claim) | {"verdict": claim.verdict} for claim in found]
