"""Situations of batches: one sequence, padded ones, packed ones, and what tells them apart."""

from __future__ import annotations

import torch

from neftune.conformance import models
from neftune.conformance.libraries import Library
from neftune.conformance.measuring import (
    LONG,
    SHORT,
    Batch,
    Situation,
    drawn_ids,
    into,
    measured,
    padded,
)

SITUATIONS: dict[str, Situation] = {}
situation = into(SITUATIONS)


def packed() -> Batch:
    """Eight sequences in one row, told apart by their positions."""
    positions = torch.arange(SHORT).repeat(8)[None]
    return {"input_ids": drawn_ids(1, 8 * SHORT), "position_ids": positions}


@situation("one sequence", "a batch of one sequence, without padding")
def _(library: Library) -> float:
    ids = drawn_ids(1, SHORT)
    return measured(library, models.llama().train(), lambda m: m(input_ids=ids), slice(None))


@situation("a short sequence in a padded batch", f"{SHORT} tokens beside {LONG}, padded right")
def _(library: Library) -> float:
    batch = padded()
    return measured(library, models.llama().train(), lambda m: m(**batch))


@situation("the same, padded left", f"{SHORT} tokens beside {LONG}, padded left")
def _(library: Library) -> float:
    batch = padded(left=True)
    return measured(library, models.llama().train(), lambda m: m(**batch), slice(-SHORT, None))


@situation("padding", "the padding beside a short sequence", right=0)
def _(library: Library) -> float:
    batch = padded()
    return measured(library, models.llama().train(), lambda m: m(**batch), slice(SHORT, None))


@situation("packed, by positions", f"eight sequences of {SHORT} tokens in one row")
def _(library: Library) -> float:
    batch = packed()
    return measured(library, models.llama().train(), lambda m: m(**batch))


@situation("packed, by cu_seq_lens", "the same, told by where they begin")
def _(library: Library) -> float:
    ids = drawn_ids(1, 8 * SHORT)
    begins = torch.arange(0, 8 * SHORT + 1, SHORT, dtype=torch.int32)
    return measured(
        library,
        models.llama().train(),
        lambda m: m(input_ids=ids, cu_seq_lens_q=begins),
    )


@situation("packed, by a numbered mask", "the same, told by the numbers 1 to 8 in the mask")
def _(library: Library) -> float:
    batch = {
        "input_ids": drawn_ids(1, 8 * SHORT),
        "attention_mask": torch.arange(1, 9).repeat_interleave(SHORT)[None],
    }
    return measured(library, models.llama().train(), lambda m: m(**batch))


@situation("padding-free", f"TRL's collator: {SHORT} tokens and {LONG} in one row", needs=("trl",))
def _(library: Library) -> float:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    rows = [{"input_ids": drawn_ids(1, length)[0].tolist()} for length in (SHORT, LONG)]
    batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)(rows)
    return measured(library, models.llama().train(), lambda m: m(**batch))
