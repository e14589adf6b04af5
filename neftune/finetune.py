"""Fine-tune a model on instructions, with or without noise: transformers' Trainer, the paper's way.

    finetune(model, tokenizer, examples, Recipe(), Noise(alpha=5), seed=0, out=Path("tuned"))

AdamW without weight decay, cosine learning rate with 3% warmup, gradient norm clipped at 1, loss on
the response only (the paper's appendix A.1). Losses with the noise off are logged at regular
intervals on any number of other sets: with the noise on, curves of different alpha look alike.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial as with_settings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)

from neftune import precision
from neftune.attachment import pretrained_model
from neftune.callback import NEFTune
from neftune.checkpoints import KEPT, MarkWhole, last_whole_checkpoint, remove_halves
from neftune.compilation import blocks, compiled_blocks
from neftune.data import Example, collator
from neftune.freelb import FreeLBTrainer
from neftune.packing import KeepApart, pack
from neftune.spec import Execution, Noise, Part, Recipe

if TYPE_CHECKING:
    from peft import PeftModel

CLEAN_LOSS_POINTS = 4
ONE_PROCESS = Execution()


def finetune(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    recipe: Recipe,
    noise: Noise,
    *,
    seed: int,
    out: Path,
    probes: Mapping[str, Sequence[Example]] | None = None,
    execution: Execution = ONE_PROCESS,
) -> list[dict[str, Any]]:
    """Fine-tune, and write the model, its tokenizer and the log.

    Args:
        model: in float32, or a `qlora.load`ed one; it is changed in place. Matrix products run in
            the format that is fast here (`neftune.precision`).
        tokenizer: the model's; needs a padding token.
        examples: the training set.
        recipe: hyperparameters.
        noise: what is added to the embeddings while training.
        seed: of data order and noise.
        out: folder that receives a Hugging Face checkpoint and `training_log.jsonl`; it appears
            only when the training is done.
        probes: sets on which the loss without noise is logged during training.
        execution: how it is carried out.

    Returns:
        The log: one dictionary a line of `training_log.jsonl`; `loss` is the training loss with the
        noise on, `eval_<probe>_loss` without.

    Raises:
        ValueError: the batch cannot be split over the processes there are, or cannot be packed.
    """
    set_seed(seed)
    steps = math.ceil(len(examples) / recipe.batch) * recipe.epochs
    logging_steps = max(1, steps // 20)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    sharded = processes > 1 and execution.sharding != "none"
    micro_batch = min(recipe.micro_batch, recipe.batch // processes)
    if micro_batch == 0 or recipe.batch % (micro_batch * processes):
        raise ValueError(
            f"a batch of {recipe.batch} cannot be split over {processes} processes in passes of "
            f"{recipe.micro_batch}: change batch or micro_batch"
        )
    if execution.packed and recipe.freelb is not None:
        raise ValueError("FreeLB trains padded batches: set packed=False in the execution")
    partial = out.with_name(out.name + ".partial")
    stopped = last_whole_checkpoint(partial) if execution.checkpoint_steps else None
    if is_main_process():
        if stopped:
            remove_halves(partial)
        else:
            shutil.rmtree(partial, ignore_errors=True)
    freeze(model, recipe.frozen)
    trainer_kind: Any = Trainer
    if recipe.freelb is not None:
        trainer_kind = with_settings(FreeLBTrainer, settings=recipe.freelb, noise_seed=seed)
    trainer = trainer_kind(
        model,
        TrainingArguments(
            str(partial),
            per_device_train_batch_size=micro_batch,
            gradient_accumulation_steps=recipe.batch // (micro_batch * processes),
            per_device_eval_batch_size=64,
            num_train_epochs=recipe.epochs,
            learning_rate=recipe.lr,
            lr_scheduler_type=recipe.schedule,
            warmup_steps=math.ceil(steps * recipe.warmup),
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.max_grad_norm,
            activation_checkpointing=execution.gradient_checkpointing and not sharded,
            fsdp=sharded or None,
            fsdp_config={
                "cpu_offload": execution.sharding == "fsdp, offload",
                "activation_checkpointing": execution.gradient_checkpointing,
            }
            if sharded
            else None,
            bf16=precision.for_training() == torch.bfloat16,
            use_cpu=not torch.cuda.is_available(),
            train_sampling_strategy="random" if execution.split_independent else "group_by_length",
            logging_steps=logging_steps,
            eval_strategy="steps" if probes else "no",
            eval_steps=max(1, steps // CLEAN_LOSS_POINTS),
            eval_on_start=bool(probes) and stopped is None,
            save_strategy="steps" if execution.checkpoint_steps else "no",
            # Just after a logged loss, which is a mean since the one before.
            save_steps=math.ceil((execution.checkpoint_steps or 1) / logging_steps) * logging_steps,
            save_total_limit=KEPT,
            report_to=[],
            disable_tqdm=None,
            seed=seed,
        ),
        train_dataset=list(examples),
        eval_dataset={n: sorted(p, key=_length) for n, p in probes.items()} if probes else None,
        data_collator=pack if execution.packed else collator(tokenizer.pad_token_id),
        callbacks=[
            *([KeepApart()] if execution.packed else []),
            NEFTune(noise, by_sequence=execution.split_independent),
            MarkWhole(),
        ],
    )
    if recipe.epochs:
        with compiled_blocks(model) if execution.compile_blocks else nullcontext():
            trainer.train(resume_from_checkpoint=stopped)
    elif probes:
        trainer.evaluate()
    log = [_reproducible(entry) for entry in trainer.state.log_history]
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if _sharded() else None
    if is_main_process():
        _ordinary(model).save_pretrained(partial, state_dict=weights)
        tokenizer.save_pretrained(partial)
        for checkpoint in partial.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        lines = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in log)
        (partial / "training_log.jsonl").write_text(lines)
        shutil.rmtree(out, ignore_errors=True)
        os.replace(partial, out)
    trainer.accelerator.wait_for_everyone()
    return log


def is_main_process() -> bool:
    """Whether this process is the one of several that writes files."""
    return os.environ.get("RANK", "0") == "0"


def _sharded() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _ordinary(model: Any) -> PreTrainedModel:
    """The model itself, or with its adapter merged into it."""
    if not hasattr(model, "peft_config"):
        return model
    from neftune.qlora import merged

    return merged(model)


def freeze(model: nn.Module, parts: Sequence[Part]) -> None:
    """Keep parts of a model from training (the paper's Table 11).

    Args:
        model: a transformers model, or a wrapper of one.
        parts: `embedding`, `lm_head`, `attention` (the self-attention of every layer) or `blocks`
            (every layer, whole).

    Raises:
        ValueError: one of embedding and output layer is to be frozen, and they are the same.
    """
    if not parts:
        return
    inner = pretrained_model(model)
    embedding, head = inner.get_input_embeddings(), inner.get_output_embeddings()
    if embedding.weight is head.weight and len({"embedding", "lm_head"} & set(parts)) == 1:
        raise ValueError(
            "this model's output layer is its embedding layer: freeze both, or untie them first "
            "(tie_word_embeddings=False)"
        )
    frozen = {
        "embedding": [embedding],
        "lm_head": [head],
        "attention": [m for name, m in inner.named_modules() if name.endswith("self_attn")],
        "blocks": blocks(inner),
    }
    for part in parts:
        for module in frozen[part]:
            module.requires_grad_(False)


def _length(example: Example) -> int:
    return len(example["input_ids"])


def _reproducible(entry: dict[str, Any]) -> dict[str, Any]:
    """A log entry without what depends on the clock or on stops: the same run, the same bytes."""
    other = {"total_flos", "train_loss"}
    timed = ("_runtime", "_per_second")
    return {k: v for k, v in entry.items() if k not in other and not k.endswith(timed)}
