"""Table 5: does asking for longer answers do the same? LLaMA-1 7B on Alpaca.

make table5
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences, one, span
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture
from experiments.published import TABLE_5
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.conditions import MATCHED_LENGTH
from experiments.runs.study import BASELINE, NEFT, Study

MODEL = "llama-1-7b"
PUBLISHED = TABLE_5 | {NEFT: TABLE_5["NEFT"], BASELINE: TABLE_5["Alpaca-7B"]}


def cells(study: Study) -> list[Cell]:
    """The model with noise, and the one without in five ways."""
    base, neft = study.baseline(ALPACA, model=MODEL), study.neft(ALPACA, model=MODEL)
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
            ALPACA.title,
            metric,
            (runs,),
            PUBLISHED[row][place],
            condition=condition,
            others=neft if condition == MATCHED_LENGTH else (),
        )
        for place, metric in enumerate((WIN_RATE, CHARACTERS))
        for row, (runs, condition) in asked.items()
    ]


def message(data: Data) -> str:
    """How much the win rate changes with noise, and with each way to get longer answers."""
    found = differences(data)
    longer = [each for each in found if each.row != NEFT]
    return (
        f"Noise changes the win rate by {change(one(found, row=NEFT))}; without noise, longer "
        f"answers change it by {span(longer)}"
    )


ARTIFACT = table(
    "table5",
    "Table 5: longer prompts and a minimum length, LLaMA-1 7B on Alpaca",
    "The prompts are added to each instruction (the judge does not see them). The minimum of new "
    "tokens is the mean length of the answers of the NEFT model with the same seed. GPT-4 as judge "
    "in the paper.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(message=message, metrics=(WIN_RATE.title, CHARACTERS.title)),
)
