"""Table 1: AlpacaEval win rate with and without noise, LLaMA-2 7B on four instruction sets.

make table1            make table1 SEEDS=1
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.differences import change, differences, one
from experiments.cells.metrics import (
    BY_JUDGE,
    CHARACTERS,
    DRAWS,
    LENGTH_CONTROLLED,
    OTHER_LOSS,
    TRAIN_LOSS,
    WIN_RATE,
)
from experiments.cells.pictures import Picture
from experiments.published import TABLE_1
from experiments.runs.study import BASELINE, NEFT, Study

PUBLISHED = {BASELINE: TABLE_1["LLaMA-2 7B"], NEFT: TABLE_1["+NEFT"]}
AVERAGE = "Average"
NUMBERS = {3: "three", 4: "four"}


def cells(study: Study) -> list[Cell]:
    """Both arms on each set and on average; below the win rates, what else differs."""
    runs = {dataset.role: study.arms(dataset) for dataset in study.scale.sets}
    found = []
    metrics = [(WIN_RATE, "gpt-4"), (LENGTH_CONTROLLED, "gpt-4")]
    if study.scale.has_judge("oracle"):
        metrics.append((BY_JUDGE["oracle"], "oracle"))
    metrics += [(each, "gpt-4") for each in (CHARACTERS, DRAWS, TRAIN_LOSS, OTHER_LOSS)]
    for metric, judge in metrics:
        for arm in (BASELINE, NEFT):
            published = PUBLISHED[arm] if metric is WIN_RATE else {}
            for dataset in study.scale.sets:
                role, group = dataset.role, (runs[dataset.role][arm],)
                found.append(
                    Cell(arm, dataset.title, metric, group, published.get(role), judge=judge)
                )
            if metric is not LENGTH_CONTROLLED:
                every = tuple(arms[arm] for arms in runs.values())
                average = published.get("average") if len(every) == len(published) - 1 else None
                found.append(Cell(arm, AVERAGE, metric, every, average, judge=judge))
    return found


def message(data: Data) -> str:
    """How much the average win rate changes."""
    average = change(one(differences(data), column=AVERAGE))
    sets = len({cell["column"] for cell in data["cells"]} - {AVERAGE})
    said = f"Noise changes the win rate by {average} on average over {NUMBERS[sets]} sets"
    by_oracle = differences(data, BY_JUDGE["oracle"].title)
    return (
        f"{said}, by the oracle by {change(one(by_oracle, column=AVERAGE))}" if by_oracle else said
    )


ARTIFACT = table(
    "table1",
    "Table 1: win rate with and without noise, LLaMA-2 7B",
    "AlpacaEval win rate against the reference answers, GPT-4 as judge in the paper.",
    seeds=5,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=message,
        metrics=(
            WIN_RATE.title,
            LENGTH_CONTROLLED.title,
            BY_JUDGE["oracle"].title,
            CHARACTERS.title,
        ),
    ),
)
