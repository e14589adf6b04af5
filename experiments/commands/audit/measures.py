"""What the audit measures of one model, and of two models on the same instructions.

audit_model(model)["win_rate"]
audit_pair(before, after)["gain"]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from analysis.intervals import Estimate, mcnemar_test, win_rate, win_rate_gain
from analysis.length_control import (
    ALPACA_EVAL,
    FREE,
    Calibration,
    length_controlled_gain,
    length_controlled_win_rate,
    over_forms,
)
from analysis.official_values import official
from analysis.text import (
    log_diversity,
    mean_characters,
    mean_words,
    plain_log_diversity,
    repetition,
)
from experiments.commands.audit.files import AuditError, Judged
from experiments.published import PAPER_ON_PUBLIC_MODELS

WORDS = 50


def audit_model(model: Judged) -> dict[str, Any]:
    """Every number of one model."""
    from eval.alpaca import public_win_rate

    public = public_win_rate(model.annotations)
    texts = model.responses
    return {
        "win_rate": public["win_rate"],
        "standard_error": public["standard_error"],
        "win_rate_interval": asdict(win_rate(model.preferences)),
        "length_controlled": asdict(
            length_controlled_win_rate(
                model.preferences, model.lengths, model.reference_lengths, _calibration(model)
            )
        ),
        "verdicts": int(public["n_total"]),
        "missing_verdicts": int(np.isnan(model.preferences).sum()),
        "draws": int(public["n_draws"]),
        "characters": mean_characters(texts),
        "words": mean_words(texts),
        "responses_of_50_words": sum(len(text.split()) >= WORDS for text in texts),
        **{f"repetition_{n}": repetition(texts, n, WORDS) for n in (2, 3, 4)},
        "log_diversity": log_diversity(texts, WORDS),
        "plain_log_diversity": plain_log_diversity(texts, WORDS),
        "judge": model.judge,
        "official": official_values(model.name),
        "paper": PAPER_ON_PUBLIC_MODELS.get(model.name),
    }


def official_values(name: str) -> dict[str, dict[str, float | None]]:
    """By leaderboard, the official win rates and mean characters of a model."""
    return {
        board: {
            "win_rate": round(found.raw, 2),
            "length_controlled": None if found.controlled is None else round(found.controlled, 2),
            "characters": found.characters,
        }
        for board, found in official(name).items()
    }


def _calibration(model: Judged) -> Calibration:
    """AlpacaEval's for GPT-4's verdicts; for another judge's nothing is pulled."""
    return ALPACA_EVAL if model.judge == "GPT-4" else FREE


def audit_pair(before: Judged, after: Judged) -> dict[str, Any]:
    """What changed from one model to the other, on the same instructions.

    Raises:
        AuditError: the two were not asked the same, not compared with the same reference, or no
            instruction has a verdict on both.
    """
    if set(before.instructions) != set(after.instructions):
        raise AuditError(f"{before.name} and {after.name} were not judged on the same instructions")
    after = _reordered(after, before.instructions)
    _check_reference(before, after)
    both = ~np.isnan(before.preferences) & ~np.isnan(after.preferences)
    if both.sum() < 2:
        raise AuditError(
            f"{before.name} and {after.name} have verdicts on {both.sum()} common instructions; at "
            "least 2 are needed to compare them"
        )
    subsets: dict[str, Any] = {}
    for subset in sorted(set(before.subsets)):
        here = np.array([name == subset for name in before.subsets])
        subsets[subset] = {"instructions": int(here.sum())}
        if both[here].any():  # Otherwise there is nothing to compare.
            subsets[subset] |= {
                "before": asdict(win_rate(before.preferences[here])),
                "after": asdict(win_rate(after.preferences[here])),
                "gain": asdict(win_rate_gain(before.preferences[here], after.preferences[here])),
            }
    gain = win_rate_gain(before.preferences, after.preferences)
    forms = over_forms(
        lambda form: length_controlled_gain(
            (before.preferences, before.lengths),
            (after.preferences, after.lengths),
            before.reference_lengths,
            _calibration(before),
            form,
        )
    )
    controlled = next(iter(forms.values()))
    return {
        "gain": asdict(gain),
        "length_controlled_gain": asdict(controlled),
        "length_controlled_forms": {form: asdict(found) for form, found in forms.items()},
        "mcnemar": asdict(mcnemar_test(before.preferences, after.preferences)),
        "longer_by": float(after.lengths.mean() - before.lengths.mean()),
        "subsets": subsets,
        "official_length_controlled_gain": _official_gain(before.name, after.name),
        "statement": _statement(before, after, gain, forms),
    }


def _check_reference(before: Judged, after: Judged) -> None:
    """Refuse two models, in the same order, that were compared with different answers."""
    for number, (one, other) in enumerate(
        zip(before.annotations, after.annotations, strict=True), start=1
    ):
        if one["output_1"] != other["output_1"]:
            raise AuditError(
                f"{before.name}/annotations.json: row {number}: its output_1 differs from that of "
                f"the same instruction in {after.name}/annotations.json; both models must have "
                "been compared with the same reference"
            )


def _official_gain(before: str, after: str) -> float | None:
    """The difference of AlpacaEval 1's official length-controlled rates, where it has both."""
    boards = [official(name).get("AlpacaEval 1") for name in (before, after)]
    values = [board.controlled for board in boards if board and board.controlled is not None]
    return round(values[1] - values[0], 2) if len(values) == 2 else None


def _statement(before: Judged, after: Judged, gain: Estimate, forms: dict[str, Estimate]) -> str:
    controlled, *others = forms.values()
    low, high = (pick(found.value for found in others) for pick in (min, max))
    theirs = ""
    difference = _official_gain(before.name, after.name)
    if difference is not None:
        first, second = (
            official_values(model.name)["AlpacaEval 1"]["length_controlled"]
            for model in (before, after)
        )
        theirs = (
            f" The official length-controlled win rates are {first} and {second}, a difference of "
            f"{difference:+}."
        )
    return (
        f"From {before.name} to {after.name} {before.judge}'s win rate changes by "
        f"{gain.value:+.1f} points (95% interval {gain.low:+.1f} to {gain.high:+.1f}). At equal "
        f"length, {controlled.value:+.1f} points are left ({controlled.low:+.1f} to "
        f"{controlled.high:+.1f}) by a model like AlpacaEval 2.0's, and {low:+.1f} to {high:+.1f} "
        f"where the length difference enters in other forms.{theirs}"
    )


def _reordered(model: Judged, instructions: Sequence[str]) -> Judged:
    place = {instruction: index for index, instruction in enumerate(model.instructions)}
    order = [place[instruction] for instruction in instructions]
    return replace(
        model,
        instructions=tuple(instructions),
        subsets=tuple(model.subsets[i] for i in order),
        responses=tuple(model.responses[i] for i in order),
        preferences=model.preferences[order],
        reference_lengths=model.reference_lengths[order],
        annotations=[model.annotations[i] for i in order],
    )
