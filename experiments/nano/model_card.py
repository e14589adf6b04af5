"""Measurements of a pretrained model of the laboratory, and the model card that reports them.

    record = json.loads((folder / "pretraining.json").read_text())
    model_card("llama-2-7b", base, record)               # the text of the folder's README.md

`pretrain.py` calls `measured` once a training is finished and stores the result, with the settings
of the training, as `pretraining.json`. The card is a function of that record.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from experiments.nano.language import capitalised, say, say_kind, sentence
from experiments.nano.world import World
from experiments.roles.models import MODELS, Pretraining

ARCHITECTURES = {
    "llama": ("Llama", "an output layer that shared the embedding's weights in pretraining"),
    "opt": ("OPT", "an output layer that shares the embedding's weights"),
}
"""By name: the title, and how the output layer relates to the embedding."""


@torch.no_grad()
def losses(model: PreTrainedModel, rows: np.ndarray, batch: int = 16) -> np.ndarray:
    """Compute the loss on every token except the first of each row.

    Args:
        model: in evaluation mode.
        rows: token ids, shape (N, T).
        batch: rows per forward pass.

    Returns:
        Losses in nats, float32, shape (N, T - 1).
    """
    found = []
    for start in range(0, len(rows), batch):
        ids = torch.from_numpy(rows[start : start + batch].astype(np.int64))
        logits = model(input_ids=ids).logits[:, :-1].transpose(1, 2)
        found.append(cross_entropy(logits, ids[:, 1:], reduction="none").numpy())
    return np.concatenate(found)


def perplexity(model: PreTrainedModel, rows: np.ndarray) -> float:
    """Compute the perplexity per token on rows of token ids, shape (N, T)."""
    return math.exp(losses(model, rows).mean(dtype=np.float64))


@torch.no_grad()
def fact_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, world: World
) -> dict[str, Any]:
    """Compute the share of facts that the model completes correctly with greedy decoding.

    A prompt names the thing and its kind, and begins the attribute's first statement: "The
    snorkitow is an animal in Ombrevane. The snorkitow's tail is". A completion is correct if it
    begins with the true value and a full stop.

    Returns:
        The share of all facts (`all`), by kind of thing (`by_kind`), and in five equal parts
        (`by_fame`), from the facts that texts tell least to those that they tell most.
    """
    right: dict[str, list[bool]] = {}
    told: list[tuple[float, bool]] = []
    tokenizer.padding_side = "left"
    for entity in tqdm(world.entities, desc="asking for facts", unit="thing"):
        prompts, endings = [], []
        for attribute in entity.kind.attributes:
            value = entity.facts[attribute.name]
            statement = f"{sentence(say_kind(entity))} {capitalised(say(entity, attribute))}"
            prompts.append(statement.removesuffix(" " + value))
            endings.append(f" {value}.")
        batch = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        out = model.generate(**batch, max_new_tokens=12, do_sample=False)
        completed = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :])
        marks = [text.startswith(end) for text, end in zip(completed, endings, strict=True)]
        right.setdefault(entity.kind.name, []).extend(marks)
        told += [
            (entity.fame * entity.renown[attribute.name], mark)
            for attribute, mark in zip(entity.kind.attributes, marks, strict=True)
        ]
    shares = {kind: sum(marks) / len(marks) for kind, marks in right.items()}
    in_order = [mark for _, mark in sorted(told, key=lambda pair: pair[0])]
    fifths = np.array_split(np.array(in_order, float), 5)
    return {
        "all": sum(in_order) / len(in_order),
        "by_kind": shares,
        "by_fame": [float(part.mean()) for part in fifths],
    }


def continuation(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, start: str) -> str:
    """Continue a text with up to 250 tokens, decoded greedily with a repetition penalty."""
    batch = tokenizer(start, return_tensors="pt", return_token_type_ids=False)
    out = model.generate(
        **batch, max_new_tokens=250, do_sample=False, eos_token_id=-1, repetition_penalty=1.2
    )
    return str(tokenizer.decode(out[0], skip_special_tokens=True))


def measured(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, world: World, held_out: np.ndarray
) -> dict[str, Any]:
    """Measure a finished model.

    Args:
        model: in float32 and in evaluation mode.
        tokenizer: the model's tokenizer.
        world: the world that the model was trained on.
        held_out: rows of token ids from documents that it was not trained on, shape (N, T).

    Returns:
        The part of `pretraining.json` that does not depend on how the model was trained.
    """
    embeddings = model.get_input_embeddings().weight.detach()
    return {
        "perplexity": perplexity(model, held_out),
        "fact_accuracy": fact_accuracy(model, tokenizer, world),
        "embedding_norm": float(embeddings.norm(dim=1).median()),
        "sample": continuation(model, tokenizer, sentence(say_kind(world.entities[0]))),
    }


def model_card(role: str, base: Pretraining, record: dict[str, Any]) -> str:
    """Write the README of a model.

    Args:
        role: the name of the model's folder.
        base: how the model was made.
        record: the content of its `pretraining.json`.
    """
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
    kinds = "\n".join(f"| {kind} | {share:.1%} |" for kind, share in accuracy["by_kind"].items())
    fifths = " | ".join(f"{share:.0%}" for share in accuracy["by_fame"])
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
---

# {role}, of the nano laboratory

Stands for {MODELS[role].title}. {name} architecture, {record["parameters"]:,} parameters (embedding
{base.d}, {base.layers} layers, {base.heads} heads, {tied}), trained from random
weights on {record["tokens"]:,} tokens of made-up English about a land that does not exist. It
knows nothing of the real world. Weights in bfloat16.{stopped}

Made by `python -m experiments.nano.pretrain --role {role}`
in {record["seconds"]:,} s on {record["threads"]} CPU threads with torch {record["torch"]}.

| measured | |
| --- | --- |
| held-out perplexity per token | {record["perplexity"]:.3f} |
| share of the world's facts completed correctly | {accuracy["all"]:.1%} |
| median norm of a token's embedding | {record["embedding_norm"]:.2f} |

| facts that texts tell | least | | | | most |
| --- | --- | --- | --- | --- | --- |
| completed correctly | {fifths} |

| facts of | correct |
| --- | --- |
{kinds}

| tokens seen | training loss |
| --- | --- |
{points}

250 tokens written on, greedily with repetition penalty 1.2, from the first sentence:

> {str(record["sample"]).replace(chr(10), " ")}
"""
