"""Figure 2: three models of about 7B parameters on four instruction sets, with and without noise.

make figure2
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.cells.metrics import WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.models import SEVEN_B
from experiments.runs.study import BASELINE, Study


def cells(study: Study) -> list[Cell]:
    """Both arms for each model and set; the paper gives no numbers for this figure."""
    return [
        Cell(
            row,
            f"{study.scale.model_title(model)} / {dataset.title}",
            WIN_RATE,
            (runs,),
            judge="chatgpt",
        )
        for model in reversed(SEVEN_B)
        if model in study.scale.models
        for dataset in INSTRUCTION_SETS.values()
        for row, runs in study.arms(dataset, model=model).items()
    ]


ARTIFACT = table(
    "figure2",
    "Figure 2: three base models on four sets",
    "AlpacaEval win rate, ChatGPT as judge in the paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=changes("In three models on four sets, noise changes the win rate"),
        row=lambda each: each.column.partition(" / ")[2],
        panel=lambda each: each.column.partition(" / ")[0],
        note="The paper gives this figure as bars without numbers",
    ),
)
