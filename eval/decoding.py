"""The settings that responses are decoded with, as frozen data.

    Decoding()                                           # the paper's: greedy, penalty 1.2
    Decoding(top_p=0.9, temperature=0.6)                 # sampled (its Table 10)

This module does not import torch, so that configurations can be read and checked quickly.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """How responses are decoded.

    Args:
        max_new_tokens: the largest number of tokens of a response.
        min_new_tokens: the smallest number of tokens of a response.
        repetition_penalty: of Keskar et al. 2019; the paper uses 1.2 throughout.
        top_p: probability mass of nucleus sampling; None decodes greedily.
        temperature: of the sampling; None decodes greedily.
        batch: prompts that are decoded together.
        seed: of the sampling.

    Raises:
        ValueError: only one of top_p and temperature is set.
    """

    max_new_tokens: int = 256
    min_new_tokens: int = 0
    repetition_penalty: float = 1.2
    top_p: float | None = None
    temperature: float | None = None
    batch: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.top_p is None) != (self.temperature is None):
            raise ValueError("sampling needs both top_p and temperature; greedy has neither")
