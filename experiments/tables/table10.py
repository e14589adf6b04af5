"""Table 10: decoding strategies, LLaMA-2 7B on Evol-Instruct.

make table10
"""

from experiments.measures import CHARACTERS, WIN_RATE
from experiments.study import Study
from experiments.tabulate import Cell, also, tabulate

STRATEGIES = {
    "greedy": ("test", 62.55, 67.58),
    "top_p 0.1, temperature 0.1": ("hp0", 63.11, 66.83),
    "top_p 0.35, temperature 0.5": ("hp1", 62.48, 66.71),
    "top_p 0.6, temperature 0.9 (WizardLM)": ("wizardlm", 62.05, 66.96),
    "top_p 0.9, temperature 0.6 (LLaMA-2)": ("llama-2", 63.73, 65.47),
}


def cells(study: Study) -> list[Cell]:
    """Both arms under every strategy."""
    arms = {
        "LLaMA-2 7B": study.baseline("evol-instruct"),
        "+NEFT": study.neft("evol-instruct"),
    }
    found = [
        Cell(row, strategy, WIN_RATE, (runs,), told, condition=condition, judge="chatgpt")
        for strategy, (condition, *published) in STRATEGIES.items()
        for (row, runs), told in zip(arms.items(), published, strict=True)
    ]
    return also(found, CHARACTERS)


TABLE = tabulate(
    "table10",
    "Table 10: decoding strategies, LLaMA-2 7B on Evol-Instruct",
    "Repetition penalty 1.2 throughout; sampling is seeded. Judge in ChatGPT's role.",
    seeds=3,
    cells=cells,
    against="LLaMA-2 7B",
)
