"""Read the configuration of a judge, without importing alpaca-eval.

    judge_configuration(Path("judges/oracle"))["fn_completions"]
    api_model(Path("judges/alpaca_eval_gpt4"))           # "gpt-4"; None for a judge without an API
    PRICES["gpt-4"]                                      # (30.0, 60.0)

A judge is a folder in alpaca-eval's format: a `configs.yaml` with one entry, and the prompt
template that it names.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

PRICES = {
    "gpt-4": (30.0, 60.0),
    "gpt-4-0314": (30.0, 60.0),
    "gpt-4-0613": (30.0, 60.0),
    "gpt-4-1106-preview": (10.0, 30.0),
    "gpt-3.5-turbo-0301": (2.0, 2.0),
}
"""Dollars per million tokens of prompt and of completion, at the time of the paper."""


class JudgeError(RuntimeError):
    """A judge cannot be used, or too many of its verdicts are missing; the message says why."""


def prices_from_environment() -> tuple[float, float] | None:
    """Read JUDGE_PRICES, as in `PRICES`; None where it is not set.

    Raises:
        JudgeError: it is not two numbers.
    """
    text = os.environ.get("JUDGE_PRICES")
    if not text:
        return None
    try:
        prompt, completion = map(float, text.split())
        if not all(math.isfinite(price) and price >= 0 for price in (prompt, completion)):
            raise ValueError
    except ValueError:
        raise JudgeError(
            "JUDGE_PRICES must be two numbers, the dollars per million tokens of prompt and of "
            f"completion, not {text!r}"
        ) from None
    return prompt, completion


def judge_configuration(folder: Path) -> dict[str, Any]:
    """Read the configuration of a judge.

    Args:
        folder: the judge's folder.

    Returns:
        The one entry of its `configs.yaml`.

    Raises:
        JudgeError: the folder has no `configs.yaml`, or that holds no judge.
    """
    path = folder / "configs.yaml"
    if not path.is_file():
        raise JudgeError(f"{folder}: no judge here; a judge is a folder with a configs.yaml")
    try:
        (configuration,) = yaml.safe_load(path.read_text(encoding="utf-8")).values()
        found = dict(configuration)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError):
        raise JudgeError(f"{path}: should hold one judge in alpaca-eval's format") from None
    if not isinstance(found.get("fn_completions"), str):
        raise JudgeError(f"{path}: the judge has no fn_completions")
    return found


def api_model(folder: Path) -> str | None:
    """The model that a judge queries over OpenAI's API or a compatible one.

    Args:
        folder: the judge's folder.

    Returns:
        The name of the model; None for a judge that does not use an API.

    Raises:
        JudgeError: the folder has no `configs.yaml`, or that holds no judge.
    """
    configuration = judge_configuration(folder)
    if configuration["fn_completions"] != "openai_completions":
        return None
    try:
        return str(configuration["completions_kwargs"]["model_name"])
    except (KeyError, TypeError):
        raise JudgeError(f"{folder}: the judge's completions_kwargs name no model_name") from None
