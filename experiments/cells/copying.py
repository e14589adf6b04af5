"""How close answers to training prompts come to the training answers: ROUGE-L and BLEU-4.

METRICS["ROUGE-L"].values(Record(run, "responses", "train"))    # one number a prompt, 0 to 1
"""

import numpy as np

from analysis.overfitting import bleu_4, rouge_l
from experiments.cells.metrics import Metric, texts
from experiments.runs.record import Numbers, Record

SCORES = {"ROUGE-L": rouge_l, "BLEU-4": bleu_4}


def _metric(name: str) -> Metric:
    def values(record: Record) -> Numbers:
        given, run = texts(record), record.run
        rows = run.scale.rows(run.dataset, "train")[: len(given)]
        return np.array(SCORES[name](given, [str(row["output"]) for row in rows]))

    return Metric(name, ("responses",), values, 3)


METRICS = {name: _metric(name) for name in SCORES}
