"""The paper's own comparisons, built from its numbers in `experiments/published.py`.

    comparisons()[0].gain                                # 34.9: LLaMA-2 7B on Alpaca

A comparison that the paper prints in several tables is listed once. Not listed are Gaussian noise,
which is not the method, lengths and diversity (Table 4), and figures without printed numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from experiments.evidence.comparison import Comparison, Source
from experiments.published import (
    ALPHA_GRID,
    EXAMPLES,
    HUMAN_STUDY,
    INSTRUCTIONS,
    LEARNING_RATE,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_5,
    TABLE_6,
    TABLE_7_ALPHA,
    TABLE_9_ALPHA,
    TABLE_10,
    TABLE_12,
    TABLE_13,
    TABLE_14,
)
from experiments.roles.instruction_sets import TITLES
from experiments.roles.models import MODELS
from experiments.scales.paper import PAPER

SOURCE = Source(
    name="NEFTune paper",
    authors="Jain et al.",
    year=2023,
    address="arXiv 2310.05914",
    group="authors",
)
GPT_4, CHATGPT = "GPT-4", "ChatGPT"
NO_ALPHA = "The table does not give alpha."


@dataclass(frozen=True)
class Arm:
    """A fine-tuning of the paper, with and without noise.

    Args:
        model: its role.
        dataset: its role.
        alpha: of the noise; None where the paper does not say.
        tuning: which parameters train.
        epochs: over the set.
    """

    model: str = "llama-2-7b"
    dataset: str = "alpaca"
    alpha: float | None = 5.0
    tuning: Literal["full", "QLoRA"] = "full"
    epochs: int = 3


def comparisons() -> tuple[Comparison, ...]:
    """Every comparison of the paper with two printed numbers, in the order of its tables."""
    return (*_gpt_4(), *_qlora(), *_by_alpha(), *_further(), _people())


def _gpt_4() -> Iterator[Comparison]:
    """Tables 1, 2 and 5."""
    without, noisy = TABLE_1["LLaMA-2 7B"], TABLE_1["+NEFT"]
    for dataset, alpha in TABLE_7_ALPHA.items():
        arm = Arm(dataset=dataset, alpha=alpha)
        yield _win_rate(f"table-1.{dataset}", arm, GPT_4, (without[dataset], noisy[dataset]))
    for model, alpha in TABLE_9_ALPHA.items():
        if model != "llama-2-7b":  # Table 1 has it.
            arm = Arm(model, "evol-instruct", alpha)
            rates = TABLE_2["Evol-Instruct"][model], TABLE_2["+NEFT"][model]
            yield _win_rate(f"table-2.{model}", arm, GPT_4, rates)
    rates = TABLE_5["Alpaca-7B"][0], TABLE_5["NEFT"][0]
    yield _win_rate("table-5", Arm("llama-1-7b", alpha=None), GPT_4, rates, note=NO_ALPHA)


def _qlora() -> Iterator[Comparison]:
    """Table 3."""
    for alpha in ALPHA_GRID:
        for (model, dataset), rate in TABLE_3[f"+NEFT alpha {alpha:g}"].items():
            arm = Arm(model, dataset, alpha, "QLoRA", epochs=1)
            rates = TABLE_3["Base"][model, dataset], rate
            yield _win_rate(f"table-3.{model}.{dataset}.alpha-{alpha:g}", arm, CHATGPT, rates)


def _by_alpha() -> Iterator[Comparison]:
    """Table 6."""
    for alpha in ALPHA_GRID:
        for dataset, (rate, _) in TABLE_6[f"+Uniform {alpha:g}"].items():
            rates = TABLE_6["LLaMA-2 7B"][dataset][0], rate
            arm = Arm(dataset=dataset, alpha=alpha)
            yield _win_rate(f"table-6.{dataset}.alpha-{alpha:g}", arm, CHATGPT, rates)


def _further() -> Iterator[Comparison]:
    """Tables 10, 12, 13 and 14, less what Table 6 has too."""
    for name, rates in TABLE_10.items():
        if name != "greedy":
            id, note = f"table-10.{name.lower().replace(' ', '-')}", f"Sampled by `{name}`."
            arm = Arm(dataset="evol-instruct")
            yield _win_rate(id, arm, CHATGPT, rates, variant="sampled", note=note)
    rates = TABLE_12["LLaMA-1 7B"], TABLE_12["+NEFT"]
    arm = Arm("llama-1-7b", "evol-instruct", None)
    yield _win_rate("table-12", arm, CHATGPT, rates, note=NO_ALPHA)
    for tokens, rates in TABLE_13.items():
        note = f"Conversations in pieces of {tokens} tokens. {NO_ALPHA}"
        arm = Arm(dataset="sharegpt", alpha=None)
        yield _win_rate(f"table-13.{tokens}", arm, CHATGPT, rates, note=note)
    for epochs, rates in TABLE_14.items():
        if epochs != Arm.epochs:
            arm = Arm(alpha=None, epochs=epochs)
            id = f"table-14.{epochs}-epoch{'s' if epochs > 1 else ''}"
            variant = "other epochs"
            yield _win_rate(id, arm, CHATGPT, rates, variant=variant, note=NO_ALPHA)


def _people() -> Comparison:
    return Comparison(
        **_settings("human-study", Arm()),
        kind="head to head",
        metric="wins against the other model",
        judge="people",
        unit="pairs",
        without=HUMAN_STUDY["losses"],
        with_=HUMAN_STUDY["wins"],
        items=int(HUMAN_STUDY["pairs"]),
        note=f"The judges were authors of the paper; {HUMAN_STUDY['draws']:g} pairs are draws.",
    )


def _win_rate(
    id: str,
    arm: Arm,
    judge: str,
    rates: tuple[float, float],
    *,
    variant: str = "",
    note: str = "",
) -> Comparison:
    return Comparison(
        **_settings(id, arm),
        kind="win rate",
        metric="AlpacaEval win rate against text-davinci-003",
        judge=judge,
        unit="%",
        without=rates[0],
        with_=rates[1],
        items=INSTRUCTIONS,
        variant=variant,
        note=note,
    )


def _settings(id: str, arm: Arm) -> dict[str, Any]:
    """What every comparison of the paper says of its training."""
    own = MODELS[arm.model].stand_ins["paper"].recipe.get("none", {})
    table, _, _ = id.partition(".")
    return {
        "id": f"paper.{id}",
        "source": SOURCE,
        "verified": True,
        "read": f"{table.replace('-', ' ').capitalize()} of the ICLR 2024 text",
        "model": MODELS[arm.model].title,
        "size_billions": PAPER.parameters(arm.model) / 1e9,
        "training_set": TITLES[arm.dataset],
        "rows": EXAMPLES[arm.dataset],
        "epochs": float(arm.epochs),
        "learning_rate": own.get("lr", LEARNING_RATE) if arm.tuning == "full" else None,
        "tuning": arm.tuning,
        "alpha": arm.alpha,
        "length_rule": "sequence",
        "library": "the authors' code",
        "matched": True,
        "higher_is_better": True,
    }
