"""AlpacaEval 1 with the alpaca-eval package: a judge compares each response with a reference.

    annotations = annotate(model_outputs, reference_outputs, Path("judges/oracle"))
    public_win_rate(annotations)                         # win_rate, standard_error, n_total, …

A judge is an alpaca-eval configuration folder. If its `fn_completions` is `openai_completions`, the
judge is queried over an API (`eval.judge_api`); it can also be `module:function`, a Python function
that is called in place of an API.

What a model answers is text to be judged. alpaca-eval itself lets an answer speak to the judge: its
prompts are ChatML, in which `<|im_start|>system` begins a message, also within an answer. Here such
marks are written `< |im_start| >` in what is sent over an API, and placeholders of the template
within answers are not filled. Their number is printed.

So the messages are the template's, but an answer can still pretend, within its message, that it has
ended: the paper's GPT-4 prompt quotes answers with three quotation marks, which a program among the
answers may hold, too. Another way of quoting would be another judge than the paper's. Such answers
are sent as they are, and their number is printed.
"""

from __future__ import annotations

import ast
import importlib
import json
import logging
import math
import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("IS_ALPACA_EVAL_2", "False")
warnings.filterwarnings("ignore", message="pkg_resources is deprecated")


import pandas as pd
from alpaca_eval.annotators import PairwiseAnnotator
from alpaca_eval.annotators.pairwise_evaluator import SinglePairwiseAnnotator
from alpaca_eval.completion_parsers import ranking_parser
from alpaca_eval.metrics import get_winrate

from eval.judge_api import JudgeClient
from eval.judge_config import JudgeError, judge_configuration
from neftune.training.files import write_atomic
from neftune.training.json_files import is_unicode

logging.getLogger().setLevel(logging.WARNING)  # alpaca-eval sets it to INFO for everyone

Annotations = list[dict[str, Any]]

PLACEHOLDER = re.compile(r"{([^ \s]+?)}")
"""A placeholder of a prompt template, by alpaca-eval's own pattern."""
MARK = re.compile(r"<\|(\w+)\|>")
"""A mark by which a chat format separates messages, such as `<|im_end|>`."""
MARKS = "marks of a chat format made harmless in what was asked"
ENDS = "texts that hold what ends a text in this judge's prompt, asked as they are"


class _Annotator(PairwiseAnnotator):
    """alpaca-eval's annotator, for judges that are Python functions or use a `JudgeClient`."""

    def __init__(self, client: JudgeClient | None, **settings: Any) -> None:
        self.client = client
        self.noticed = {MARKS: Counter[str](), ENDS: Counter[str]()}
        super().__init__(**settings)

    @property
    def SingleAnnotator(self) -> Callable[..., SinglePairwiseAnnotator]:  # noqa: N802
        return partial(_single_annotator, self.client, self.noticed)


class _OneJudge(SinglePairwiseAnnotator):
    """alpaca-eval's single judge, whose prompts the answers cannot change.

    Args:
        noticed: counts, by field, the texts with `MARKS` and `ENDS`; None to change and count none.
        **settings: of alpaca-eval's class.
    """

    def __init__(self, noticed: Mapping[str, Counter[str]] | None, **settings: Any) -> None:
        self.noticed = noticed
        super().__init__(**settings)

    def _make_prompts(
        self, df_to_annotate: pd.DataFrame, prompt_template: str | None = None
    ) -> tuple[list[str], pd.DataFrame]:
        """Fill the template in one pass, so that nothing within an answer is filled."""
        template = prompt_template or self.prompt_template
        size = self.batch_size
        if any(count != size for count in Counter(PLACEHOLDER.findall(template)).values()):
            raise JudgeError(f"a placeholder is not {size} times in the judge's prompt template")
        rows = df_to_annotate.to_dict(orient="records")
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        return [self._filled(template, batch) for batch in batches], df_to_annotate.copy()

    def _filled(self, template: str, batch: Sequence[Mapping[str, Any]]) -> str:
        used, ends = Counter[str](), _ends(template)

        def value(found: re.Match[str]) -> str:
            name = found[1]
            text = str(batch[used[name]][name])
            used[name] += 1
            if self.noticed is None:
                return text
            harmless = neutral(text)
            self.noticed[MARKS][name] += harmless != text
            self.noticed[ENDS][name] += any(end in text for end in ends)
            return harmless

        return PLACEHOLDER.sub(value, template)


def _ends(template: str) -> set[str]:
    """The lines of a template that follow directly on what it quotes, such as three quotes."""
    following = (template[found.end() :].lstrip() for found in PLACEHOLDER.finditer(template))
    lines = {text.partition("\n")[0].rstrip() for text in following}
    return {line for line in lines if line and not PLACEHOLDER.search(line)} - {"<|im_end|>"}


def neutral(text: str) -> str:
    """Write the marks of chat formats in a text so that they are seen and separate nothing.

    `<|im_end|>` becomes `< |im_end| >`.
    """
    return MARK.sub(r"< |\1| >", text)


def _single_annotator(
    client: JudgeClient | None,
    noticed: Mapping[str, Counter[str]],
    fn_completions: str,
    **settings: Any,
) -> SinglePairwiseAnnotator:
    over_api = fn_completions == "openai_completions"
    module, colon, name = fn_completions.partition(":")
    function = getattr(importlib.import_module(module), name) if colon else fn_completions
    annotator = _OneJudge(noticed if over_api else None, fn_completions=function, **settings)
    if over_api:
        if client is None:
            raise JudgeError("this judge is queried over an API and needs a client")
        if annotator.fn_completion_parser.func is ranking_parser:
            annotator.fn_completion_parser = _ranking
        annotator.fn_completions = partial(
            client.completions, readable=partial(_has_verdict, annotator)
        )
    return annotator


def _ranking(completion: str) -> list[float]:
    """Read a ranking as alpaca-eval's parser does, but not more into it than it says.

    That parser reads the rank of the first model alone. It counts a tie as that model's win, and
    ranks 2 and 3 as its loss. Here a tie is a draw, and what does not rank both models as 1 or 2 is
    no verdict.
    """
    verdicts = {(1, 2): 1.0, (2, 1): 2.0, (1, 1): 1.5, (2, 2): 1.5}
    try:
        ranks = {ranked["model"]: ranked["rank"] for ranked in ast.literal_eval(completion)}
        return [verdicts[ranks["model_1"], ranks["model_2"]]]
    except (ValueError, TypeError, LookupError, SyntaxError, MemoryError, RecursionError):
        return [math.nan]


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
    for whose, outputs in (("model", model_outputs), ("reference", reference_outputs)):
        for number, output in enumerate(outputs, start=1):
            if not (is_unicode(output["instruction"]) and is_unicode(output["output"])):
                raise JudgeError(
                    f"row {number} of the {whose}'s outputs holds half of a surrogate pair "
                    "(\\ud800 to \\udfff), which is not a character: remove it"
                )
    annotator = _Annotator(
        client,
        annotators_config=judge.resolve(),
        caching_path=None,
        other_output_keys_to_keep=("{annotation_key}_raw_completion",),
    )
    annotations = annotator.annotate_head2head(
        outputs_1=list(reference_outputs),
        outputs_2=list(model_outputs),
        # A judge that is a function may look at all of a model's answers.
        chunksize=len(instructions),
    )
    for what, fields in annotator.noticed.items():
        counts = ", ".join(f"{n} × {name}" for name, n in sorted(fields.items()) if n)
        if counts:
            print(f"{judge.name}: {what}: {counts}", file=sys.stderr)
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
