"""Figure 5: how close greedy answers to training prompts come to the training answers.

make figure5
"""

import numpy as np

from analysis.overfitting import bleu_4, rouge_l
from experiments.jobs import outputs_file
from experiments.measures import Measure
from experiments.records import Numbers, responses
from experiments.run import Run
from experiments.study import Study
from experiments.tabulate import Cell, histogram_figure

SCORES = {"ROUGE-L": rouge_l, "BLEU-4": bleu_4}


def _measure(name: str) -> Measure:
    def values(run: Run, condition: str, judge: str) -> Numbers:
        given = responses(run, condition)
        rows = run.at.rows(run.dataset, "train")[: len(given)]
        return np.array(SCORES[name](given, [str(row["output"]) for row in rows]))

    return Measure(name, lambda run, c, j: outputs_file(run.folder, c), values, 3)


MEASURES = {name: _measure(name) for name in SCORES}


def cells(study: Study) -> list[Cell]:
    """Both arms by both scores."""
    return [
        Cell(row, "Alpaca", measure, (runs,), condition="train")
        for measure in MEASURES.values()
        for row, runs in study.arms("alpaca").items()
    ]


FIGURE = histogram_figure(
    "figure5",
    "Figure 5: likeness of answers to the training answers, LLaMA-2 7B on Alpaca",
    "Greedy answers (repetition penalty 1.2) to 200 training prompts against the training set's "
    "own answers: ROUGE-L by rouge-score, sentence BLEU-4 by sacrebleu. In the paper noise makes "
    "both much lower.",
    seeds=5,
    cells=cells,
    panel=lambda cell: cell.measure.title,
    x="score of a response, 0 to 1",
)
