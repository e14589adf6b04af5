"""Pretrain a base model of the laboratory.

    python -m experiments.nano.pretrain --role llama-2-7b

The architecture is Llama's (OPT's for `opt-6.7b`); sizes and hyperparameters of each role are in
`experiments/roles/models.py`. Training uses transformers' Trainer with AdamW (betas 0.9 and 0.95,
weight decay 0.1), a cosine learning rate, and rows of 512 tokens packed from the corpus without
padding. No document is used twice. The output layer shares the embedding's weights while a model is
trained, which crowds the embeddings as those of real models are; a Llama model then gets an output
layer of its own with the same values, as LLaMA has one.

An interrupted training resumes from its last checkpoint in `runs/pretraining`. The finished model
is written to `experiments/nano/models/<role>` as bfloat16 safetensors, with `pretraining.json` and
a model card. A model of 2.4M parameters takes about 25 minutes on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    OPTConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from experiments.nano.corpus import documents
from experiments.nano.model_card import measured, model_card
from experiments.nano.tokenizer import VOCABULARY, texts_of_other_worlds, train_tokenizer
from experiments.nano.world import World, make_world
from experiments.paths import LABORATORY, RUNS
from experiments.roles.models import MODELS, Pretraining
from neftune.training import precision
from neftune.training.files import write_atomic

CORPUS_SEED = 0
HELD_OUT_SEED = 1
ROW = 512


def schedule(base: Pretraining) -> str:
    """Return a name shared by models that differ only in when they leave the schedule."""
    content = json.dumps(asdict(replace(base, stop=1.0, cooldown=0.0)))
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def configuration(base: Pretraining, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    """Return the model's configuration for transformers."""
    shared: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": base.d,
        "num_hidden_layers": base.layers,
        "num_attention_heads": base.heads,
        "max_position_embeddings": 1024,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
    }
    if base.architecture == "opt":
        return OPTConfig(**shared, ffn_dim=base.feedforward, word_embed_proj_dim=base.d)
    return LlamaConfig(**shared, intermediate_size=base.feedforward, num_key_value_heads=base.heads)


def token_rows(
    tokenizer: PreTrainedTokenizerBase, world: World, seed: int, tokens: int
) -> np.ndarray:
    """Tokenize documents, with `</s>` after each, and cut the tokens into rows.

    Args:
        tokenizer: the model's tokenizer.
        world: the world that the documents are about.
        seed: of the corpus.
        tokens: how many.

    Returns:
        Token ids, uint16, shape (tokens // ROW, ROW).
    """
    stream = np.empty(tokens, dtype=np.uint16)
    filled = start = 0
    with tqdm(total=tokens, desc="tokenizing the corpus", unit="token") as bar:
        while filled < tokens:
            texts = list(documents(world, seed, 1000, start))
            ids = [
                i for text in tokenizer(texts)["input_ids"] for i in (*text, tokenizer.eos_token_id)
            ]
            taken = min(len(ids), tokens - filled)
            stream[filled : filled + taken] = ids[:taken]
            filled += taken
            start += 1000
            bar.update(taken)
    return stream[: tokens // ROW * ROW].reshape(-1, ROW)


class StopAt(TrainerCallback):
    """Save a checkpoint and stop the training at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Stop the training if the step is reached; the Trainer calls this after every step."""
        if state.global_step >= self.step:
            control.should_save = control.should_training_stop = True


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Rows of token ids as a dataset for the Trainer."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(self.rows[index].astype(np.int64))
        return {"input_ids": ids, "labels": ids}


def _trainer(
    base: Pretraining, model: PreTrainedModel, rows: np.ndarray, work: Path, stop: int
) -> Trainer:
    """Return a Trainer for one epoch over the rows that stops at a step."""
    return Trainer(
        model,
        TrainingArguments(
            str(work),
            per_device_train_batch_size=base.batch,
            num_train_epochs=1,
            learning_rate=base.lr,
            lr_scheduler_type="cosine",
            warmup_steps=base.warmup,
            weight_decay=0.1,
            adam_beta2=0.95,
            bf16=precision.for_training() == torch.bfloat16,
            use_cpu=not torch.cuda.is_available(),
            torch_compile=True,
            logging_steps=25,
            save_steps=250,
            save_total_limit=1,
            report_to=[],
            seed=base.seed,
        ),
        train_dataset=Rows(rows),
        callbacks=[StopAt(stop)],
    )


def cooled(step: int, *, steps: int, warmup: int, stop: int, end: int) -> float:
    """Return the factor of the peak learning rate in a cooldown.

    The factor falls linearly from that of the cosine schedule at `stop` to 0 at `end`.

    Args:
        step: the current step, at least `stop`.
        steps: length of the whole cosine schedule.
        warmup: steps in which its learning rate rises.
        stop: the step at which the training leaves the cosine schedule.
        end: the step at which the factor is 0.
    """
    left = 0.5 * (1 + math.cos(math.pi * (stop - warmup) / (steps - warmup)))
    return left * max(0.0, min(1.0, (end - step) / (end - stop)))


def _train(
    role: str, base: Pretraining, model: PreTrainedModel, rows: np.ndarray, work: Path
) -> tuple[Trainer, float]:
    """Train the model on its schedule up to `base.stop`, then through the cooldown if it has one.

    Args:
        role: the name of the model's folder, for error messages.
        base: what to train.
        model: with its initial weights.
        rows: the corpus as token ids, shape (N, ROW).
        work: the folder of the checkpoints.

    Returns:
        The trainer of the last stage, and the seconds that the training took, including those
        before an interruption.

    Raises:
        ValueError: the checkpoints in `work` are from after the step at which this model stops.
    """
    steps = math.ceil(len(rows) / base.batch)
    stop, end = round(base.stop * steps), round((base.stop + base.cooldown) * steps)
    checkpoint = get_last_checkpoint(str(work))
    reached = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    if reached > stop:
        raise ValueError(
            f"{checkpoint} is from after step {stop}, at which the training of {role} leaves its "
            "schedule; give another folder (--work)"
        )
    # The seconds of all finished stages; a model with the same schedule continues from here.
    spent = work / "seconds.txt"
    seconds = float(spent.read_text()) if spent.exists() else 0.0
    started = time.monotonic()
    if reached < stop or end == stop:
        trainer = _trainer(base, model, rows, work, stop)
        trainer.train(resume_from_checkpoint=checkpoint)
        write_atomic(spent, str(seconds + time.monotonic() - started))
    if end > stop:
        cooling = work.with_name(f"{work.name}-cooldown")
        trainer = _trainer(base, model, rows, cooling, end)
        falls = partial(cooled, steps=steps, warmup=base.warmup, stop=stop, end=end)
        trainer.lr_scheduler = LambdaLR(trainer.create_optimizer(), falls)
        own = get_last_checkpoint(str(cooling)) if cooling.exists() else None
        trainer.train(resume_from_checkpoint=own or get_last_checkpoint(str(work)))
    return trainer, seconds + time.monotonic() - started


def shipped_form(model: PreTrainedModel) -> PreTrainedModel:
    """Give a Llama model an output layer of its own, with the embedding's values.

    Args:
        model: trained with tied weights.

    Returns:
        A model that computes the same. OPT has tied weights and is returned as it is.
    """
    if not isinstance(model.config, LlamaConfig):
        return model
    config = LlamaConfig(**{**model.config.to_dict(), "tie_word_embeddings": False})
    untied: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    state = model.state_dict()
    state["lm_head.weight"] = model.get_input_embeddings().weight.detach().clone()
    untied.load_state_dict(state)
    return untied


def pretrain(role: str, base: Pretraining, work: Path, out: Path) -> dict[str, Any]:
    """Pretrain one model, and write it with its record and its card.

    Args:
        role: the name of the model's folder.
        base: what to train.
        work: the folder of the checkpoints, from which an interrupted training resumes.
        out: the folder of the finished model.

    Returns:
        The record, which is also the content of `pretraining.json`.
    """
    set_seed(base.seed)
    world = make_world()
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(texts_of_other_worlds())
    rows = token_rows(tokenizer, world, CORPUS_SEED, base.tokens)
    model = AutoModelForCausalLM.from_config(configuration(base, tokenizer))
    trainer, seconds = _train(role, base, model, rows, work)

    fresh = out.with_name(out.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    shipped_form(model).to("cpu", torch.bfloat16).save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    shipped = AutoModelForCausalLM.from_pretrained(fresh, dtype=torch.float32).eval()
    held_out = token_rows(tokenizer, world, HELD_OUT_SEED, 200 * ROW)
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    record: dict[str, Any] = {
        "parameters": shipped.num_parameters(),
        "tokens": min(int(rows.size), trainer.state.global_step * base.batch * ROW),
        "seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        **measured(shipped, tokenizer, world, held_out),
        "loss_curve": [(int(h["step"]) * base.batch * ROW, float(h["loss"])) for h in history],
    }
    (fresh / "pretraining.json").write_text(json.dumps(record, indent=1) + "\n")
    (fresh / "README.md").write_text(model_card(role, base, record))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return record


def main() -> None:
    """The command line."""
    pretrained = {
        role: model.stand_ins["nano"].pretraining
        for role, model in MODELS.items()
        if "nano" in model.stand_ins and model.stand_ins["nano"].pretraining
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--role", choices=sorted(pretrained), required=True)
    parser.add_argument("--work", type=Path, default=RUNS / "pretraining")
    arguments = parser.parse_args()
    base = pretrained[arguments.role]
    assert base is not None
    out = LABORATORY / "models" / arguments.role
    record = pretrain(arguments.role, base, arguments.work / schedule(base), out)
    print(json.dumps({k: v for k, v in record.items() if k != "loss_curve"}, indent=1))


if __name__ == "__main__":
    main()
