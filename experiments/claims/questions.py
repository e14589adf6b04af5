"""The paper's claims as data: what was published, what is measured, which change would matter.

    measured(QUESTIONS, study)                           # at the chosen alphas
    measured(ON_NOISE, study.with_alpha(45))             # what concerns the effect of noise

To add a claim, add a `Question`: its cells are made like those of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.intervals import Estimate
from experiments.cells.cell import Cell
from experiments.cells.metrics import (
    CHARACTERS,
    LENGTH_CONTROLLED,
    WIN_RATE,
    Metric,
)
from experiments.claims.estimates import (
    difference,
    difference_of_gains,
    gain_at_equal_length,
    largest,
    mean_difference,
    percent_longer,
)
from experiments.claims.rule import Claim, Direction
from experiments.figures import figure3, figure4, figure5, figure6
from experiments.published import (
    ALPHA_GRID,
    FIGURE_6,
    TABLE_1,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLE_11,
    TABLE_14,
)
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    INSTRUCTION_SETS,
    OPEN_PLATYPUS,
)
from experiments.runs.flips import ALPHAS
from experiments.runs.selection import QLORA_SETS
from experiments.runs.study import Runs, Study
from experiments.tables import table4
from neftune.distributions import Noise

Cells = list[Cell]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A claim before it is measured.

    Args:
        text: what is claimed.
        published: the paper's numbers.
        quantity: what is measured here, with its unit.
        direction: as of `Claim`.
        margin: as of `Claim`.
        cells: what is measured for which runs.
        estimate: from these cells.
        on_noise: whether it concerns the effect of the chosen alphas, and is therefore also asked
            under strong noise.
    """

    text: str
    published: str
    quantity: str
    direction: Direction
    margin: float
    cells: Callable[[Study], Cells]
    estimate: Callable[[Cells], Estimate]
    on_noise: bool = True


def measured(questions: Sequence[Question], study: Study) -> list[Claim]:
    """Every question's claim, from records that exist."""
    return [
        Claim(q.text, q.published, q.quantity, q.estimate(q.cells(study)), q.direction, q.margin)
        for q in questions
    ]


def _pair(metric: Metric, study: Study, **how: str) -> Cells:
    """The arm with noise and the baseline, averaged over the four instruction sets."""
    sets = INSTRUCTION_SETS.values()
    return [
        _cell(metric, *(study.neft(d) for d in sets), **how),
        _cell(metric, *(study.baseline(d) for d in sets), **how),
    ]


def _cell(metric: Metric, *groups: Runs, judge: str = "gpt-4", condition: str = "test") -> Cell:
    return Cell("", "", metric, groups, judge=judge, condition=condition)


def _on_four_sets(metric: Metric) -> Callable[[Study], Cells]:
    return lambda study: _pair(metric, study)


def _on_alpaca(metric: Metric, condition: str = "test") -> Callable[[Study], Cells]:
    return lambda study: [
        _cell(metric, study.neft(ALPACA), condition=condition),
        _cell(metric, study.baseline(ALPACA), condition=condition),
    ]


def _repetition(study: Study) -> Cells:
    cells = []
    for dataset in INSTRUCTION_SETS.values():
        arms = (study.neft(dataset), study.baseline(dataset))
        metric = table4.metrics(arms)["2-gram repetition"]
        cells += [_cell(metric, runs) for runs in arms]
    return cells


def _leaderboard(study: Study) -> Cells:
    return [
        _cell(score, runs)
        for score in figure3.SCORES.values()
        for model, dataset in figure3.PAIRS
        for runs in (study.neft(dataset, model=model), study.baseline(dataset, model=model))
    ]


def _kinds_of_noise(study: Study) -> Cells:
    sets = (ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS)
    return [
        _cell(WIN_RATE, *(study.noisy(d, noise) for d in sets), judge="chatgpt")
        for noise in (Noise(5), Noise(5, "gaussian"))
    ]


def _attention(study: Study) -> Cells:
    three = study.with_seeds(3)
    return [
        _cell(WIN_RATE, three.neft(ALPACA), judge="chatgpt"),
        _cell(WIN_RATE, three.neft(ALPACA, frozen=("attention",)), judge="chatgpt"),
    ]


def _epochs(study: Study) -> Cells:
    three = study.with_seeds(3)
    return [
        _cell(WIN_RATE, three.neft(ALPACA, epochs=epochs), judge="chatgpt") for epochs in (9, 3)
    ]


def _qlora(study: Study) -> Cells:
    three = study.with_seeds(3)
    return [
        _cell(WIN_RATE, runs, judge="chatgpt")
        for dataset in QLORA_SETS
        for runs in (
            three.noisy(dataset, Noise(5)),
            three.baseline(dataset),
            three.noisy(dataset, Noise(5), adapter="qlora", epochs=1),
            three.baseline(dataset, adapter="qlora", epochs=1),
        )
    ]


def _flips(study: Study) -> Cells:
    one = study.with_seeds(1)
    return [
        _cell(figure6.flip_share(alpha), one.baseline(ALPACA, model=model, epochs=0))
        for model in study.scale.models
        for alpha in ALPHAS
        if alpha <= max(ALPHA_GRID)
    ]


def _gains(before: dict[str, float], after: dict[str, float]) -> str:
    """Published gains, one for each instruction set that was trained with QLoRA."""
    return ", ".join(f"{after[d.role] - before[d.role]:+.2f}" for d in QLORA_SETS)


def _row_of_table_3(row: str) -> dict[str, float]:
    return {role: rate for (model, role), rate in TABLE_3[row].items() if model == "llama-2-7b"}


def _row_of_table_6(row: str) -> dict[str, float]:
    return {role: rate for role, (rate, _) in TABLE_6[row].items()}


def _numbers(row: dict[str, float]) -> str:
    return ", ".join(f"{number:.2f}" for number in row.values())


_BASE, _NEFT = TABLE_1["LLaMA-2 7B"], TABLE_1["+NEFT"]
_LENGTHS = [TABLE_4[row]["characters"]["alpaca"] for row in ("LLaMA-2 7B", "+NEFT")]
_REPEATED = [TABLE_4[row]["2-gram repetition"]["alpaca"] for row in ("LLaMA-2 7B", "+NEFT")]
_LONGER_PROMPTS = (
    f"Table 5: longer prompts win {TABLE_5['Long + Comprehensive'][0]:.2f}, "
    f"NEFT {TABLE_5['NEFT'][0]:.2f}"
)
_UNIFORM, _GAUSSIAN = map(_row_of_table_6, ("+Uniform 5", "+Gaussian 5"))

QUESTIONS = (
    Question(
        text="Conversation improves",
        published=f"{_BASE['average']:.2f} to {_NEFT['average']:.2f} (Table 1)",
        quantity="win rate gain over four sets, points",
        direction="rises",
        margin=1.0,
        cells=_on_four_sets(WIN_RATE),
        estimate=difference,
    ),
    Question(
        text="Conversation improves, on Alpaca alone",
        published=f"{_BASE['alpaca']:.2f} to {_NEFT['alpaca']:.2f} (Table 1)",
        quantity="win rate gain, points",
        direction="rises",
        margin=1.0,
        cells=_on_alpaca(WIN_RATE),
        estimate=difference,
    ),
    Question(
        text="Length alone does not explain the gain, on Alpaca alone",
        published=_LONGER_PROMPTS,
        quantity="win rate gain at equal length (length-controlled), points",
        direction="rises",
        margin=1.0,
        cells=_on_alpaca(LENGTH_CONTROLLED),
        estimate=gain_at_equal_length,
    ),
    Question(
        text="Length alone does not explain the gain",
        published=_LONGER_PROMPTS,
        quantity="win rate gain over four sets at equal length (length-controlled), points",
        direction="rises",
        margin=1.0,
        cells=_on_four_sets(LENGTH_CONTROLLED),
        estimate=gain_at_equal_length,
    ),
    Question(
        text="Leaderboard scores stay the same",
        published="Figure 3: bars alike",
        quantity="mean score change over four tasks and four pairs, points",
        direction="stays",
        margin=2.0,
        cells=_leaderboard,
        estimate=mean_difference,
    ),
    Question(
        text="Training loss (noise off) goes up",
        published="Figure 4, left",
        quantity="mean change over the Alpaca training set, nats per token",
        direction="rises",
        margin=0.01,
        cells=_on_alpaca(figure4.LOSSES["train"]),
        estimate=difference,
    ),
    Question(
        text="Loss on another set goes down",
        published="Figure 4, right",
        quantity="mean change on Evol-Instruct, nats per token",
        direction="falls",
        margin=0.01,
        cells=_on_alpaca(figure4.LOSSES["other"]),
        estimate=difference,
    ),
    Question(
        text="Answers are longer",
        published=f"{_LENGTHS[0]:,.0f} to {_LENGTHS[1]:,.0f} characters on Alpaca (Table 4)",
        quantity="change of mean length over four sets, %",
        direction="rises",
        margin=5.0,
        cells=_on_four_sets(CHARACTERS),
        estimate=percent_longer,
    ),
    Question(
        text="Answers are no more repetitive",
        published=f"{_REPEATED[0]:.2f}% to {_REPEATED[1]:.2f}% on Alpaca (Table 4)",
        quantity="change of 2-gram repetition over four sets, points",
        direction="stays",
        margin=1.0,
        cells=_repetition,
        estimate=mean_difference,
    ),
    Question(
        text="Answers copy training answers less (ROUGE-L)",
        published="Figure 5, left",
        quantity="change of ROUGE-L on training prompts, 0 to 1",
        direction="falls",
        margin=0.01,
        cells=_on_alpaca(figure5.METRICS["ROUGE-L"], "train"),
        estimate=difference,
    ),
    Question(
        text="Answers copy training answers less (BLEU-4)",
        published="Figure 5, right",
        quantity="change of BLEU-4 on training prompts, 0 to 1",
        direction="falls",
        margin=0.01,
        cells=_on_alpaca(figure5.METRICS["BLEU-4"], "train"),
        estimate=difference,
    ),
    Question(
        text="Uniform noise beats Gaussian noise of the same alpha",
        published=f"{_numbers(_UNIFORM)} against {_numbers(_GAUSSIAN)} (Table 6)",
        quantity="win rate of Uniform 5 minus that of Gaussian 5, three sets, points",
        direction="rises",
        margin=1.0,
        cells=_kinds_of_noise,
        estimate=difference,
        on_noise=False,
    ),
    Question(
        text="Attention must train",
        published=f"{TABLE_11['NEFT']:.2f} against {TABLE_11['NEFT, attention frozen']:.2f} "
        "(Table 11)",
        quantity="win rate of NEFT minus that with attention frozen, points",
        direction="rises",
        margin=1.0,
        cells=_attention,
        estimate=difference,
        on_noise=False,
    ),
    Question(
        text="More epochs bring no more",
        published=f"{TABLE_14[3][1]:.2f} after 3 epochs, {TABLE_14[9][1]:.2f} after 9 (Table 14)",
        quantity="win rate of NEFT after 9 epochs minus that after 3, points",
        direction="stays",
        margin=2.0,
        cells=_epochs,
        estimate=difference,
        on_noise=False,
    ),
    Question(
        text="Gains with QLoRA are smaller",
        published=f"{_gains(*map(_row_of_table_3, ('Base', '+NEFT alpha 5')))} against "
        f"{_gains(*map(_row_of_table_6, ('LLaMA-2 7B', '+Uniform 5')))} at alpha 5 (Tables 3, 6)",
        quantity="gain of full fine-tuning minus gain of QLoRA, alpha 5, two sets, points",
        direction="rises",
        margin=1.0,
        cells=_qlora,
        estimate=difference_of_gains,
        on_noise=False,
    ),
    Question(
        text="No token flips up to alpha 15",
        published=f"{FIGURE_6} (Figure 6)",
        quantity="largest share of flipped tokens over the base models (with the range), %",
        direction="stays",
        margin=0.0,
        cells=_flips,
        estimate=largest,
        on_noise=False,
    ),
)

ON_NOISE = tuple(question for question in QUESTIONS if question.on_noise)
"""The questions on the effect of noise, which are also asked under strong noise."""
