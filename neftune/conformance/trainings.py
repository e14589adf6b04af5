"""Situations of trainings: transformers' Trainer with the library's noise."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from torch import Tensor

from neftune.conformance import models
from neftune.conformance.libraries import Library
from neftune.conformance.measuring import (
    ALPHA,
    PASSES,
    SHORT,
    SHORT_ONE,
    Batch,
    Situation,
    by_the_rule,
    drawn_ids,
    first_layer,
    inputs_of,
    into,
    padded,
    weights,
)

SITUATIONS: dict[str, Situation] = {}
situation = into(SITUATIONS, training=True)


def _trainer(library: Library, model: Any, batches: list[Batch], out: str, **settings: Any) -> Any:
    """A Trainer that changes no weight, on batches as they are."""
    from transformers import PrinterCallback, Trainer, TrainingArguments

    assert library.trainer is not None
    noisy, arguments, callbacks = library.trainer(model, ALPHA)
    trainer = Trainer(
        noisy,
        TrainingArguments(
            out,
            per_device_train_batch_size=1,
            learning_rate=0.0,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            logging_strategy="no",
            remove_unused_columns=False,
            **settings,
            **arguments,
        ),
        train_dataset=[batch | {"labels": batch["input_ids"]} for batch in batches],
        data_collator=lambda rows: rows[0],
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


@situation("gradient accumulation", f"two batches a step, of {SHORT} tokens beside 160 and 80")
def _(library: Library) -> float:
    model, batches, kept = models.llama(), [padded(), padded(longest=80)], list[Tensor]()
    clean = {len(batch["input_ids"][0]): weights(model)[batch["input_ids"]] for batch in batches}
    with tempfile.TemporaryDirectory() as out:
        trainer = _trainer(
            library, model, batches, out, max_steps=PASSES // 2, gradient_accumulation_steps=2
        )
        hook = inputs_of(first_layer(model), kept)
        trainer.train()
        hook.remove()
    found = [each[0, SHORT_ONE] - clean[each.shape[1]][0, SHORT_ONE] for each in kept]
    return by_the_rule(torch.stack(found))


@situation("a second training after an error", "Trainer.train() raises, and is called again")
def _(library: Library) -> float:
    model, ids, kept = models.llama(), drawn_ids(1, SHORT), list[Tensor]()
    with tempfile.TemporaryDirectory() as out:
        trainer = _trainer(library, model, [{"input_ids": ids}], out, max_steps=PASSES)
        broken = model.lm_head.register_forward_pre_hook(lambda *_: 1 / 0)
        try:
            trainer.train()
        except ZeroDivisionError:
            broken.remove()
        hook = inputs_of(first_layer(model), kept)
        trainer.train()
        hook.remove()
    clean = weights(model)[ids[0]]
    return by_the_rule(torch.stack([each[0] - clean for each in kept]))
