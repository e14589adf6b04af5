"""AlpacaEval 1 with the alpaca-eval package: a judge compares each response with a reference.

    annotations = annotate(model_outputs, reference_outputs, Path("judges/oracle"))
    public_win_rate(annotations)                         # win_rate, standard_error, n_total, …

A judge is an alpaca-eval configuration folder. If its `fn_completions` is `openai_completions`, the
judge is queried over an API (`eval.judge_api`); it can also be `module:function`, a Python function
that is called in place of an API.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("IS_ALPACA_EVAL_2", "False")
warnings.filterwarnings("ignore", message="pkg_resources is deprecated")


from alpaca_eval.annotators import PairwiseAnnotator
from alpaca_eval.annotators.pairwise_evaluator import SinglePairwiseAnnotator
from alpaca_eval.metrics import get_winrate

from eval.judge_api import JudgeClient
from eval.judge_config import JudgeError, judge_configuration
from neftune.training.files import write_atomic

logging.getLogger().setLevel(logging.WARNING)  # alpaca-eval sets it to INFO for everyone

Annotations = list[dict[str, Any]]


class _Annotator(PairwiseAnnotator):
    """alpaca-eval's annotator, for judges that are Python functions or use a `JudgeClient`."""

    def __init__(self, client: JudgeClient | None, **settings: Any) -> None:
        self.client = client
        super().__init__(**settings)

    @property
    def SingleAnnotator(self) -> Callable[..., SinglePairwiseAnnotator]:  # noqa: N802
        return partial(_single_annotator, self.client)


def _single_annotator(
    client: JudgeClient | None, fn_completions: str, **settings: Any
) -> SinglePairwiseAnnotator:
    module, colon, name = fn_completions.partition(":")
    function = getattr(importlib.import_module(module), name) if colon else fn_completions
    annotator = SinglePairwiseAnnotator(fn_completions=function, **settings)
    if fn_completions == "openai_completions":
        if client is None:
            raise JudgeError("this judge is queried over an API and needs a client")
        annotator.fn_completions = partial(
            client.completions, readable=partial(_has_verdict, annotator)
        )
    return annotator


def _has_verdict(annotator: SinglePairwiseAnnotator, completion: Mapping[str, Any]) -> bool:
    """Whether the judge's own parser finds exactly one verdict in a completion."""
    takes_all = annotator.completion_key == "completions_all"
    try:
        found = list(
            annotator.fn_completion_parser(completion if takes_all else completion["text"])
        )
    except Exception:
        return False  # alpaca-eval's parsers raise exceptions of any type on malformed completions
    return len(found) == 1 and found[0] is not None and not math.isnan(found[0])


def annotate(
    model_outputs: Sequence[dict[str, Any]],
    reference_outputs: Sequence[dict[str, Any]],
    judge: Path,
    client: JudgeClient | None = None,
) -> Annotations:
    """Let a judge compare every response with the reference.

    Args:
        model_outputs: in AlpacaEval's format; they become `output_2`.
        reference_outputs: for the same instructions; they become `output_1`.
        judge: the configuration folder.
        client: queries the API of a judge that has one.

    Returns:
        AlpacaEval's annotations, in the order of the model's outputs. `preference` is 2 where the
        model is preferred, 1 where the reference is, 1.5 for a draw, and None where there is no
        verdict.

    Raises:
        JudgeError: the folder has no configuration, the instructions do not match, or the judge
            cannot be queried.
    """
    judge_configuration(judge)  # Raises the error that names the folder.
    instructions = [output["instruction"] for output in model_outputs]
    if set(instructions) != {output["instruction"] for output in reference_outputs}:
        raise JudgeError("the model and the reference do not have the same instructions")
    annotator = _Annotator(
        client,
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
    """Replace NaN by None in a row, so that it is valid JSON."""
    return {key: None if value != value else value for key, value in row.items()}


def public_win_rate(annotations: Annotations) -> dict[str, float]:
    """Win rate and standard error in per cent, and the counts, from alpaca-eval's own function."""
    return {key: float(value) for key, value in get_winrate(annotations).items()}


def check_missing(annotations: Annotations, most: float) -> None:
    """Refuse annotations of which too many have no verdict.

    Args:
        annotations: from `annotate`.
        most: the largest fraction of verdicts that may be missing.

    Raises:
        JudgeError: more verdicts are missing.
    """
    missing = sum(row["preference"] is None for row in annotations)
    if missing > most * len(annotations):
        raise JudgeError(
            f"{missing} of {len(annotations)} verdicts are missing, more than {most:.0%}: the "
            "judge did not answer, or not in its format; the answers received so far are kept, and "
            "running the same command again requests the missing ones"
        )


def write_annotations(annotations: Annotations, out: Path) -> None:
    """Write AlpacaEval's `annotations.json` atomically."""
    write_atomic(out, json.dumps(annotations, indent=1, ensure_ascii=False) + "\n")
