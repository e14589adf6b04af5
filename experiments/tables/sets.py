"""Real models on the other sets: the counterparts of Tables 1 and 2 on Evol-Instruct and ShareGPT.

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
from experiments.roles.instruction_sets import InstructionSet
from experiments.runs.real_models import OTHER_SETS, REAL_MODELS
from experiments.runs.study import BASELINE, NEFT, Runs, Study
from experiments.tables.real import GPT_4_WIN_RATE
from neftune.distributions import Noise

METRICS = (
    WIN_RATE,
    GPT_4_WIN_RATE,
    LENGTH_CONTROLLED,
    CHARACTERS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    FAR_LOSS,
)


def arms_on(study: Study, model: str, dataset: InstructionSet) -> dict[str, Runs]:
    """Both arms of a model; both models have the alpha that LLaMA-2 7B has for the set."""
    noise = Noise(study.alpha(dataset))
    return {
        BASELINE: study.baseline(dataset, model=model),
        NEFT: study.noisy(dataset, noise, model=model),
    }


def cells(study: Study) -> list[Cell]:
    """Both arms by every metric, a column a set and model."""
    return [
        Cell(arm, f"{dataset.title} / {study.scale.short_title(model)}", metric, (runs,))
        for metric in METRICS
        for model in REAL_MODELS
        for dataset in OTHER_SETS
        for arm, runs in arms_on(study, model, dataset).items()
    ]


ARTIFACT = replace(
    table(
        "sets",
        "Real models on Evol-Instruct and ShareGPT, with and without noise",
        "Fine-tuning on real rows, with the learning rates that were chosen on Alpaca and the "
        "paper's alphas for these sets. Win rates are against text-davinci-003, by a judge that is "
        "fitted to GPT-4's public verdicts (docs/public-judge.md); the second row of them has "
        "intervals that cover its error about GPT-4.",
        seeds=1,
        cells=cells,
        against=BASELINE,
        picture=Picture(
            message=changes("Noise changes the win rates of real models", row=NEFT),
            metrics=tuple(metric.title for metric in METRICS if metric is not GPT_4_WIN_RATE),
            columns=3,
            heading=lambda each: each.column.partition(" / ")[0],
            row=lambda each: each.column.partition(" / ")[2],
        ),
    ),
    only="small",
)
