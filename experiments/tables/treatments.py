"""Real models on Alpaca at equal doses, and Gaussian noise beside uniform noise.

make treatments SCALE=small
"""

from dataclasses import replace

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences
from experiments.cells.metrics import (
    CHARACTERS,
    FAR_LOSS,
    FITTED_LOSS,
    HELD_OUT_LOSS,
    WIN_RATE,
)
from experiments.cells.pictures import Picture
from experiments.runs.real_models import EQUAL_DOSE, NO_NOISE, REAL_MODELS, treatments
from experiments.runs.study import Study

METRICS = (WIN_RATE, CHARACTERS, FITTED_LOSS, HELD_OUT_LOSS, FAR_LOSS)


def cells(study: Study) -> list[Cell]:
    """Every noise by every metric, a column a model."""
    by_model = {model: treatments(study, model) for model in REAL_MODELS}
    return [
        Cell(row, study.scale.short_title(model), metric, (runs,))
        for metric in METRICS
        for model, rows in by_model.items()
        for row, runs in rows.items()
    ]


def message(data: Data) -> str:
    """How each model's length changes at the dose that the other one has at alpha 5."""
    rows = {f"alpha {alpha:g}" for alpha in EQUAL_DOSE.values()}
    found = [each for each in differences(data, CHARACTERS.title) if each.row in rows]
    told = (f"{each.column}'s answers by {change(each)} at {each.row}" for each in found)
    return (
        "The dose that the other model has at alpha 5 changes the length of "
        f"{' and of '.join(told)}"
    )


ARTIFACT = replace(
    table(
        "treatments",
        "Real models on Alpaca: equal doses, and Gaussian noise",
        "One alpha is another treatment for each model (results/dose/dose.md). Beside the paper's "
        "alphas there is the one that gives a model the dose which the other one has at alpha 5, "
        "measured before any training, and Gaussian noise of the variance of uniform noise.",
        seeds=1,
        cells=cells,
        against=NO_NOISE,
        picture=Picture(
            message=message,
            metrics=tuple(metric.title for metric in METRICS),
            heading=lambda each: each.column,
            row=lambda each: each.row,
        ),
    ),
    only="small",
)
