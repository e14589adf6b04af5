"""Table 11: which parts train, LLaMA-2 7B on Alpaca.

make table11
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, Data, also
from experiments.cells.differences import differences, span
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture
from experiments.published import TABLE_11
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study


def cells(study: Study) -> list[Cell]:
    """Each row of the paper, and one with whole blocks frozen."""
    rows = {
        "standard fine-tuning": study.baseline(ALPACA),
        "NEFT": study.neft(ALPACA),
        "NEFT, embedding frozen": study.neft(ALPACA, frozen=("embedding",)),
        "NEFT, LM head frozen": study.neft(ALPACA, frozen=("lm_head",)),
        "NEFT, attention frozen": study.neft(ALPACA, frozen=("attention",)),
        "NEFT, whole blocks frozen": study.neft(ALPACA, frozen=("blocks",)),
        "no fine-tuning": study.baseline(ALPACA, epochs=0)[:1],
    }
    found = [
        Cell(row, ALPACA.title, WIN_RATE, (runs,), TABLE_11.get(row), judge="chatgpt")
        for row, runs in rows.items()
    ]
    return also(found, CHARACTERS)


def message(data: Data) -> str:
    """How much freezing parts changes the win rate of the model with noise."""
    frozen = [each for each in differences(data) if "frozen" in each.row]
    return f"With noise, freezing parts of the model changes the win rate by {span(frozen)}"


ARTIFACT = table(
    "table11",
    "Table 11: which parts train, LLaMA-2 7B on Alpaca",
    "Output layer and embedding are untied, as in LLaMA-2. The paper's row with frozen attention "
    "blocks scores what the untuned model scores, so two readings of it are measured: the "
    "self-attention frozen, and whole blocks frozen. ChatGPT as judge in the paper.",
    seeds=3,
    cells=cells,
    against="NEFT",
    picture=Picture(
        message=message,
        metrics=(WIN_RATE.title, CHARACTERS.title),
        note="The untuned model is a single run, so it has no paired difference",
    ),
)
