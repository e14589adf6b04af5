"""How responses are decoded, as frozen data; nothing here needs torch.

Decoding()                                           # the paper's: greedy, penalty 1.2
Decoding(top_p=0.9, temperature=0.6)                 # sampled (its Table 10)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """How responses are decoded.

    Args:
        max_new_tokens: longest response.
        min_new_tokens: shortest response; no end before.
        repetition_penalty: Keskar et al. 2019; the paper uses 1.2 throughout.
        top_p: nucleus sampling; greedy where it is None.
        temperature: of the sampling.
        batch: prompts decoded together.
        seed: of the sampling.

    Raises:
        ValueError: one of top_p and temperature is given alone.
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
