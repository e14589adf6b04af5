"""The prompt formats of the paper: Alpaca's, and Vicuna's v1.1.

    alpaca_prompt("Name a colour.")                      # the text before the response
    vicuna_prompt("Name a colour.")

Sources: Stanford Alpaca (Taori et al. 2023), with its second format for rows that have an `input`,
and FastChat's `vicuna_v1.1` conversation. Section 3 of the NEFTune paper says which data set uses
which format.
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
    """Alpaca's prompt, in its second format if there is an input.

    Args:
        instruction: the request.
        input: the context of the request; may be empty.

    Returns:
        The text before the response.
    """
    template = ALPACA_WITH_INPUT if input else ALPACA
    return template.format(instruction=instruction, input=input)


def vicuna_prompt(instruction: str, input: str = "") -> str:
    """Vicuna's v1.1 prompt for the first turn of a conversation.

    Args:
        instruction: the request.
        input: the context of the request, appended on a new line; may be empty.

    Returns:
        The text before the response.
    """
    return VICUNA.format(instruction=f"{instruction}\n{input}" if input else instruction)


PROMPTS: dict[str, Callable[..., str]] = {"alpaca": alpaca_prompt, "vicuna": vicuna_prompt}
"""The text before the first response of a conversation, by the name of the format."""


def _no_following(instruction: str) -> str:
    raise ValueError("Alpaca's prompt holds a single exchange; use vicuna for longer conversations")


FOLLOWING_PROMPTS: dict[str, Callable[[str], str]] = {
    "alpaca": _no_following,
    "vicuna": "USER: {} ASSISTANT: ".format,
}
"""The text before the second and each later response of a conversation, by format."""
