"""The judge of the scale `small`: GPT-4's public verdicts, inside the real alpaca-eval.

    PUBLIC_VERDICTS=gpt4_verdicts.jsonl.xz make table1 SCALE=small …

alpaca-eval calls `completions` in place of an API (`judges/public_verdicts/configs.yaml`). The
judge is fitted to the public models' answers to all of AlpacaEval's instructions
(`eval/preference/`), and gives the probability that GPT-4 prefers an answer to the reference's. Of
two models neither of which is the reference, the odds against it are divided. Answers that are the
reference's own are draws, which alpaca-eval does not ask about.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.judge_config import JudgeError, check_fitted_to
from eval.preference.features import Seen
from eval.preference.model import Judge, fit
from eval.preference.verdicts import Pool, VerdictsError, read_pool
from experiments.paths import PUBLIC_JUDGE
from experiments.scales.real_sets import reference_outputs

VARIABLE = "PUBLIC_VERDICTS"
DIVIDERS = ("\n<<<output 1>>>\n", "\n<<<output 2>>>\n")

Table = NDArray[np.float64]


def completions(prompts: Sequence[str], model_name: str, **_: Any) -> dict[str, Any]:
    """Judge pairs of answers; alpaca-eval calls this function in place of an API.

    Args:
        prompts: each made from the template of `judges/public_verdicts/`; all first answers are of
            one model, and all second ones of another.
        model_name: the judge's name, which is not used.

    Returns:
        alpaca-eval's record of completions: JSON with `preference`, from 1 (the first answer is
        certainly preferred) to 2.

    Raises:
        JudgeError: there are no public verdicts, or an instruction is not one of theirs.
    """
    instructions, first, second = map(tuple, zip(*map(_pieces, prompts), strict=True))
    odds = _log_odds(instructions, second) - _log_odds(instructions, first)
    preferred = 1 + 1 / (1 + np.exp(-odds))
    return {
        "completions": [json.dumps({"preference": float(each)}) for each in preferred],
        "price_per_example": [0.0] * len(prompts),
        "time_per_example": [0.0] * len(prompts),
    }


def _pieces(prompt: str) -> tuple[str, str, str]:
    instruction, found, rest = prompt.partition(DIVIDERS[0])
    first, also, second = rest.partition(DIVIDERS[1])
    if not (found and also):
        raise JudgeError("a prompt does not follow the template of judges/public_verdicts/")
    return instruction, first, second


def _log_odds(instructions: tuple[str, ...], answers: tuple[str, ...]) -> Table:
    """The log-odds that each answer is preferred to the reference's; 0 for the reference itself."""
    judge = _judge()
    pool = judge.seen.pool
    places = {text: place for place, text in reversed(list(enumerate(pool.instructions)))}
    unknown = [text for text in instructions if text not in places]
    if unknown:
        raise JudgeError(
            f"{len(unknown)} of {len(instructions)} instructions have no public verdicts, for "
            f"example: {unknown[0][:80]}"
        )
    given = {places[text]: answer for text, answer in zip(instructions, answers, strict=True)}
    if all(answer == pool.references[place] for place, answer in given.items()):
        return np.zeros(len(answers))
    found = np.clip(judge.probabilities(given), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(found / (1 - found)))


@lru_cache(maxsize=1)
def _judge() -> Judge:
    """The judge, fitted to all public verdicts once in a process; it is the same for every run."""
    return fit(Seen(public_pool()))


@lru_cache(maxsize=1)
def public_pool() -> Pool:
    """The public models and GPT-4's verdicts on them, from where PUBLIC_VERDICTS says.

    Raises:
        JudgeError: it is not set, or cannot be used.
    """
    check_fitted_to(PUBLIC_JUDGE)
    try:
        return read_pool(Path(os.environ[VARIABLE]), reference_outputs("test"))
    except VerdictsError as error:
        raise JudgeError(f"{VARIABLE}: {error}") from None
