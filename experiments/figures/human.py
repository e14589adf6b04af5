"""The human study's counterpart: two models' answers head to head, in random order.

The raters are judges, in the laboratory those of docs/judges.md; no person is asked. `make study`
makes the page on which people can be (docs/blind-study.md).

make human
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.intervals import binomial_share
from analysis.plots import shares
from experiments.cells.artifact import Artifact, Cells
from experiments.cells.cell import Cell, Data, values_of
from experiments.cells.metrics import Metric
from experiments.cells.pictures import titled
from experiments.published import HUMAN_STUDY, HUMAN_STUDY_GPT_4
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.record import Numbers, Record
from experiments.runs.study import BASELINE, NEFT, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNTS = ("wins", "draws", "losses")
SEGMENTS = ("with noise wins", "draw", "without noise wins")


def _outcomes(record: Record) -> Numbers:
    """For each pair 1 where the record's run won, 0 where the other one did, 0.5 for a draw."""
    outcomes = []
    for row in record.read():
        share = row["preference"] - 1
        outcomes.append(share if row["generator_2"] == record.run.key else 1 - share)
    return np.array(outcomes, float)


OUTCOME = Metric("win", ("head_to_head",), _outcomes)


def cells(study: Study) -> list[Cell]:
    """The model with noise against the one without, both of seed 0."""
    neft, base = study.neft(ALPACA)[:1], study.baseline(ALPACA)[:1]
    return [Cell(NEFT, f"against {BASELINE}", OUTCOME, (neft,), others=base)]


def data(asked: Cells) -> Data:
    """Wins, draws and losses of the model with noise, and the paper's win score."""
    outcomes = values_of(asked[0])[0]
    wins, losses = int((outcomes == 1).sum()), int((outcomes == 0).sum())
    score = binomial_share(wins, wins + losses)
    return {
        "pairs": len(outcomes),
        "wins": wins,
        "draws": int((outcomes == 0.5).sum()),
        "losses": losses,
        "win score": {k: 100 * v for k, v in vars(score).items()},
    }


def rows(found: Data) -> list[list[str]]:
    """Published and measured counts."""
    score = found["win score"]
    return [
        [f"of {found['pairs']} pairs", "paper (people)", "here (a judge)"],
        *([name, str(HUMAN_STUDY[name]), str(found[name])] for name in COUNTS),
        [
            "win score, % [95% binomial interval]",
            f"{HUMAN_STUDY['win score']:.1f}",
            f"{score['value']:.1f} [{score['low']:.1f}, {score['high']:.1f}]",
        ],
    ]


def message(found: Data) -> str:
    """How often each of the two wins, and the win score."""
    return (
        f"The answer of the model with noise wins in {found['wins']} of {found['pairs']} pairs and "
        f"loses in {found['losses']}: a win score of {_score_text(found)}"
    )


def _score_text(found: Data) -> str:
    score = found["win score"]
    if score["value"] != score["value"]:
        return "nothing, since all are draws"
    return f"{score['value']:.0f}% [{score['low']:.0f}, {score['high']:.0f}]"


def draw(found: Data, title: str) -> Figure:
    """The shares of wins, draws and losses, above those of the people."""
    raters = {
        f"Here, by a judge\nwin score {_score_text(found)}": found,
        f"Published, by people\nwin score {HUMAN_STUDY['win score']:.0f}%": HUMAN_STUDY,
    }
    bars = {
        rater: dict(zip(SEGMENTS, (counts[name] for name in COUNTS), strict=True))
        for rater, counts in raters.items()
    }
    return shares(bars, titled(message(found), title), "share of pairs, %")


ARTIFACT = Artifact(
    "human",
    "The human study's counterpart: NEFT against the baseline, LLaMA-2 7B on Alpaca",
    f"{HUMAN_STUDY['pairs']} instructions, both models' answers side by side in random order. Win "
    "score: wins / (pairs - draws), the paper's formula, with Wilson's interval; draws do not "
    "enter it, so read the counts first. GPT-4 as judge in the paper, where it gave "
    f"{HUMAN_STUDY_GPT_4:.2f} on the pairs that people judged.",
    seeds=1,
    cells=cells,
    data=data,
    rows=rows,
    draw=draw,
)
