"""Have a judge of the scale compare answers, whether it is a function here or behind an API.

annotations, spent = judged(responses, reference, NANO.judges["gpt-4"])
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.alpaca import Annotations, annotate, api_model, check_missing
from eval.judge_api import Asker, Spent, server_from_environment
from experiments.run import RUNS

CACHE = RUNS / "judge-calls.sqlite"
MOST_MISSING = 0.01
"""The largest share of verdicts that a table may do without."""


def judged(
    responses: Sequence[dict[str, Any]], reference: Sequence[dict[str, Any]], judge: Path
) -> tuple[Annotations, Spent | None]:
    """Compare every response with the reference.

    Args:
        responses: in AlpacaEval's format.
        reference: the same instructions.
        judge: the configuration folder.

    Returns:
        The annotations, and, for a judge behind an API, what they cost.

    Raises:
        JudgeError: the judge cannot be asked, or too many verdicts are missing.
    """
    asker = Asker(server_from_environment(), CACHE) if api_model(judge) else None
    annotations = annotate(responses, reference, judge, asker)
    check_missing(annotations, MOST_MISSING)
    return annotations, asker.spent if asker else None
