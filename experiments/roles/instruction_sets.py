"""The paper's instruction sets: each a value with its prompt format and its own settings.

    SHAREGPT                                             # conversations in pieces of 512 tokens
    replace(SHAREGPT, piece_tokens=1024)                 # Table 13's second column
    INSTRUCTION_SETS["alpaca"].title                     # "Alpaca"

Where the rows come from is up to the scale: the laboratory writes its own
(`experiments/nano/instructions.py`), the real scales read the hub or a file
(`experiments/scales/real_sets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
"""Which part of a set is meant. Test instructions are those that tables are made from;
hyperparameters are chosen on validation instructions."""


@dataclass(frozen=True)
class InstructionSet:
    """An instruction set, as a run is trained on it.

    Args:
        role: the paper's set.
        prompt: its prompt format (section 3 of the paper): `alpaca` or `vicuna`.
        piece_tokens: conversations are cut into pieces of at most so many tokens, and a training
            example may be as long; None for sets of single exchanges.
    """

    role: str
    prompt: Literal["alpaca", "vicuna"] = "alpaca"
    piece_tokens: int | None = None

    @property
    def title(self) -> str:
        """Its name in the paper."""
        return TITLES[self.role]


TITLES = {
    "alpaca": "Alpaca",
    "evol-instruct": "Evol-Instruct",
    "sharegpt": "ShareGPT",
    "open-platypus": "OpenPlatypus",
}

ALPACA = InstructionSet("alpaca")
EVOL_INSTRUCT = InstructionSet("evol-instruct")
SHAREGPT = InstructionSet("sharegpt", "vicuna", piece_tokens=512)
OPEN_PLATYPUS = InstructionSet("open-platypus")

INSTRUCTION_SETS = {each.role: each for each in (ALPACA, EVOL_INSTRUCT, SHAREGPT, OPEN_PLATYPUS)}
"""The four sets of Table 1, by role, in the paper's order."""
