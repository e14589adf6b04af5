"""Four rows to train on, and the arguments that the examples share."""

from __future__ import annotations

import sys
from typing import Any

ROWS = [
    {"prompt": "Name a colour.", "completion": " Green is a colour."},
    {"prompt": "What is two and three?", "completion": " It is five."},
    {"prompt": "Say hello.", "completion": " Hello! How are you today?"},
    {"prompt": "What do bees make?", "completion": " Bees make honey and wax."},
]


def model_name() -> str:
    """The model that the command names."""
    if len(sys.argv) < 2:
        raise SystemExit(f"usage: python {sys.argv[0]} MODEL")
    return sys.argv[1]


def encoded(tokenizer: Any) -> list[dict[str, list[int]]]:
    """The rows as token ids, with labels on the completions alone."""
    made = []
    for row in ROWS:
        prompt = tokenizer(row["prompt"])["input_ids"]
        rest = tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
        ids = [*prompt, *rest, tokenizer.eos_token_id]
        labels = [-100] * len(prompt) + ids[len(prompt) :]
        made.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return made
