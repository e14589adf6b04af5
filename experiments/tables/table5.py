"""Table 5: does asking for longer answers do the same? On Alpaca.

make table5
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences, one, span
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture
from experiments.published import TABLE_5
from experiments.roles.instruction_sets import ALPACA
from experiments.roles.models import MODELS
from experiments.runs.conditions import MATCHED_LENGTH
from experiments.runs.study import BASELINE, NEFT, Study

PUBLISHED_MODEL = "llama-1-7b"
MODELS_ASKED = (PUBLISHED_MODEL, "llama-2-7b")
"""The paper's, and one more: a stand-in may not heed the words once it is tuned."""
PUBLISHED = TABLE_5 | {NEFT: TABLE_5["NEFT"], BASELINE: TABLE_5["Alpaca-7B"]}


def cells(study: Study) -> list[Cell]:
    """For each model, the one with noise, and the one without in five ways."""
    return [cell for model in MODELS_ASKED for cell in _of_model(study, model)]


def _of_model(study: Study, model: str) -> list[Cell]:
    base, neft = study.baseline(ALPACA, model=model), study.neft(ALPACA, model=model)
    asked = {
        NEFT: (neft, "test"),
        "Long + Comprehensive": (base, "long-comprehensive"),
        "Long": (base, "long"),
        "Comprehensive": (base, "comprehensive"),
        "Min new tokens": (base, MATCHED_LENGTH),
        BASELINE: (base, "test"),
    }
    return [
        Cell(
            row,
            study.scale.model_title(model),
            metric,
            (runs,),
            PUBLISHED[row][place] if model == PUBLISHED_MODEL else None,
            condition=condition,
            others=neft if condition == MATCHED_LENGTH else (),
            published_column=MODELS[model].title,
        )
        for place, metric in enumerate((WIN_RATE, CHARACTERS))
        for row, (runs, condition) in asked.items()
    ]


def message(data: Data) -> str:
    """How much the win rate changes with noise, and with each way to get longer answers."""
    parts = []
    for column in dict.fromkeys(cell["column"] for cell in data["cells"]):
        found = [each for each in differences(data) if each.column == column]
        longer = [each for each in found if each.row != NEFT]
        parts.append(
            f"of {column} by {change(one(found, row=NEFT))}, longer answers without noise by "
            f"{span(longer)}"
        )
    return f"Noise changes the win rate {'; '.join(parts)}"


ARTIFACT = table(
    "table5",
    "Table 5: longer prompts and a minimum length, on Alpaca",
    "The prompts are added to each instruction (the judge does not see them). The minimum of new "
    "tokens is the mean length of the answers of the NEFT model with the same seed. The paper has "
    "LLaMA-1 7B, and GPT-4 as judge.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=message,
        metrics=(WIN_RATE.title, CHARACTERS.title),
        row=lambda each: each.row,
        heading=lambda each: each.column,
    ),
)
