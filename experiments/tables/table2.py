"""Table 2: further models, fine-tuned on Evol-Instruct.

make table2
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, also
from experiments.cells.differences import Difference
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.published import TABLE_2
from experiments.roles.instruction_sets import EVOL_INSTRUCT, SHAREGPT
from experiments.roles.models import MODELS
from experiments.runs.study import BASELINE, NEFT, Study

PUBLISHED = {BASELINE: TABLE_2["Evol-Instruct"], NEFT: TABLE_2["+NEFT"]}
CHAT = "llama-2-chat-7b"
BEFORE = "before fine-tuning"


def models(study: Study) -> list[str]:
    """The roles of the table's columns, as far as the scale has them."""
    return [role for role in TABLE_2["+NEFT"] if role in study.scale.models]


def cells(study: Study) -> list[Cell]:
    """Both arms for each model, and the chat model before fine-tuning."""
    found = [
        Cell(
            arm,
            study.scale.model_title(model),
            WIN_RATE,
            (runs,),
            PUBLISHED[arm][model],
            published_column=MODELS[model].title,
        )
        for model in models(study)
        for arm, runs in study.arms(EVOL_INSTRUCT, model=model).items()
    ]
    # In its own prompt format, which is that of ShareGPT.
    untuned = study.baseline(SHAREGPT, model=CHAT, epochs=0)[:1]
    title = study.scale.model_title(CHAT)
    published = TABLE_2[BEFORE][CHAT]
    found.append(
        Cell(BEFORE, title, WIN_RATE, (untuned,), published, published_column=MODELS[CHAT].title)
    )
    return also(found, CHARACTERS)


def label(difference: Difference) -> str:
    """The model's name, on two lines where its size stands beside it."""
    name = difference.column.replace(" (", "\n(")
    return name if difference.row == NEFT else f"{name},\n{difference.row}"


PICTURE = Picture(
    message=changes("Noise changes the win rates of further models", row=NEFT),
    metrics=(WIN_RATE.title, CHARACTERS.title),
    only=(NEFT,),
    row=label,
)
ARTIFACT = table(
    "table2",
    "Table 2: further models on Evol-Instruct",
    "AlpacaEval win rate against the reference answers, GPT-4 as judge in the paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=PICTURE,
)
