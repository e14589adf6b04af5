"""AlpacaEval 1 through the real alpaca-eval: a judge compares each response with a reference.

    annotations = annotate(model_outputs, reference_outputs, Path("judges/oracle"))
    public_win_rate(annotations)                         # win_rate, standard_error, n_total, …

A judge is an alpaca-eval configuration folder. One whose `fn_completions` is `openai_completions`
is asked over an API (`eval.judge_api`); it may also be `module:function`, a Python function that
stands where an API would.
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
from alpaca_eval.utils import load_configs

from eval.judge_api import Asker, JudgeError
from neftune.files import write_whole

logging.getLogger().setLevel(logging.WARNING)  # alpaca-eval sets it to INFO for everyone

Annotations = list[dict[str, Any]]


class _Annotator(PairwiseAnnotator):
    """alpaca-eval's annotator, with judges that are Python functions, and an `Asker` for APIs."""

    def __init__(self, asker: Asker | None, **settings: Any) -> None:
        self.asker = asker
        super().__init__(**settings)

    @property
    def SingleAnnotator(self) -> Callable[..., SinglePairwiseAnnotator]:  # noqa: N802
        return partial(_single_annotator, self.asker)


def _single_annotator(
    asker: Asker | None, fn_completions: str, **settings: Any
) -> SinglePairwiseAnnotator:
    module, colon, name = fn_completions.partition(":")
    function = getattr(importlib.import_module(module), name) if colon else fn_completions
    annotator = SinglePairwiseAnnotator(fn_completions=function, **settings)
    if fn_completions == "openai_completions":
        if asker is None:
            raise JudgeError("this judge is asked over an API, and no server was named")
        annotator.fn_completions = partial(
            asker.completions, readable=partial(_holds_a_verdict, annotator)
        )
    return annotator


def _holds_a_verdict(annotator: SinglePairwiseAnnotator, completion: Mapping[str, Any]) -> bool:
    """Whether the judge's own parser finds exactly one verdict in a completion."""
    whole = annotator.completion_key == "completions_all"
    try:
        found = list(annotator.fn_completion_parser(completion if whole else completion["text"]))
    except Exception:
        return False  # alpaca-eval's parsers raise whatever they come across
    return len(found) == 1 and found[0] is not None and not math.isnan(found[0])


def annotate(
    model_outputs: Sequence[dict[str, Any]],
    reference_outputs: Sequence[dict[str, Any]],
    judge: Path,
    asker: Asker | None = None,
) -> Annotations:
    """Have a judge compare every response with the reference.

    Args:
        model_outputs: AlpacaEval's format; becomes `output_2`.
        reference_outputs: the same instructions; becomes `output_1`.
        judge: the configuration folder.
        asker: who asks, for a judge behind an API.

    Returns:
        AlpacaEval's annotations, in the order of the model's outputs: `preference` is 2 where the
        model is preferred, 1 where the reference is, 1.5 for a draw, None where no verdict came.

    Raises:
        JudgeError: the folder holds no configuration, the instructions do not match, or the judge
            cannot be asked.
    """
    _configuration(judge)
    instructions = [output["instruction"] for output in model_outputs]
    if set(instructions) != {output["instruction"] for output in reference_outputs}:
        raise JudgeError("the model and the reference did not answer the same instructions")
    annotator = _Annotator(
        asker,
        annotators_config=judge.resolve(),
        caching_path=None,
        other_output_keys_to_keep=("{annotation_key}_raw_completion",),
    )
    annotations = annotator.annotate_head2head(
        outputs_1=list(reference_outputs), outputs_2=list(model_outputs)
    )
    by_instruction = {row["instruction"]: row for row in annotations}
    return [_plain(by_instruction[instruction]) for instruction in instructions]


def api_model(judge: Path) -> str | None:
    """The model that a judge asks over OpenAI's API or a server like it; None for other judges."""
    configuration = _configuration(judge)
    asked = configuration["fn_completions"] == "openai_completions"
    return str(configuration["completions_kwargs"]["model_name"]) if asked else None


def _configuration(judge: Path) -> dict[str, Any]:
    path = judge / "configs.yaml"
    if not path.is_file():
        raise JudgeError(f"{judge}: no judge here; a judge is a folder with a configs.yaml")
    (configuration,) = load_configs(path).values()
    return dict(configuration)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with None in place of NaN, so that it is valid JSON."""
    return {key: None if value != value else value for key, value in row.items()}


def public_win_rate(annotations: Annotations) -> dict[str, float]:
    """Win rate and standard error in per cent, and counts, by alpaca-eval's own function."""
    return {key: float(value) for key, value in get_winrate(annotations).items()}


def check_missing(annotations: Annotations, most: float) -> None:
    """Refuse annotations of which too many hold no verdict.

    Args:
        annotations: from `annotate`.
        most: the largest share that may be missing.

    Raises:
        JudgeError: more are missing.
    """
    missing = sum(row["preference"] is None for row in annotations)
    if missing > most * len(annotations):
        raise JudgeError(
            f"{missing} of {len(annotations)} verdicts are missing, more than {most:.0%}: the "
            "judge did not answer, or not in its format; what it gave is kept, and the same "
            "command asks for the rest"
        )


def write_annotations(annotations: Annotations, out: Path) -> None:
    """Write AlpacaEval's `annotations.json`; the file appears whole or not at all."""
    write_whole(out, json.dumps(annotations, indent=1, ensure_ascii=False) + "\n")
