"""Have a judge of a scale compare answers, whether it is a Python function or behind an API.

annotations, usage = judged(responses, references, NANO.judge("gpt-4"))
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.alpaca import Annotations, annotate, check_missing
from eval.judge_api import JudgeClient, Usage
from eval.judge_config import api_model, endpoint_from_environment
from experiments.paths import RUNS

CACHE = RUNS / "judge-calls.sqlite"
MOST_MISSING = 0.01
"""The largest share of verdicts that a table may do without."""


def judged(
    responses: Sequence[dict[str, Any]], references: Sequence[dict[str, Any]], judge: Path
) -> tuple[Annotations, Usage | None]:
    """Compare every response with its reference.

    Args:
        responses: in AlpacaEval's format.
        references: answers to the same instructions.
        judge: the configuration folder.

    Returns:
        The annotations, and, for a judge behind an API, what they cost.

    Raises:
        JudgeError: the judge cannot be asked, or too many verdicts are missing.
    """
    client = JudgeClient(endpoint_from_environment(), CACHE) if api_model(judge) else None
    annotations = annotate(responses, references, judge, client)
    check_missing(annotations, MOST_MISSING)
    return annotations, client.usage if client else None
