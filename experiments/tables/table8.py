"""Table 8: the alpha that was chosen for each model and instruction set.

make table8
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.forest import Choices, Row, forest
from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data
from experiments.cells.pictures import titled
from experiments.published import ALPHA_GRID, TABLE_8
from experiments.roles.instruction_sets import ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS, SHAREGPT
from experiments.roles.models import MODELS
from experiments.runs.study import Study
from experiments.tables.table7 import ALPHA

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cells(study: Study) -> list[Cell]:
    """One alpha for each model and set."""
    return [
        Cell(
            MODELS[model].title,
            dataset.title,
            ALPHA,
            published=TABLE_8[model][dataset.role],
            constant=study.alpha(dataset, model),
        )
        for model in TABLE_8
        if model in study.scale.models
        for dataset in (ALPACA, EVOL_INSTRUCT, OPEN_PLATYPUS, SHAREGPT)
    ]


def message(data: Data) -> str:
    """How many choices are the paper's."""
    equal = sum(cell["value"] == cell["published"] for cell in data["cells"])
    return f"{equal} of {len(data['cells'])} alphas chosen here are those that the paper chose"


def draw(data: Data, title: str) -> Figure:
    """The choices here and in the paper, a row a set, below its model."""
    cells = data["cells"]
    rows = []
    for model in dict.fromkeys(cell["row"] for cell in cells):
        rows.append(Row(model, model, heading=True))
        rows += [Row(_key(cell), cell["column"]) for cell in cells if cell["row"] == model]
    made = {_key(cell): (cell["value"], cell["published"]) for cell in cells}
    panel = Choices("Alpha chosen", "alpha", made)
    return forest([[panel]], rows, titled(message(data), title))


def _key(cell: Any) -> str:
    return f"{cell['row']}: {cell['column']}"


ARTIFACT = table(
    "table8",
    "Table 8: the alpha chosen for each model and set",
    f"The best of {', '.join(f'{alpha:g}' for alpha in ALPHA_GRID)} on validation instructions by "
    "the judge in ChatGPT's role, "
    "or the paper's own where none was chosen anew; `selection.json` has every trial.",
    seeds=1,
    cells=cells,
    picture=draw,
)
