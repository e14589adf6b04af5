"""A real model on other sets than Alpaca: the counterpart of Table 1 with losses and lengths.

make sets SCALE=small
"""

from dataclasses import replace

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    LENGTH_CONTROLLED,
    WIN_RATE,
)
from experiments.cells.pictures import Picture, changes
from experiments.runs.real_models import BASE, OTHER_SETS
from experiments.runs.study import BASELINE, NEFT, Study
from experiments.scales.small import ROWS_OF_EVOL_INSTRUCT
from experiments.tables.real import GPT_4_WIN_RATE

METRICS = (
    WIN_RATE,
    GPT_4_WIN_RATE,
    LENGTH_CONTROLLED,
    CHARACTERS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    FAR_LOSS,
)


def cells(study: Study) -> list[Cell]:
    """Both arms by every metric, a column a set.

    The base model alone is tuned on the other sets. At the alphas that the paper has for them, the
    chat model's dose is below 0.03 nats a token, where hardly anything changes on Alpaca.
    """
    model = study.scale.short_title(BASE)
    return [
        Cell(arm, f"{dataset.title} / {model}", metric, (runs,))
        for metric in METRICS
        for dataset in OTHER_SETS
        for arm, runs in study.arms(dataset, model=BASE).items()
    ]


ARTIFACT = replace(
    table(
        "sets",
        "A real model on other sets than Alpaca, with and without noise",
        "Fine-tuning on real rows, with the learning rate that was chosen on Alpaca and the "
        f"paper's alphas for the sets. {ROWS_OF_EVOL_INSTRUCT}, not from all 70,000. Win rates "
        "are against text-davinci-003, by a judge that is fitted to GPT-4's public verdicts "
        "(docs/public-judge.md); the second row of them has intervals that cover its error about "
        "GPT-4.",
        seeds=1,
        cells=cells,
        against=BASELINE,
        picture=Picture(
            message=changes("Noise changes the win rate of a real model", row=NEFT),
            metrics=tuple(metric.title for metric in METRICS if metric is not GPT_4_WIN_RATE),
            columns=3,
            heading=lambda each: each.column.partition(" / ")[0],
            row=lambda each: each.column.partition(" / ")[2],
        ),
    ),
    only="small",
)
