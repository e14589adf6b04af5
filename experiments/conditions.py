"""Under which conditions a model is asked: which instructions, with what added, decoded how.

    condition("test", NANO.decoding)                     # AlpacaEval's way: greedy
    condition("long", NANO.decoding).suffix              # "Generate a long response" (Table 5)
    condition("min-40", NANO.decoding).decoding          # at least 40 new tokens

A condition's name is the name of the folder that its responses lie in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eval.decoding import Decoding
from experiments.nano.world import Split
from experiments.run import known


@dataclass(frozen=True)
class Condition:
    """How a model is asked.

    Args:
        split: whose instructions; `train` asks what the model was trained on (Figure 5).
        decoding: how it answers.
        suffix: what is added to each instruction; the judge does not see it.
    """

    split: Split
    decoding: Decoding
    suffix: str = ""


CONDITIONS: dict[str, tuple[Split, str, dict[str, float]]] = {
    "test": ("test", "", {}),
    "validation": ("validation", "", {}),
    "train": ("train", "", {}),
    "long": ("test", "Generate a long response", {}),
    "comprehensive": ("test", "Generate a comprehensive response", {}),
    "long-comprehensive": ("test", "Generate a long and comprehensive response.", {}),
    "hp0": ("test", "", {"top_p": 0.1, "temperature": 0.1}),
    "hp1": ("test", "", {"top_p": 0.35, "temperature": 0.5}),
    "wizardlm": ("test", "", {"top_p": 0.6, "temperature": 0.9}),
    "llama-2": ("test", "", {"top_p": 0.9, "temperature": 0.6}),
}
"""By name: the evaluation splits, the prompts of Table 5, the strategies of Table 10."""


def condition(name: str, decoding: Decoding) -> Condition:
    """The condition of a name; `min-N` asks for at least N new tokens.

    Args:
        name: in `CONDITIONS`, or `min-N`.
        decoding: the scale's.

    Raises:
        UnknownNameError: there is none of that name.
    """
    kind, _, number = name.partition("min-")
    if not kind and number.isdigit():
        return Condition("test", replace(decoding, min_new_tokens=int(number)))
    split, suffix, sampling = known("condition", name, CONDITIONS)
    return Condition(split, replace(decoding, **sampling), suffix)
