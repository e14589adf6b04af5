"""Fine-tune a model on instructions with transformers' Trainer, with or without noise.

    finetune(model, tokenizer, examples, Recipe(), Noise(alpha=5), seed=0, out=Path("tuned"))

The defaults are those of the paper's appendix A.1: AdamW without weight decay, a cosine learning
rate with 3% warmup, gradients clipped at norm 1, and the loss on the response only. During the
training, losses without noise are logged at regular intervals on any number of other sets, because
training losses with noise of different alpha cannot be compared.

The output folder is a Hugging Face checkpoint with two more files: `training_log.jsonl`, the
Trainer's log, and `training_settings.json`, what was trained and how.
"""

from __future__ import annotations

import gc
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from neftune.callback import NEFTune
from neftune.distributions import Noise
from neftune.embeddings import pretrained_model
from neftune.training import precision
from neftune.training.bounded_trainer import BoundedTrainer, return_freed_memory
from neftune.training.checkpoints import (
    KEPT,
    MarkComplete,
    last_complete_checkpoint,
    remove_incomplete,
)
from neftune.training.compilation import blocks, can_compile, compiled_blocks
from neftune.training.data import Example, collator
from neftune.training.dropout import dropped
from neftune.training.epochs import KeepEpochs
from neftune.training.files import give_usual_permissions, replace_folder
from neftune.training.freelb import FreeLBTrainer
from neftune.training.packing import KeepApart, pack
from neftune.training.recipe import Execution, Part, Recipe
from neftune.training.reporting import asked_reporter, reporting
from neftune.training.rivals import PenaltyTrainer, SmoothedTrainer

if TYPE_CHECKING:
    from peft import PeftModel

CLEAN_LOSS_POINTS = 4
DEFAULT_EXECUTION = Execution()


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
    execution: Execution = DEFAULT_EXECUTION,
    report_to: str | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> list[dict[str, Any]]:
    """Fine-tune a model, and write it with its tokenizer, the log and the settings.

    One line says what is trained before the training begins. Afterwards the optimizer's state and
    the gradients are gone.

    Args:
        model: from `base_model.load_model_and_tokenizer`; it is changed in place. Matrix products
            use the number format of `neftune.training.precision`.
        tokenizer: the model's tokenizer, with a padding token.
        examples: the training set.
        recipe: the hyperparameters.
        noise: the noise on the embeddings in training.
        seed: of data order and noise.
        out: the folder for the checkpoint, `training_log.jsonl` and `training_settings.json`; it
            appears only when the training is complete.
        probes: sets of examples on which the loss without noise is logged during training.
        execution: how the training is executed.
        report_to: where the log is shown as well, see `neftune.training.reporting`; by default
            where the environment variable REPORT_TO says.
        callbacks: further ones of the Trainer.

    Returns:
        The log, one dictionary for each line of `training_log.jsonl`: `loss` is the training loss
        with noise, `eval_<probe>_loss` is without noise, both in nats per token.

    Raises:
        ValueError: the batch cannot be split over the processes, or cannot be packed.
        ReporterError: the log cannot be shown.
    """
    reporter = asked_reporter(report_to)
    set_seed(seed)
    unfinished = out.with_name(out.name + ".partial")
    checkpoint = last_complete_checkpoint(unfinished) if execution.checkpoint_steps else None
    resume = checkpoint is not None
    steps = math.ceil(len(examples) / recipe.batch) * recipe.epochs
    arguments = training_arguments(
        unfinished, recipe, execution, steps=steps, seed=seed, evaluate=bool(probes), resume=resume
    )
    if is_main_process():
        _clear(unfinished, resume)
        print(summary(model, examples, recipe, noise, steps), flush=True)
    settings = _settings(model, examples, recipe, noise, seed, execution)
    freeze(model, recipe.frozen)
    trainer = _trainer_class(recipe, seed)(
        model,
        arguments,
        train_dataset=list(examples),
        eval_dataset={n: sorted(p, key=_length) for n, p in probes.items()} if probes else None,
        data_collator=pack if execution.packed else collator(tokenizer.pad_token_id),
        probe_padding=tokenizer.pad_token_id,
        callbacks=[
            *([KeepApart()] if execution.packed else []),
            NEFTune(noise, by_sequence=execution.noise_by_sequence, report=False),
            MarkComplete(),
            *([KeepEpochs(unfinished)] if execution.keep_epochs else []),
            *callbacks,
        ],
    )
    with reporting(reporter if is_main_process() else None, unfinished) as reporters:
        for callback in reporters:
            trainer.add_callback(callback)
        _train(trainer, recipe, execution, checkpoint)
    settings["steps"] = trainer.state.global_step
    log = [_reproducible(entry) for entry in trainer.state.log_history]
    _save(trainer, model, tokenizer, log, settings, out)
    # The Trainer holds the optimizer's state and refers to itself; the model holds gradients.
    del trainer
    model.zero_grad()
    gc.collect()
    return_freed_memory()
    return log


def _train(
    trainer: BoundedTrainer, recipe: Recipe, execution: Execution, checkpoint: str | None
) -> None:
    if recipe.epochs:
        # A compiled block does not notice that hooks were added to its parts.
        compiled = execution.compile_blocks and can_compile() and not recipe.dropout
        with (
            dropped(trainer.model, recipe.dropout, int(trainer.args.seed)),
            compiled_blocks(trainer.model) if compiled else nullcontext(),
        ):
            trainer.train(resume_from_checkpoint=checkpoint)
    elif trainer.eval_dataset:
        trainer.evaluate()


def summary(
    model: nn.Module, examples: Sequence[Example], recipe: Recipe, noise: Noise, steps: int
) -> str:
    """Say in one line what is trained: the model, its size, the examples, the noise.

    Args:
        model: a transformers model, or a wrapper of one.
        examples: the training set.
        recipe: the hyperparameters.
        noise: the noise on the embeddings.
        steps: optimizer steps of the training.
    """
    inner = pretrained_model(model)
    name = inner.config.name_or_path or type(inner).__name__
    way = "an adapter on " if recipe.adapter == "qlora" else ""
    if recipe.freelb is not None:
        disturbed = "adversarial perturbations (FreeLB)"
    elif recipe.penalty:
        disturbed = f"a penalty in place of noise of alpha {recipe.penalty:g}"
    elif noise.alpha:
        disturbed = f"{noise.distribution} noise of alpha {noise.alpha:g}"
    else:
        disturbed = "no noise"
    where = "" if noise.tokens == "all" else f" of the {noise.tokens}s"
    return (
        f"Training {way}{name}, {count_parameters(model):,} parameters, on {len(examples):,} "
        f"examples in {steps:,} steps, with {disturbed} on the embeddings{where}."
    )


def training_arguments(
    folder: Path,
    recipe: Recipe,
    execution: Execution,
    *,
    steps: int,
    seed: int,
    evaluate: bool,
    resume: bool,
) -> TrainingArguments:
    """Translate a recipe and an execution into the Trainer's arguments.

    Args:
        folder: for the Trainer's checkpoints.
        recipe: the hyperparameters.
        execution: how the training is executed.
        steps: optimizer steps of the training.
        seed: of data order.
        evaluate: log losses on evaluation sets.
        resume: the training continues from a checkpoint.

    Raises:
        ValueError: the batch cannot be split over the processes, or cannot be packed, or epochs
            cannot be kept.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    sharded = processes > 1 and execution.sharding != "none"
    micro_batch = min(recipe.micro_batch, recipe.batch // processes)
    if micro_batch == 0 or recipe.batch % (micro_batch * processes):
        raise ValueError(
            f"a batch of {recipe.batch} cannot be split over {processes} processes in forward "
            f"passes of {recipe.micro_batch}: change batch or micro_batch"
        )
    if execution.packed and (recipe.freelb is not None or recipe.penalty):
        raise ValueError(
            "FreeLB and the penalty train padded batches: set packed=False in the execution"
        )
    if execution.keep_epochs and (sharded or recipe.adapter != "none"):
        raise ValueError("keep_epochs needs a whole model in each process, without an adapter")
    logging_steps = max(1, steps // 20)
    fsdp_config = {
        "cpu_offload": execution.sharding == "fsdp, offload",
        "activation_checkpointing": execution.gradient_checkpointing,
    }
    return TrainingArguments(
        str(folder),
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=recipe.batch // (micro_batch * processes),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.lr,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=math.ceil(steps * recipe.warmup),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        activation_checkpointing=execution.gradient_checkpointing and not sharded,
        fsdp=sharded or None,
        fsdp_config=fsdp_config if sharded else None,
        # The penalty is a small difference of losses, which bfloat16 would round away.
        bf16=precision.for_training() == torch.bfloat16 and not recipe.penalty,
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="group_by_length" if execution.group_by_length else "random",
        logging_steps=logging_steps,
        eval_strategy="steps" if evaluate else "no",
        eval_steps=max(1, steps // CLEAN_LOSS_POINTS),
        eval_on_start=evaluate and not resume,
        save_strategy="steps" if execution.checkpoint_steps else "no",
        # A logged loss is the mean since the one before, so save just after one is logged.
        save_steps=math.ceil((execution.checkpoint_steps or 1) / logging_steps) * logging_steps,
        save_total_limit=KEPT,
        report_to=[],
        disable_tqdm=None,
        seed=seed,
    )


def _clear(folder: Path, resume: bool) -> None:
    """Remove what an interrupted training left and this one does not resume from."""
    if resume:
        remove_incomplete(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _trainer_class(recipe: Recipe, seed: int) -> Callable[..., BoundedTrainer]:
    if recipe.freelb is not None:
        return partial(FreeLBTrainer, settings=recipe.freelb, noise_seed=seed)
    if recipe.label_smoothing:
        return partial(SmoothedTrainer, share=recipe.label_smoothing)
    if recipe.penalty:
        return partial(PenaltyTrainer, noise=Noise(recipe.penalty), noise_seed=seed)
    return BoundedTrainer


def _settings(
    model: nn.Module,
    examples: Sequence[Example],
    recipe: Recipe,
    noise: Noise,
    seed: int,
    execution: Execution,
) -> dict[str, Any]:
    return {
        "examples": len(examples),
        "tokens": sum(map(_length, examples)),
        "parameters": count_parameters(model),
        "seed": seed,
        "recipe": asdict(recipe),
        "noise": asdict(noise),
        "execution": asdict(execution),
    }


def count_parameters(model: nn.Module) -> int:
    """The number of parameters of a base model, without those of adapters.

    Args:
        model: a transformers model, or a wrapper of one. 4-bit weights count as many parameters as
            the weights that they quantize.
    """
    inner = pretrained_model(model)
    adapters = sum(value.numel() for name, value in inner.named_parameters() if "lora_" in name)
    return int(inner.num_parameters()) - adapters


def _save(
    trainer: BoundedTrainer,
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    log: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    out: Path,
) -> None:
    """Write all files into the Trainer's folder, remove its checkpoints, and rename it to `out`."""
    folder = Path(str(trainer.args.output_dir))
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if _distributed() else None
    if is_main_process():
        _merged(model).save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        lines = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in log)
        (folder / "training_log.jsonl").write_text(lines)
        content = json.dumps(settings, indent=1, sort_keys=True) + "\n"
        (folder / "training_settings.json").write_text(content)
        give_usual_permissions(folder)
        replace_folder(folder, out)
    trainer.accelerator.wait_for_everyone()


def is_main_process() -> bool:
    """Whether this process is the one that writes files."""
    return os.environ.get("RANK", "0") == "0"


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _merged(model: Any) -> PreTrainedModel:
    """The model itself if it has no adapter, else a model with the adapter merged into it."""
    if not hasattr(model, "peft_config"):
        return model
    from neftune.training.qlora import merged

    return merged(model)


def freeze(model: nn.Module, parts: Sequence[Part]) -> None:
    """Exclude parts of a model from training (Table 11 of the paper).

    Args:
        model: a transformers model, or a wrapper of one.
        parts: `embedding`, `lm_head`, `attention` (the self-attention of every block) or `blocks`
            (all of every transformer block).

    Raises:
        ValueError: only one of the embedding and the output layer is to be frozen, but they share
            their weights.
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
    """A log entry without the values that depend on timing or on interruptions."""
    other = {"total_flos", "train_loss"}
    timed = ("_runtime", "_per_second")
    return {k: v for k, v in entry.items() if k not in other and not k.endswith(timed)}
