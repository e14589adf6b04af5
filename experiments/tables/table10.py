"""Table 10: decoding strategies, LLaMA-2 7B on Evol-Instruct.

make table10
"""

from experiments.cells.artifact import table
from experiments.cells.cell import Cell, also
from experiments.cells.metrics import CHARACTERS, WIN_RATE
from experiments.cells.pictures import Picture, changes
from experiments.published import TABLE_10, TABLE_10_GPT_4
from experiments.roles.instruction_sets import EVOL_INSTRUCT
from experiments.runs.conditions import CONDITIONS
from experiments.runs.study import BASELINE, Study

STRATEGIES = {
    "greedy": "test",
    "HP 0": "hp0",
    "HP 1": "hp1",
    "WizardLM": "wizardlm",
    "LLaMA-2": "llama-2",
}
"""The condition of each strategy of `TABLE_10`."""


def _title(strategy: str) -> str:
    condition = CONDITIONS[STRATEGIES[strategy]]
    if condition.top_p is None:
        return strategy
    return f"{strategy}: top_p {condition.top_p:g}, temperature {condition.temperature:g}"


def cells(study: Study) -> list[Cell]:
    """Both arms under every strategy."""
    found = [
        Cell(
            arm,
            _title(strategy),
            WIN_RATE,
            (runs,),
            published,
            condition=condition,
            judge="chatgpt",
        )
        for strategy, condition in STRATEGIES.items()
        for (arm, runs), published in zip(
            study.arms(EVOL_INSTRUCT).items(), TABLE_10[strategy], strict=True
        )
    ]
    return also(found, CHARACTERS)


def _by_gpt_4() -> str:
    """The numbers that the paper gives in parentheses."""
    return "; ".join(
        f"{strategy} {' and '.join('–' if n is None else f'{n:.2f}' for n in numbers)}"
        for strategy, numbers in TABLE_10_GPT_4.items()
    )


ARTIFACT = table(
    "table10",
    "Table 10: decoding strategies, LLaMA-2 7B on Evol-Instruct",
    "Repetition penalty 1.2 throughout; sampling is seeded. ChatGPT as judge in the paper, which "
    f"also gives numbers by GPT-4, without and with noise: {_by_gpt_4()}.",
    seeds=3,
    cells=cells,
    against=BASELINE,
    picture=Picture(
        message=changes("Under five decoding strategies, noise changes the win rate"),
        metrics=(WIN_RATE.title, CHARACTERS.title),
        row=lambda each: each.column.replace(": ", ":\n"),
    ),
)
