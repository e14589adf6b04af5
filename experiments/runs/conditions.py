"""How a model is asked: which instructions, with which words added, and how it decodes.

    CONDITIONS["test"]                                   # AlpacaEval's way: greedy
    CONDITIONS["long"].suffix                            # "Generate a long response" (Table 5)
    CONDITIONS["wizardlm"].top_p                         # a decoding strategy of Table 10

A condition's name is the name of the folder that holds its responses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from eval.decoding import Decoding
from experiments.roles.instruction_sets import Split

MATCHED_LENGTH = "matched-length"


@dataclass(frozen=True)
class Condition:
    """One way to ask a model.

    Args:
        name: the folder's.
        split: whose instructions; `train` asks what the model was trained on (Figure 5).
        suffix: what is added to each instruction; the judge does not see it.
        top_p: nucleus sampling in place of greedy decoding.
        temperature: of that sampling.
        as_long_as_other: whether an answer must have at least as many tokens as the answers of
            another run have on average (Table 5); the record names that run.
    """

    name: str
    split: Split = "test"
    suffix: str = ""
    top_p: float | None = None
    temperature: float | None = None
    as_long_as_other: bool = False

    def decoding(self, default: Decoding, min_new_tokens: int = 0) -> Decoding:
        """How a model decodes under this condition.

        Args:
            default: the scale's decoding.
            min_new_tokens: least tokens of an answer.
        """
        return replace(
            default,
            top_p=self.top_p,
            temperature=self.temperature,
            min_new_tokens=min_new_tokens,
        )

    def identity(self, default: Decoding) -> str:
        """What a manifest notes of how the responses were asked for; batches do not matter.

        Args:
            default: the scale's decoding.
        """
        settings = {k: v for k, v in asdict(self.decoding(default)).items() if k != "batch"}
        asked = {"suffix": self.suffix, "as long as other": self.as_long_as_other}
        return json.dumps(settings | asked, sort_keys=True)


CONDITIONS = {
    condition.name: condition
    for condition in (
        Condition("test"),
        Condition("validation", "validation"),
        Condition("train", "train"),
        # The prompts of Table 5.
        Condition("long", suffix="Generate a long response"),
        Condition("comprehensive", suffix="Generate a comprehensive response"),
        Condition("long-comprehensive", suffix="Generate a long and comprehensive response."),
        Condition(MATCHED_LENGTH, as_long_as_other=True),
        # The decoding strategies of Table 10.
        Condition("hp0", top_p=0.1, temperature=0.1),
        Condition("hp1", top_p=0.35, temperature=0.5),
        Condition("wizardlm", top_p=0.6, temperature=0.9),
        Condition("llama-2", top_p=0.9, temperature=0.6),
    )
}
"""By name."""
