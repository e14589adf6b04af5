"""Figure 3 asked of real models: benchmarks before and after fine-tuning, with and without noise.

make benchmarks SCALE=small
"""

from dataclasses import replace

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import differences, span
from experiments.cells.metrics import leaderboard_score
from experiments.cells.pictures import Picture
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.real_models import (
    NO_NOISE,
    NOT_TUNED,
    REAL_MODELS,
    not_tuned,
    paper_noises,
)
from experiments.runs.study import Study

TASKS = {
    "arc_easy": "ARC-Easy",
    "arc": "ARC-Challenge",
    "mmlu": "MMLU",
    "truthfulqa": "TruthfulQA",
}
SCORES = {task: leaderboard_score(task, "score, %") for task in TASKS}


def cells(study: Study) -> list[Cell]:
    """Both models on each task: not tuned, without noise and with each of the paper's alphas."""
    found = []
    for model in REAL_MODELS:
        rows = {NOT_TUNED: not_tuned(study, model)} | {
            title: study.noisy(ALPACA, noise, model=model)
            for title, noise in paper_noises().items()
        }
        found += [
            Cell(row, f"{study.scale.short_title(model)} / {title}", SCORES[task], (runs,))
            for task, title in TASKS.items()
            for row, runs in rows.items()
        ]
    return found


def message(data: Data) -> str:
    """By how much noise changes the scores."""
    noisy = [each for each in differences(data) if each.row != NOT_TUNED]
    return f"Noise changes the scores of real models by {span(noisy)}"


ARTIFACT = replace(
    table(
        "benchmarks",
        "Figure 3 of real models: benchmarks with and without noise",
        "Scores on questions of ARC, MMLU and TruthfulQA by lm-eval, without examples before a "
        "question. Of four answers guessing scores 25, which is where models of this size are on "
        "ARC-Challenge and MMLU. In the paper's Figure 3 noise does not change scores.",
        seeds=1,
        cells=cells,
        against=NO_NOISE,
        picture=Picture(
            message=message,
            row=lambda each: each.row,
            heading=lambda each: each.column.partition(" / ")[0],
            panel=lambda each: each.column.rpartition(" / ")[2],
        ),
    ),
    only="small",
)
