"""Overlap of responses with the training responses: ROUGE-L and BLEU-4 (Figure 5 of the paper).

    rouge_l(["Its fur is brown."], ["Its fur is grey."])     # F-measure of each pair, 0 to 1
    bleu_4(["Its fur is brown."], ["Its fur is grey."])      # sentence BLEU of each pair, 0 to 1

A higher overlap means that the model reproduces its training set more closely.
"""

from __future__ import annotations

from collections.abc import Sequence


def rouge_l(responses: Sequence[str], references: Sequence[str]) -> list[float]:
    """Compute ROUGE-L with the rouge-score package, without stemming.

    Args:
        responses: the texts to score.
        references: one for each response.

    Returns:
        The F-measure of each pair, from 0 to 1.

    Raises:
        ValueError: there are not as many references as responses.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    return [
        float(scorer.score(reference, response)["rougeL"].fmeasure)
        for response, reference in zip(responses, references, strict=True)
    ]


def bleu_4(responses: Sequence[str], references: Sequence[str]) -> list[float]:
    """Compute sentence BLEU-4 with the sacrebleu package.

    N-grams that are longer than the response are left out of the mean (`effective_order`);
    otherwise every response of fewer than four words would score 0.

    Args:
        responses: the texts to score.
        references: one for each response.

    Returns:
        The score of each pair, from 0 to 1.

    Raises:
        ValueError: there are not as many references as responses.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(max_ngram_order=4, effective_order=True)
    return [
        float(metric.sentence_score(response, [reference]).score) / 100
        for response, reference in zip(responses, references, strict=True)
    ]
