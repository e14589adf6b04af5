"""Figure 3: scores on the Open LLM Leaderboard's tasks, with and without noise.

make figure3
"""

from experiments.measures import leaderboard_score
from experiments.study import Study
from experiments.tabulate import Cell, tabulate

PAIRS = {
    "LLaMA-2 7B / Alpaca": ("llama-2-7b", "alpaca"),
    "LLaMA-2 7B / OpenPlatypus": ("llama-2-7b", "open-platypus"),
    "LLaMA-2 7B / Evol": ("llama-2-7b", "evol-instruct"),
    "LLaMA-1 7B / Evol": ("llama-1-7b", "evol-instruct"),
}
TASKS = {"arc": "ARC", "hellaswag": "HellaSwag", "mmlu": "MMLU", "truthfulqa": "TruthfulQA"}


def cells(study: Study) -> list[Cell]:
    """Both arms of each pair on each task, then on the mean of the tasks."""
    return [
        Cell(row, f"{pair} / {title}", SCORES[task], (runs,))
        for pair, (model, dataset) in PAIRS.items()
        for task, title in TASKS.items()
        for row, runs in study.arms(dataset, model=model).items()
    ]


SCORES = {task: leaderboard_score(task, "score, %") for task in TASKS}

FIGURE = tabulate(
    "figure3",
    "Figure 3: leaderboard tasks with and without noise",
    "The laboratory's counterparts of ARC (25 shots, acc_norm), HellaSwag (10, acc_norm), MMLU (5, "
    "acc, unweighted mean of eight subjects) and TruthfulQA (0, mc2), through lm-eval.",
    seeds=5,
    cells=cells,
    against="baseline",
)
