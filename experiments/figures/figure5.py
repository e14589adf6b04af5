"""Figure 5: how close greedy answers to training prompts come to the training answers.

make figure5
"""

from experiments.cells.artifact import histogram_figure
from experiments.cells.cell import Cell, Data
from experiments.cells.copying import METRICS, SCORES
from experiments.cells.differences import change, differences, one
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.study import Study


def cells(study: Study) -> list[Cell]:
    """Both arms by both scores."""
    return [
        Cell(row, ALPACA.title, metric, (runs,), condition="train")
        for metric in METRICS.values()
        for row, runs in study.arms(ALPACA).items()
    ]


def message(data: Data) -> str:
    """How much both scores change."""
    found = differences(data, *SCORES)
    told = (f"{name} by {change(one(found, metric=name))}" for name in SCORES)
    return f"Noise changes the likeness to training answers: {' and '.join(told)}"


ARTIFACT = histogram_figure(
    "figure5",
    "Figure 5: likeness of answers to the training answers, LLaMA-2 7B on Alpaca",
    "Greedy answers (repetition penalty 1.2) to 200 training prompts against the training set's "
    "own answers: ROUGE-L by rouge-score, sentence BLEU-4 by sacrebleu. In the paper noise makes "
    "both much lower.",
    seeds=5,
    cells=cells,
    panel="metric",
    x="score of an answer with noise minus without (scores are 0 to 1)",
    message=message,
)
