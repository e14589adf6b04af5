"""The change that the paper reports for a claim, where its numbers give one.

    PUBLISHED_CHANGES["conversation"]                    # 15.09, in the unit of the claim's measure

It is shown beside what is measured here, to say whether a change as large as the paper's lies in
the interval. The verdicts do not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean

from experiments.published import TABLE_1, TABLE_3, TABLE_4, TABLE_6, TABLE_11, TABLE_14
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs.selection import QLORA_SETS


def of_table_3(row: str) -> dict[str, float]:
    """A row of Table 3, of LLaMA-2 7B, by instruction set."""
    rates = TABLE_3[row]
    return {dataset.role: rates["llama-2-7b", dataset.role] for dataset in QLORA_SETS}


def of_table_6(row: str) -> dict[str, float]:
    """The win rates of a row of Table 6, by instruction set."""
    rates = TABLE_6[row]
    return {role: rates[role][0] for role in INSTRUCTION_SETS if role in rates}


def changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By what two rows of the paper differ, for each instruction set that the second one has."""
    return {role: rate - before[role] for role, rate in after.items()}


QLORA_GAINS = changes(of_table_3("Base"), of_table_3("+NEFT alpha 5"))
FULL_GAINS = {
    role: gain
    for role, gain in changes(of_table_6("LLaMA-2 7B"), of_table_6("+Uniform 5")).items()
    if role in QLORA_GAINS
}
"""Of full fine-tuning, at alpha 5, on the sets that QLoRA has."""


def _of_table_4(column: str) -> tuple[dict[str, float], dict[str, float]]:
    """Without and with noise, by instruction set."""
    return TABLE_4["LLaMA-2 7B"][column], TABLE_4["+NEFT"][column]


def _lengthened() -> float:
    """Per cent, of the mean length over the four sets, as the claim's measure."""
    before, after = (sum(lengths.values()) for lengths in _of_table_4("characters"))
    return 100 * (after / before - 1)


_WON = changes(TABLE_1["LLaMA-2 7B"], TABLE_1["+NEFT"])

PUBLISHED_CHANGES: Mapping[str, float] = {
    "conversation": _WON["average"],
    "conversation-alpaca": _WON["alpaca"],
    "longer": _lengthened(),
    "repetition": mean(changes(*_of_table_4("2-gram repetition")).values()),
    "uniform": mean(changes(of_table_6("+Gaussian 5"), of_table_6("+Uniform 5")).values()),
    "attention": TABLE_11["NEFT"] - TABLE_11["NEFT, attention frozen"],
    "epochs": TABLE_14[9][1] - TABLE_14[3][1],
    "qlora": mean(changes(QLORA_GAINS, FULL_GAINS).values()),
}
"""By the id of the claim (premises.yaml). All of LLaMA-2 7B, by GPT-4 or, in the tables after the
fifth, by ChatGPT."""
