"""Table 3: QLoRA, one epoch.

make table3
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell
from experiments.cells.metrics import WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.published import TABLE_3
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.models import MODELS
from experiments.runs.study import Study
from neftune.distributions import Noise

ALPHAS = {"Base": 0, "+NEFT alpha 5": 5, "+NEFT alpha 10": 10, "+NEFT alpha 15": 15}


def cells(study: Study) -> list[Cell]:
    """Every alpha for every model and set."""
    return [
        Cell(
            row,
            f"{study.scale.model_title(model)} / {INSTRUCTION_SETS[role].title}",
            WIN_RATE,
            (
                study.noisy(
                    INSTRUCTION_SETS[role], Noise(alpha), model=model, adapter="qlora", epochs=1
                ),
            ),
            TABLE_3[row][model, role],
            judge="chatgpt",
            published_column=f"{MODELS[model].title} / {INSTRUCTION_SETS[role].title}",
        )
        for model, role in TABLE_3["Base"]
        if model in study.scale.models
        for row, alpha in ALPHAS.items()
    ]


ARTIFACT = table(
    "table3",
    "Table 3: QLoRA",
    "NF4 weights (bitsandbytes) and an adapter on every linear layer (peft), one epoch. Win rate, "
    "ChatGPT as judge in the paper.",
    seeds=3,
    cells=cells,
    against="Base",
    picture=Picture(
        message=changes("With QLoRA, noise changes the win rate"),
        row=lambda each: each.column.replace(" / ", "\n"),
        series=lambda each: each.row,
    ),
)
