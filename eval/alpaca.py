"""AlpacaEval 1 through the real alpaca-eval: a judge compares each response with a reference.

    annotations = annotate(model_outputs, reference_outputs, Path("judges/oracle"))
    public_win_rate(annotations)                         # win_rate, standard_error, n_total, …

A judge is an alpaca-eval configuration folder. Its `fn_completions` may also be `module:function`:
a Python function that stands where an API's client would.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("IS_ALPACA_EVAL_2", "False")
warnings.filterwarnings("ignore", message="pkg_resources is deprecated")

from alpaca_eval.annotators import PairwiseAnnotator
from alpaca_eval.annotators.pairwise_evaluator import SinglePairwiseAnnotator
from alpaca_eval.metrics import get_winrate

from neftune.files import write_whole

logging.getLogger().setLevel(logging.WARNING)  # alpaca-eval sets it to INFO for everyone

Annotations = list[dict[str, Any]]


class JudgeError(RuntimeError):
    """The judge cannot be used, or gave no verdict where one is needed; the message says which."""


class _Annotator(PairwiseAnnotator):
    """alpaca-eval's annotator, with judges that are Python functions."""

    @property
    def SingleAnnotator(self) -> Callable[..., SinglePairwiseAnnotator]:  # noqa: N802
        return _single_annotator


def _single_annotator(fn_completions: str, **settings: Any) -> SinglePairwiseAnnotator:
    module, colon, name = fn_completions.partition(":")
    function = getattr(importlib.import_module(module), name) if colon else fn_completions
    return SinglePairwiseAnnotator(fn_completions=function, **settings)


def annotate(
    model_outputs: Sequence[dict[str, Any]],
    reference_outputs: Sequence[dict[str, Any]],
    judge: Path,
) -> Annotations:
    """Have a judge compare every response with the reference.

    Args:
        model_outputs: AlpacaEval's format; becomes `output_2`.
        reference_outputs: the same instructions; becomes `output_1`.
        judge: the configuration folder.

    Returns:
        AlpacaEval's annotations, in the order of the model's outputs: `preference` is 2 where the
        model is preferred, 1 where the reference is, 1.5 for a draw, None where no verdict came.

    Raises:
        JudgeError: the folder holds no configuration, or the instructions do not match.
    """
    if not (judge / "configs.yaml").is_file():
        raise JudgeError(f"{judge}: no judge here; a judge is a folder with a configs.yaml")
    instructions = [output["instruction"] for output in model_outputs]
    if set(instructions) != {output["instruction"] for output in reference_outputs}:
        raise JudgeError("the model and the reference did not answer the same instructions")
    annotator = _Annotator(
        annotators_config=judge.resolve(),
        caching_path=None,
        other_output_keys_to_keep=("{annotation_key}_raw_completion",),
    )
    annotations = annotator.annotate_head2head(
        outputs_1=list(reference_outputs), outputs_2=list(model_outputs)
    )
    by_instruction = {row["instruction"]: row for row in annotations}
    return [_plain(by_instruction[instruction]) for instruction in instructions]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with None in place of NaN, so that it is valid JSON."""
    return {key: None if value != value else value for key, value in row.items()}


def public_win_rate(annotations: Annotations) -> dict[str, float]:
    """Win rate and standard error in per cent, and counts, by alpaca-eval's own function."""
    return {key: float(value) for key, value in get_winrate(annotations).items()}


def write_annotations(annotations: Annotations, out: Path) -> None:
    """Write AlpacaEval's `annotations.json`; the file appears whole or not at all."""
    write_whole(out, json.dumps(annotations, indent=1, ensure_ascii=False) + "\n")
