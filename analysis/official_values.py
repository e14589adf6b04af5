"""The official values of public models, read from the leaderboards in the alpaca_eval package.

official("alpaca-7b")["AlpacaEval 1"].controlled     # 26.29…
official("alpaca-7b_verbose")                        # only the leaderboards that list it
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LEADERBOARDS = {
    "AlpacaEval 1": "data_AlpacaEval/alpaca_eval_gpt4_leaderboard.csv",
    "AlpacaEval 2": "data_AlpacaEval_2/weighted_alpaca_eval_gpt4_turbo_leaderboard.csv",
}


@dataclass(frozen=True)
class Official:
    """What a leaderboard says of a model.

    Args:
        raw: its win rate in per cent.
        controlled: its length-controlled win rate; None where the leaderboard has none.
        characters: the mean length of its answers.
    """

    raw: float
    controlled: float | None
    characters: int


@cache
def _leaderboard(file: str) -> dict[str, Official]:
    spec = find_spec("alpaca_eval")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("alpaca_eval is not installed; its leaderboards are read")
    path = Path(spec.origin).parent / "leaderboards" / file
    with path.open(newline="") as lines:
        return {
            row[""]: Official(
                float(row["win_rate"]),
                float(row["length_controlled_winrate"])
                if row["length_controlled_winrate"]
                else None,
                int(row["avg_length"]),
            )
            for row in csv.DictReader(lines)
        }


def official(model: str) -> dict[str, Official]:
    """By leaderboard, what it says of a model; leaderboards that do not list it are left out."""
    boards = {name: _leaderboard(file) for name, file in LEADERBOARDS.items()}
    return {name: board[model] for name, board in boards.items() if model in board}
