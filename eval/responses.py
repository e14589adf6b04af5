"""A model's responses to instructions, in the format of AlpacaEval's `model_outputs.json`.

    respond(model, tokenizer, prompts, Decoding(), Path("model_outputs.json"), generator="my-model")

Prompts are batched by length, and every finished batch is stored. An interrupted run resumes after
the last finished batch and ends with the same bytes as an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from eval.decoding import Decoding
from eval.generation import batches, complete
from neftune.training.files import write_atomic
from neftune.training.foreign_messages import hide

# Many models bring settings for sampling and a largest length. What is said here replaces them.
hide("transformers.generation.utils", "Both `max_new_tokens`")
hide("transformers.generation.configuration_utils", "The following generation flags are not valid")


@dataclass(frozen=True)
class Prompt:
    """One prompt of an evaluation set.

    Args:
        instruction: the instruction as AlpacaEval stores it.
        text: the instruction in the model's prompt format.
        dataset: the subset of the evaluation set that it belongs to.
    """

    instruction: str
    text: str
    dataset: str


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Args:
        text: without special tokens and outer white space.
        tokens: how many the model wrote, without the end token.
        ended: whether it wrote an end token, and was not stopped at the largest number.
    """

    text: str
    tokens: int
    ended: bool


@torch.no_grad()
def decode(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    decoding: Decoding,
) -> list[Answer]:
    """Decode the answers to prompts, all in one batch.

    An answer ends with the tokenizer's end token, which answers end with in training, or with an
    end token of the model's generation settings.

    Args:
        model: a causal language model in evaluation mode.
        tokenizer: the model's tokenizer.
        texts: the prompts.
        decoding: how to decode.

    Returns:
        The answers, in the order of the prompts.
    """
    ends = _ends(model, tokenizer)
    # Without `verbose=False` the tokenizer warns of prompts that are longer than it was made for.
    prompts = tokenizer(list(texts), verbose=False)["input_ids"]
    fresh = complete(model, prompts, decoding, ends)
    decoded = tokenizer.batch_decode(fresh, skip_special_tokens=True)
    answers = []
    for text, ids in zip(decoded, fresh, strict=True):
        ended = bool(ids) and ids[-1] in ends
        answers.append(Answer(text.strip(), len(ids) - ended, ended))
    return answers


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer."""
    own = model.generation_config.eos_token_id
    found = own if isinstance(own, list) else [own]
    return sorted({token for token in (*found, tokenizer.eos_token_id) if token is not None})


def respond(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    decoding: Decoding,
    out: Path,
    *,
    generator: str,
    weights: str = "",
) -> list[dict[str, Any]]:
    """Decode a response to every prompt and write them in AlpacaEval's format.

    Args:
        model: a causal language model; it is put into evaluation mode.
        tokenizer: the model's tokenizer.
        prompts: in the order in which their responses are written.
        decoding: how to decode.
        out: the file; it appears when all prompts have a response. Until then `<out>.partial` holds
            the responses of the finished batches.
        generator: the name of the model in AlpacaEval's tables.
        weights: a hash of the model; responses of an interrupted run with other weights, prompts or
            decoding are not used.

    Returns:
        The content of the file: `instruction`, `output`, `generator` and `dataset` of each prompt.
    """
    model.eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    identity = _hash(generator, weights, str(decoding), *(prompt.text for prompt in prompts))
    outputs = _finished(partial, identity)
    encoded = tokenizer([prompt.text for prompt in prompts], verbose=False)["input_ids"]
    with (
        partial.open("a") as file,
        tqdm(total=len(prompts), desc=f"responses of {generator}") as bar,
    ):
        for start, indices in batches([len(ids) for ids in encoded], decoding.batch):
            if not all(index in outputs for index in indices):
                texts = [prompts[index].text for index in indices]
                torch.manual_seed(decoding.seed + start)
                answers = decode(model, tokenizer, texts, decoding)
                decoded = {i: answer.text for i, answer in zip(indices, answers, strict=True)}
                for index, text in decoded.items():
                    line = [index, text, _hash(identity, str(index), text)]
                    file.write(json.dumps(line) + "\n")
                file.flush()
                outputs.update(decoded)
            bar.update(len(indices))
    records = [
        {
            "instruction": prompt.instruction,
            "output": outputs[index],
            "generator": generator,
            "dataset": prompt.dataset,
        }
        for index, prompt in enumerate(prompts)
    ]
    write_atomic(out, json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    partial.unlink()
    return records


def _finished(partial: Path, identity: str) -> dict[int, str]:
    """The responses of an interrupted run.

    Args:
        partial: where they were written.
        identity: of what was asked of which model. Lines of something else, cut lines and changed
            ones are left out.
    """
    done: dict[int, str] = {}
    if partial.exists():
        for line in partial.read_bytes().splitlines():
            try:
                index, output, hash_ = json.loads(line)
                if hash_ == _hash(identity, str(index), output):
                    done[index] = output
            except (ValueError, TypeError, AttributeError):
                continue
    return done


def _hash(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
