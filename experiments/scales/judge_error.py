"""How the fitted judge errs, from its card: what intervals of GPT-4's win rates are widened by.

    error, pairs = error_of_differences()                # of pairs of similar public models
    with_judge_error(difference, error, pairs)           # analysis/judge_error.py

The card is the one that `make judge-card` made here, or else the project's.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from experiments.paths import own_or_shipped

CARD = "public-judge/card.json"


def error_of_differences() -> tuple[float, int]:
    """How the difference of two similar models' win rates is off.

    Returns:
        The root mean square error, in points, and the number of pairs that it is of.
    """
    found = _card()["pairs"]
    return float(found["root mean square error"]), int(found["pairs"])


def error_of_win_rates() -> tuple[float, int]:
    """The same of a single win rate, of weak models that were left out with their relatives."""
    found = _card()["weak models"]
    return float(found["root mean square error"]), int(found["models"])


@lru_cache(maxsize=1)
def _card() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own_or_shipped(CARD).read_text())
    return found
