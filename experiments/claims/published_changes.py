"""The change that the paper reports for a claim, where its numbers give one.

    PUBLISHED_CHANGES["conversation"]                    # 15.09, in the unit of the claim's measure

It is shown beside what is measured here, to say whether a change as large as the paper's lies in
the interval. The verdicts do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import mean

from experiments.published import TABLE_1, TABLE_3, TABLE_4, TABLE_6, TABLE_11, TABLE_14
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.runs.selection import QLORA_SETS

BASE, NEFT = "LLaMA-2 7B", "+NEFT"
UNIFORM, GAUSSIAN = "+Uniform 5", "+Gaussian 5"


def _mean(change: Callable[[str], float], roles: Iterable[str]) -> float:
    return mean(map(change, roles))


def _win_rate(role: str) -> float:
    return TABLE_1[NEFT][role] - TABLE_1[BASE][role]


def _lengthened() -> float:
    """Per cent, of the mean length over the four sets, as the claim's measure."""
    before, after = (sum(TABLE_4[row]["characters"].values()) for row in (BASE, NEFT))
    return 100 * (after / before - 1)


def _repetition(role: str) -> float:
    return TABLE_4[NEFT]["2-gram repetition"][role] - TABLE_4[BASE]["2-gram repetition"][role]


def _uniform(role: str) -> float:
    return TABLE_6[UNIFORM][role][0] - TABLE_6[GAUSSIAN][role][0]


def _without_qlora(role: str) -> float:
    """The gain of full fine-tuning minus that of QLoRA, at alpha 5."""
    full = TABLE_6[UNIFORM][role][0] - TABLE_6[BASE][role][0]
    place = ("llama-2-7b", role)
    return full - (TABLE_3["+NEFT alpha 5"][place] - TABLE_3["Base"][place])


PUBLISHED_CHANGES: Mapping[str, float] = {
    "conversation": _win_rate("average"),
    "conversation-alpaca": _win_rate("alpaca"),
    "longer": _lengthened(),
    "repetition": _mean(_repetition, INSTRUCTION_SETS),
    "uniform": _mean(_uniform, TABLE_6[UNIFORM]),
    "attention": TABLE_11["NEFT"] - TABLE_11["NEFT, attention frozen"],
    "epochs": TABLE_14[9][1] - TABLE_14[3][1],
    "qlora": _mean(_without_qlora, (dataset.role for dataset in QLORA_SETS)),
}
"""By the id of the claim (premises.yaml). All of LLaMA-2 7B, by GPT-4 or, in the tables after the
fifth, by ChatGPT."""
