"""Figure 3: scores on the Open LLM Leaderboard's tasks, with and without noise.

make figure3
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.cells.metrics import leaderboard_score
from experiments.cells.pictures import Picture, changes
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS
from experiments.runs.study import BASELINE, Study

PAIRS = (
    ("llama-2-7b", ALPACA),
    ("llama-2-7b", OPEN_PLATYPUS),
    ("llama-2-7b", EVOL_INSTRUCT),
    ("llama-1-7b", EVOL_INSTRUCT),
)
TASKS = {"arc": "ARC", "hellaswag": "HellaSwag", "mmlu": "MMLU", "truthfulqa": "TruthfulQA"}
SCORES = {task: leaderboard_score(task, "score, %") for task in TASKS}


def cells(study: Study) -> list[Cell]:
    """Both arms of each pair on each task."""
    return [
        Cell(
            row,
            f"{study.scale.model_title(model)} / {dataset.title} / {title}",
            SCORES[task],
            (runs,),
        )
        for model, dataset in PAIRS
        for task, title in TASKS.items()
        for row, runs in study.arms(dataset, model=model).items()
    ]


ARTIFACT = table(
    "figure3",
    "Figure 3: leaderboard tasks with and without noise",
    "Scores on the tasks of the 2023 Open LLM Leaderboard. In the paper they do not change.",
    seeds=5,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=changes("Noise changes scores on four tasks"),
        row=lambda each: each.column.rpartition(" / ")[0].replace(" / ", "\n"),
        panel=lambda each: each.column.rpartition(" / ")[2],
        note="The paper gives this figure as bars without numbers: scores do not change",
    ),
)
