"""How closely answers follow the training answers: ROUGE-L and BLEU-4 (the paper's Figure 5).

rouge_l(["Its fur is brown."], ["Its fur is grey."])         # F-measure of each pair, 0 to 1
bleu_4(["Its fur is brown."], ["Its fur is grey."])          # sentence BLEU of each pair, 0 to 1
"""

from __future__ import annotations

from collections.abc import Sequence

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU


def rouge_l(responses: Sequence[str], references: Sequence[str]) -> list[float]:
    """ROUGE-L F-measure of each response against its reference, by rouge-score (no stemming)."""
    scorer = RougeScorer(["rougeL"])
    return [
        float(scorer.score(reference, response)["rougeL"].fmeasure)
        for response, reference in zip(responses, references, strict=True)
    ]


def bleu_4(responses: Sequence[str], references: Sequence[str]) -> list[float]:
    """Sentence BLEU-4 of each response against its reference, by sacrebleu.

    An order of n-grams that a short response cannot have is left out (effective order): otherwise
    every response of less than four words would score 0.
    """
    metric = BLEU(max_ngram_order=4, effective_order=True)
    return [
        float(metric.sentence_score(response, [reference]).score) / 100
        for response, reference in zip(responses, references, strict=True)
    ]
