"""The prompt formats of the paper: Alpaca's, and Vicuna's v1.1.

    alpaca_prompt("Name a colour.")          # what stands before the response
    vicuna_prompt("Name a colour.")

Sources: Taori et al. 2023 (Stanford Alpaca) for the first, with its variant for rows that have an
`input`; FastChat's `vicuna_v1.1` conversation for the second. NEFTune's section 3 names which set
uses which.
"""

from __future__ import annotations

from collections.abc import Callable

ALPACA = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:\n"
)
ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
)
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. "
    "USER: {instruction} ASSISTANT: "
)


def alpaca_prompt(instruction: str, input: str = "") -> str:
    """Alpaca's prompt; with an input, its second form."""
    template = ALPACA_WITH_INPUT if input else ALPACA
    return template.format(instruction=instruction, input=input)


def vicuna_prompt(instruction: str, input: str = "") -> str:
    """Vicuna's v1.1 prompt of one turn; an input follows the instruction on a line of its own."""
    return VICUNA.format(instruction=f"{instruction}\n{input}" if input else instruction)


PROMPTS: dict[str, Callable[..., str]] = {"alpaca": alpaca_prompt, "vicuna": vicuna_prompt}


def _no_following(instruction: str) -> str:
    raise ValueError("Alpaca's prompt holds a single exchange; use vicuna for longer conversations")


FOLLOWING_PROMPTS: dict[str, Callable[[str], str]] = {
    "alpaca": _no_following,
    "vicuna": "USER: {} ASSISTANT: ".format,
}
"""What stands before the second response of a conversation, and each later one."""
