"""The human study's counterpart: two models' answers head to head, in random order.

make human
"""

import json
import random

from matplotlib.figure import Figure
from statsmodels.stats.proportion import proportion_confint

from analysis.plots import compare_with_paper
from experiments.artifact import Artifact, Data, Record
from experiments.jobs import outputs_file
from experiments.run import Run
from experiments.study import Study

PAIRS = 140
PUBLISHED = {"wins": 88, "draws": 22, "losses": 30, "win score": 74.6}


def _arms(study: Study) -> tuple[Run, Run]:
    return study.baseline("alpaca")[0], study.neft("alpaca")[0]


def needs(study: Study) -> list[Record]:
    """The responses of both models."""
    return [(run, outputs_file(run.folder, "test")) for run in _arms(study)]


def data(study: Study) -> Data:
    """Count wins, draws and losses of the model with noise over the one without."""
    from experiments.judging import judged

    base, neft = (json.loads(outputs_file(r.folder, "test").read_text()) for r in _arms(study))
    rng = random.Random("human study")
    drawn = rng.sample(range(len(base)), PAIRS)
    first = {number for number in drawn if rng.random() < 0.5}
    judge = study.scale.judges["gpt-4"]
    counts = {"wins": 0, "draws": 0, "losses": 0}
    for swapped in (False, True):
        numbers = [number for number in drawn if (number in first) == swapped]
        shown = (neft, base) if swapped else (base, neft)
        one, two = ([answers[number] for number in numbers] for answers in shown)
        for row in judged(two, one, judge)[0]:
            preferred = row["preference"]
            if preferred == 1.5:
                counts["draws"] += 1
            else:
                counts["losses" if (preferred == 2) == swapped else "wins"] += 1
    decided = counts["wins"] + counts["losses"]
    low, high = proportion_confint(counts["wins"], decided, method="wilson")
    score = 100 * counts["wins"] / decided
    return {
        **counts,
        "win score": {"value": score, "low": 100 * float(low), "high": 100 * float(high)},
    }


def rows(found: Data) -> list[list[str]]:
    """Published and measured counts."""
    score = found["win score"]
    return [
        ["of 140 pairs", "paper (people)", "here (judge in GPT-4's role)"],
        *([name, str(PUBLISHED[name]), str(found[name])] for name in ("wins", "draws", "losses")),
        [
            "win score, % [95% binomial interval]",
            "74.6",
            f"{score['value']:.1f} [{score['low']:.1f}, {score['high']:.1f}]",
        ],
    ]


def draw(found: Data, title: str) -> Figure:
    """One bar beside the published one."""
    cell = {"row": "+NEFT", "column": "against baseline", "published": PUBLISHED["win score"]}
    return compare_with_paper([{**cell, **found["win score"]}], title, "win score, %")


FIGURE = Artifact(
    "human",
    "The human study's counterpart: NEFT against the baseline, LLaMA-2 7B on Alpaca",
    "140 instructions, both models' answers side by side in random order. Win score: wins / "
    "(pairs - draws), the paper's formula, with Wilson's interval. In the paper GPT-4 gave 92.80 "
    "on the same pairs.",
    seeds=1,
    needs=needs,
    data=data,
    rows=rows,
    draw=draw,
)
