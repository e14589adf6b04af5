"""Pretrain a base model of the laboratory, resumably, and write its model card.

    python -m experiments.nano.pretrain --role llama-2-7b

Llama's architecture (OPT's for `opt-6.7b`), transformers' Trainer, AdamW (beta 0.9, 0.95; weight
decay 0.1), cosine learning rate, rows of 512 tokens packed from the corpus without padding. Every
token is new: no document is shown twice. A run that was stopped goes on from its last checkpoint;
the finished model is copied as bfloat16 safetensors to `experiments/nano/models/<role>`, with its
card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial as with_settings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.functional import cross_entropy
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
from experiments.nano.instructions import DATASETS, instruction_set
from experiments.nano.language import capitalised, say, say_kind, sentence
from experiments.nano.tokenizer import VOCABULARY, train_tokenizer
from experiments.nano.world import World, make_world
from neftune import precision
from neftune.files import write_whole
from neftune.prompts import PROMPTS

MODELS = Path(__file__).parent / "models"
CORPUS_SEED = 0
HELD_OUT_SEED = 1
ROW = 512


@dataclass(frozen=True)
class BaseModel:
    """One base model: which model of the paper it stands for, its size, and how long it learns.

    Args:
        role: the name of its folder.
        stands_for: the paper's model.
        d: embedding dimension.
        layers: transformer blocks.
        heads: attention heads.
        feedforward: width of the feed-forward layers.
        tokens: how many tokens it is pretrained on.
        lr: peak learning rate.
        warmup: steps in which the learning rate rises.
        batch: rows of `ROW` tokens per step.
        architecture: `llama` or `opt`.
        stop: the share of the tokens after which the training leaves its schedule.
        cooldown: the share of the tokens over which its learning rate then falls to 0.
        seed: of the initial weights.
        embedding_norm: of each token's embedding at the start. Rows of a 7B model are some four
            times as long as the noise of alpha 5; the default start ends up near that ratio here,
            while the usual one (a standard deviation of 0.02) would leave noise of half the norm.
    """

    role: str
    stands_for: str
    d: int
    layers: int
    heads: int
    feedforward: int
    tokens: int
    lr: float = 3e-3
    warmup: int = 100
    batch: int = 16
    architecture: Literal["llama", "opt"] = "llama"
    stop: float = 1.0
    cooldown: float = 0.0
    seed: int = 0
    embedding_norm: float = 2.0

    @property
    def schedule(self) -> str:
        """A name that models share which are the same training, left at different times."""
        same = replace(self, role="", stands_for="", stop=1.0, cooldown=0.0)
        content = json.dumps(asdict(same))
        return hashlib.sha256(content.encode()).hexdigest()[:8]


BASE_MODELS = {
    model.role: model
    for model in (
        BaseModel("llama-2-7b", "LLaMA-2 7B", 192, 4, 4, 448, 14_000_000),
        BaseModel("llama-1-7b", "LLaMA-1 7B", 192, 4, 4, 448, 7_000_000),
        BaseModel(
            "opt-6.7b",
            "OPT-6.7B",
            *(192, 4, 4, 768, 1_260_000),
            lr=2e-3,
            batch=4,
            architecture="opt",
        ),
        BaseModel(
            "llama-1-30b",
            "LLaMA-1 30B",
            *(256, 4, 4, 576, 14_000_000),
            lr=2e-3,
            stop=0.5,
            cooldown=0.1,
        ),
        BaseModel("llama-2-13b", "LLaMA-2 13B", 256, 4, 4, 576, 14_000_000, lr=2e-3),
        BaseModel("llama-2-70b", "LLaMA-2 70B", 320, 4, 5, 832, 14_000_000, lr=2e-3),
    )
}


ARCHITECTURES = {"llama": ("Llama", "untied"), "opt": ("OPT", "tied")}
"""By name, what it is called, and whether the output layer is the embedding layer."""


def configuration(base: BaseModel, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    """The model's configuration in transformers' terms."""
    shared: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": base.d,
        "num_hidden_layers": base.layers,
        "num_attention_heads": base.heads,
        "max_position_embeddings": 1024,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if base.architecture == "opt":
        return OPTConfig(**shared, ffn_dim=base.feedforward, word_embed_proj_dim=base.d)
    return LlamaConfig(**shared, intermediate_size=base.feedforward, num_key_value_heads=base.heads)


def tokenizer_texts(world: World) -> Iterable[str]:
    """What the tokenizer learns from: documents, and the prompts of the training sets."""
    yield from documents(world, CORPUS_SEED, 20_000)
    for name in DATASETS:
        for row in instruction_set(name, "train"):
            if "conversations" in row:
                yield PROMPTS["vicuna"](row["conversations"][0]["value"])
            else:
                yield PROMPTS["alpaca"](row["instruction"], row["input"])


def token_rows(
    tokenizer: PreTrainedTokenizerBase, world: World, seed: int, tokens: int
) -> np.ndarray:
    """Documents, each closed by `</s>`, cut into rows: uint16, shape (tokens // ROW, ROW)."""
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
    """Save and stop at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer after every step."""
        if state.global_step >= self.step:
            control.should_save = control.should_training_stop = True


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Rows of token ids as the Trainer takes them."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(self.rows[index].astype(np.int64))
        return {"input_ids": ids, "labels": ids}


@torch.no_grad()
def losses(model: PreTrainedModel, rows: np.ndarray, batch: int = 16) -> np.ndarray:
    """The model's loss in nats on every token but the first of each row.

    Args:
        model: in evaluation mode.
        rows: token ids, shape (N, ROW).
        batch: rows of a pass.

    Returns:
        float32, shape (N, ROW - 1).
    """
    found = []
    for start in range(0, len(rows), batch):
        ids = torch.from_numpy(rows[start : start + batch].astype(np.int64))
        logits = model(input_ids=ids).logits[:, :-1].transpose(1, 2)
        found.append(cross_entropy(logits, ids[:, 1:], reduction="none").numpy())
    return np.concatenate(found)


def perplexity(model: PreTrainedModel, rows: np.ndarray) -> float:
    """The model's perplexity per token on rows of token ids."""
    return math.exp(losses(model, rows).mean(dtype=np.float64))


@torch.no_grad()
def fact_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, world: World
) -> dict[str, float]:
    """The share of facts that the model completes correctly, greedily, by kind and over all.

    The prompt names the thing and its kind, then begins the attribute's first statement: "The
    snorbatow is an animal in Ombrevane. The snorbatow's tail is"; a completion is right if the full
    stop after the true value comes out too.
    """
    right: dict[str, list[bool]] = {}
    tokenizer.padding_side = "left"
    for entity in world.entities:
        prompts, endings = [], []
        for attribute in entity.kind.attributes:
            value = entity.facts[attribute.name]
            told = f"{sentence(say_kind(entity))} {capitalised(say(entity, attribute))}"
            prompts.append(told.removesuffix(" " + value))
            endings.append(f" {value}.")
        batch = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        out = model.generate(**batch, max_new_tokens=12, do_sample=False)
        completed = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :])
        right.setdefault(entity.kind.name, []).extend(
            text.startswith(ending) for text, ending in zip(completed, endings, strict=True)
        )
    shares = {kind: sum(marks) / len(marks) for kind, marks in right.items()}
    everything = [mark for marks in right.values() for mark in marks]
    return {**shares, "all": sum(everything) / len(everything)}


def continuation(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, start: str) -> str:
    """What the model writes on from a beginning, greedily, in up to 250 tokens."""
    batch = tokenizer(start, return_tensors="pt", return_token_type_ids=False)
    out = model.generate(
        **batch, max_new_tokens=250, do_sample=False, eos_token_id=-1, repetition_penalty=1.2
    )
    return str(tokenizer.decode(out[0], skip_special_tokens=True))


def model_card(base: BaseModel, record: dict[str, Any]) -> str:
    """The model's README, from its record: what it is, what it knows, how it came to be."""
    accuracy, curve = record["fact_accuracy"], record["loss_curve"]
    curve = curve[:: max(1, len(curve) // 20)]
    name, tied = ARCHITECTURES[base.architecture]
    stopped = ""
    if base.stop < 1:
        stopped = (
            f" The training is that of a model on {base.tokens:,} tokens; after {base.stop:.0%} of "
            f"them its learning rate fell to 0 within another {base.cooldown:.0%}."
        )
    points = "\n".join(f"| {tokens:,} | {loss:.3f} |" for tokens, loss in curve)
    kinds = "\n".join(f"| {kind} | {share:.1%} |" for kind, share in accuracy.items())
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
---

# {base.role}, of the nano laboratory

Stands for {base.stands_for}. {name} architecture, {record["parameters"]:,} parameters (embedding
{base.d}, {base.layers} layers, {base.heads} heads, {tied} output layer), trained from random
weights on {record["tokens"]:,} tokens of made-up English about a land that does not exist. It
knows nothing of the real world. Weights in bfloat16.{stopped}

Made by `python -m experiments.nano.pretrain --role {base.role}`
in {record["seconds"]:,} s on {record["threads"]} CPU threads with torch {record["torch"]}.

| measured | |
| --- | --- |
| held-out perplexity per token | {record["perplexity"]:.3f} |
| share of the world's facts completed correctly | {accuracy["all"]:.1%} |
| median norm of a token's embedding | {record["embedding_norm"]:.2f} |

| facts of | correct |
| --- | --- |
{kinds}

| tokens seen | training loss |
| --- | --- |
{points}

250 tokens written on, greedily with repetition penalty 1.2, from the first sentence:

> {str(record["sample"]).replace(chr(10), " ")}
"""


def _trainer(
    base: BaseModel, model: PreTrainedModel, rows: np.ndarray, work: Path, stop: int
) -> Trainer:
    """The training of a model on the rows, one epoch of them, up to a step."""
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
    """The factor of the peak learning rate in a cooldown: the cosine's at `stop`, evenly to 0.

    Args:
        step: at which, from `stop` on.
        steps: of the whole cosine schedule.
        warmup: steps in which its learning rate rises.
        stop: where the cosine is left.
        end: where the factor is 0.
    """
    left = 0.5 * (1 + math.cos(math.pi * (stop - warmup) / (steps - warmup)))
    return left * max(0.0, min(1.0, (end - step) / (end - stop)))


def pretrain(base: BaseModel, work: Path, out: Path) -> dict[str, Any]:
    """Pretrain one model and write it with its card.

    Args:
        base: what to train.
        work: where checkpoints and the finished full-precision model lie; a run resumes from there.
        out: the folder that receives the finished model.

    Returns:
        The record that the card is made from.
    """
    set_seed(base.seed)
    world = make_world()
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(tokenizer_texts(world))
    rows = token_rows(tokenizer, world, CORPUS_SEED, base.tokens)
    steps = math.ceil(len(rows) / base.batch)
    model = AutoModelForCausalLM.from_config(configuration(base, tokenizer))
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight
        embeddings.mul_(base.embedding_norm / embeddings.norm(dim=1, keepdim=True).clamp(min=1e-6))
    stop, end = round(base.stop * steps), round((base.stop + base.cooldown) * steps)
    checkpoint = get_last_checkpoint(str(work))
    reached = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    if reached > stop:
        raise ValueError(
            f"{checkpoint}: this training went on past step {stop}, where {base.role} leaves it; "
            "give another folder (--work)"
        )
    # Of all stretches that came to their end; a model on the same schedule goes on from there.
    spent = work / "seconds.txt"
    seconds = float(spent.read_text()) if spent.exists() else 0.0
    started = time.monotonic()
    if reached < stop or end == stop:
        trainer = _trainer(base, model, rows, work, stop)
        trainer.train(resume_from_checkpoint=checkpoint)
        write_whole(spent, str(seconds + time.monotonic() - started))
    if end > stop:
        cooling = work.with_name(f"{work.name}-cooldown")
        trainer = _trainer(base, model, rows, cooling, end)
        falls = with_settings(cooled, steps=steps, warmup=base.warmup, stop=stop, end=end)
        trainer.lr_scheduler = LambdaLR(trainer.create_optimizer(), falls)
        own = get_last_checkpoint(str(cooling)) if cooling.exists() else None
        trainer.train(resume_from_checkpoint=own or get_last_checkpoint(str(work)))
    seconds += time.monotonic() - started
    history = [h for h in trainer.state.log_history if "loss" in h]
    curve = [(int(h["step"]) * base.batch * ROW, float(h["loss"])) for h in history]

    finished = model.to("cpu", torch.bfloat16)
    fresh = out.with_name(out.name + ".partial")
    shutil.rmtree(fresh, ignore_errors=True)
    finished.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    shipped = AutoModelForCausalLM.from_pretrained(fresh, dtype=torch.float32).eval()
    held_out = token_rows(tokenizer, world, HELD_OUT_SEED, 200 * ROW)
    record: dict[str, Any] = {
        "parameters": shipped.num_parameters(),
        "tokens": min(int(rows.size), trainer.state.global_step * base.batch * ROW),
        "seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "perplexity": perplexity(shipped, held_out),
        "fact_accuracy": fact_accuracy(shipped, tokenizer, world),
        "embedding_norm": float(
            shipped.get_input_embeddings().weight.detach().norm(dim=1).median()
        ),
        "sample": continuation(shipped, tokenizer, sentence(say_kind(world.entities[0]))),
        "loss_curve": curve,
    }
    (fresh / "pretraining.json").write_text(json.dumps(record, indent=1) + "\n")
    (fresh / "README.md").write_text(model_card(base, record))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return record


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--role", choices=sorted(BASE_MODELS), required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/pretraining"))
    arguments = parser.parse_args()
    base = BASE_MODELS[arguments.role]
    record = pretrain(base, arguments.work / base.schedule, MODELS / base.role)
    print(json.dumps({k: v for k, v in record.items() if k != "loss_curve"}, indent=1))


if __name__ == "__main__":
    main()
