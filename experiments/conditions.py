"""Under which conditions a model is asked: which instructions, with what added, decoded how.

    condition("test")                                    # AlpacaEval's way: greedy
    condition("long").suffix                             # "Generate a long response" (Table 5)
    condition("min-40").decoding.min_new_tokens          # 40

A condition's name is the name of the folder that its responses lie in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eval.decoding import Decoding
from experiments.nano.world import Split
from experiments.run import known

NANO_DECODING = Decoding(batch=256)


@dataclass(frozen=True)
class Condition:
    """How a model is asked.

    Args:
        split: whose instructions; `train` asks what the model was trained on (Figure 5).
        decoding: how it answers.
        suffix: what is added to each instruction; the judge does not see it.
    """

    split: Split
    decoding: Decoding = NANO_DECODING
    suffix: str = ""


def _sampled(top_p: float, temperature: float) -> Condition:
    return Condition("test", replace(NANO_DECODING, top_p=top_p, temperature=temperature))


CONDITIONS = {
    "test": Condition("test"),
    "validation": Condition("validation"),
    "train": Condition("train"),
    "long": Condition("test", suffix="Generate a long response"),
    "comprehensive": Condition("test", suffix="Generate a comprehensive response"),
    "long-comprehensive": Condition("test", suffix="Generate a long and comprehensive response."),
    "hp0": _sampled(0.1, 0.1),
    "hp1": _sampled(0.35, 0.5),
    "wizardlm": _sampled(0.6, 0.9),
    "llama-2": _sampled(0.9, 0.6),
}
"""By name: the evaluation splits, the prompts of Table 5, the strategies of Table 10."""


def condition(name: str) -> Condition:
    """The condition of a name; `min-N` asks for at least N new tokens.

    Raises:
        UnknownNameError: there is none of that name.
    """
    kind, _, number = name.partition("min-")
    if not kind and number.isdigit():
        return Condition("test", replace(NANO_DECODING, min_new_tokens=int(number)))
    found: Condition = known("condition", name, CONDITIONS)
    return found
