"""The table of the conformance suite: a row a situation, a column a library.

found = measure()
markdown(found)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from neftune.conformance.libraries import LIBRARIES
from neftune.conformance.situations import SITUATIONS

NEAR = 0.05
"""How far from what is right a measured ratio may lie, of thousands of drawn numbers."""
INTRODUCTION = """# Conformance: is the noise what the paper says?

Written by `neftune conformance --out docs/conformance.md`; do not edit. For each way of
calling a model the table has the noise that a library adds, by that of the paper's rule: alpha /
sqrt(L d) for each sequence, L its own tokens, on the embeddings before anything else is done to
them. 1 is right, and 0 where there must be none. Each number is a root mean square over thousands
of entries; what is off by more than {near:g} is set in bold. Where it only counts whether there is
noise, or the same noise again, the number is 1 or 0. TRL passes `neftune_noise_alpha` on to
transformers, whose column is its own, too.
"""


@dataclass(frozen=True)
class Found:
    """What was measured.

    Args:
        situation: its name.
        library: its name.
        ratio: the noise by that of the paper's rule; None where an error was raised.
        error: its first line.
    """

    situation: str
    library: str
    ratio: float | None
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether the noise is that of the paper's rule."""
        wanted = SITUATIONS[self.situation].right
        return self.ratio is not None and abs(self.ratio - wanted) <= NEAR


def measure(
    situations: Iterable[str] | None = None, libraries: Iterable[str] | None = None
) -> list[Found]:
    """Measure libraries in situations.

    Args:
        situations: names; all by default.
        libraries: names; all by default.
    """
    found = []
    for situation in situations or SITUATIONS:
        for library in libraries or LIBRARIES:
            torch.manual_seed(0)
            try:
                ratio = SITUATIONS[situation].measure(LIBRARIES[library])
                found.append(Found(situation, library, ratio))
            except Exception as error:
                # A library that fails is a result, too.
                first = (str(error) or type(error).__name__).splitlines()[0]
                found.append(Found(situation, library, None, first))
    return found


def markdown(found: list[Found]) -> str:
    """The page."""
    names = list(dict.fromkeys(each.library for each in found))
    cells = {(each.situation, each.library): each for each in found}
    head = ["situation", "what it is", "right", *(LIBRARIES[name].title for name in names)]
    rows = [head, ["---"] * len(head)]
    for name, situation in SITUATIONS.items():
        here = [cells[name, library] for library in names if (name, library) in cells]
        if here:
            rows.append([name, situation.about, f"{situation.right:g}", *map(_cell, here)])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    wrong = [
        f"{sum(not cells[each].right for each in cells if each[1] == name)} of "
        f"{sum(each[1] == name for each in cells)} of {LIBRARIES[name].title}"
        for name in names
    ]
    return f"{INTRODUCTION.format(near=NEAR)}\n{table}\n\nNot right: {'; '.join(wrong)}.\n"


def _cell(found: Found) -> str:
    if found.ratio is None:
        return f"**error: {found.error[:60]}**"
    text = f"{found.ratio:.2f}"
    return text if found.right else f"**{text}**"
