"""Decoding of many prompts at once, several times faster than transformers' `generate`.

    ids = tokenizer(texts)["input_ids"]
    written = complete(model, ids, Decoding(max_new_tokens=12), ends=[2])
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    batches([len(prompt) for prompt in ids], 256)        # where there are too many for one batch

The tokens are those that `generate` gives for each prompt alone, up to ties in floating-point
numbers. What makes it faster:

- Keys and values are written in place into buffers with room for more. `generate` copies all of
  them for every token.
- Finished answers leave the batch. `generate` computes all rows until the last one has finished.
- The repetition penalty reads and writes only the logits of tokens that occurred.

`is_fast` says for which models this holds; the others are decoded by `generate`.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Cache,
    DynamicCache,
    GenerationConfig,
    PreTrainedModel,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from eval.decoding import Decoding

LEAVE = 1 / 8
"""The share of a batch's rows that have to be finished before they are removed from it."""

REPLACED = {
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
    *("do_sample", "temperature", "top_p", "top_k", "repetition_penalty"),
    *("max_length", "max_new_tokens", "min_new_tokens"),
    *("use_cache", "transformers_version", "_from_model_config"),
}
"""Generation settings of a model that do not matter, or that `Decoding` and the ends replace."""


def batches(lengths: Sequence[int], size: int) -> list[tuple[int, list[int]]]:
    """Divide prompts into batches of similar length.

    Args:
        lengths: of the prompts.
        size: the largest number of prompts in a batch.

    Returns:
        For each batch its place in the sorted prompts, and the indices of its prompts.
    """
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    return [(start, order[start : start + size]) for start in range(0, len(order), size)]


def complete(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    ends: Sequence[int],
) -> list[list[int]]:
    """Decode the answers to prompts, all in one batch.

    Sampling draws the numbers that `generate` draws for the same batch from torch's generator.

    Args:
        model: a causal language model in evaluation mode.
        prompts: token ids, each with at least one.
        decoding: how to decode.
        ends: the tokens that end an answer.

    Returns:
        The tokens written, in the order of the prompts, with the end token if one was written.
    """
    ids, mask = _padded(prompts)
    ids, mask = ids.to(model.device), mask.to(model.device)
    decode = _fast if is_fast(model) else _with_generate
    found = decode(model, ids, mask, decoding, ends).tolist()
    stops = [
        next((place for place, token in enumerate(row) if token in ends), len(row)) for row in found
    ]
    return [row[: stop + 1] for row, stop in zip(found, stops, strict=True)]


def is_fast(model: PreTrainedModel) -> bool:
    """Whether a model is decoded by this module, and not by `generate`.

    It is if all of its layers keep keys and values of single tokens and nothing else (no recurrent
    states, no encoder), its forward pass takes positions, and its generation settings ask for
    nothing that `Decoding` does not know, such as forbidden tokens.
    """
    if model.config.is_encoder_decoder or not hasattr(model, "generation_config"):
        return False
    needed = {"past_key_values", "attention_mask", "position_ids", "logits_to_keep"}
    layers = DynamicCache(config=model.config).layers
    own = model.generation_config.to_dict()
    neutral = GenerationConfig().to_dict()
    return (
        needed <= inspect.signature(model.forward).parameters.keys()
        and len(layers) > 0
        and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
        and all((own[name] or None) == neutral.get(name) for name in own.keys() - REPLACED)
    )


def _padded(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """The prompts' tokens and the mask of those that are no padding, shape (N, longest).

    Padding is on the left, as answers are written on the right. It repeats the prompt's last token,
    so that the repetition penalty, which knows no mask, sees no token that the prompt lacks.
    """
    longest = max(map(len, prompts))
    ids = [[prompt[-1]] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids), torch.tensor(mask)


@torch.no_grad()
def _with_generate(
    model: PreTrainedModel, ids: Tensor, mask: Tensor, decoding: Decoding, ends: Sequence[int]
) -> Tensor:
    """The tokens that transformers' `generate` writes, shape (N, at most max_new_tokens)."""
    sampling: dict[str, Any] = {"do_sample": decoding.top_p is not None}
    if decoding.top_p is not None:
        sampling |= {"top_p": decoding.top_p, "temperature": decoding.temperature, "top_k": 0}
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        **sampling,
        max_new_tokens=decoding.max_new_tokens,
        min_new_tokens=decoding.min_new_tokens or None,
        repetition_penalty=decoding.repetition_penalty,
        pad_token_id=ends[0] if ends else 0,
        eos_token_id=list(ends),
    )
    return out[:, ids.shape[1] :]


@torch.inference_mode()
def _fast(
    model: PreTrainedModel, ids: Tensor, mask: Tensor, decoding: Decoding, ends: Sequence[int]
) -> Tensor:
    """The same tokens as `_with_generate`; after an answer's end, the first end token."""
    count, start = ids.shape
    stop = start + decoding.max_new_tokens
    end = torch.tensor(list(ends), dtype=ids.dtype, device=ids.device)
    history = torch.cat([ids, ids.new_zeros(count, decoding.max_new_tokens)], 1)
    seen = torch.cat([mask, mask.new_ones(count, decoding.max_new_tokens)], 1)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    out = ids.new_full((count, decoding.max_new_tokens), ends[0] if ends else 0)
    cache = _RoomyCache(model)
    rows = torch.arange(count, device=ids.device)  # Of the prompts that are still in the batch.
    running = torch.ones_like(rows, dtype=torch.bool)
    fed = ids
    for length in range(start, stop):
        logits = model(
            input_ids=fed,
            attention_mask=seen[:, :length],
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        scores = _penalised(logits.to(ids.device).float(), history[:, :length], decoding)
        if length - start < decoding.min_new_tokens:
            scores[:, end] = -torch.inf
        tokens = _chosen(scores, rows, count, decoding)
        out[rows[running], length - start] = tokens[running]
        running &= ~torch.isin(tokens, end)
        left = int(running.sum())
        if not left:
            return out[:, : length - start + 1]
        history[:, length] = tokens
        positions = positions[:, -1:] + 1
        if left <= (1 - LEAVE) * len(rows):
            cache.keep(running)
            kept = (x[running] for x in (rows, tokens, positions, history, seen))
            rows, tokens, positions, history, seen = kept
            running = torch.ones_like(rows, dtype=torch.bool)
        fed = tokens[:, None]
    return out


def _penalised(scores: Tensor, history: Tensor, decoding: Decoding) -> Tensor:
    """Apply the repetition penalty, as transformers' `RepetitionPenaltyLogitsProcessor` does.

    Args:
        scores: logits, shape (N, V).
        history: the tokens that occurred in the prompt or the answer, shape (N, T).
        decoding: the penalty.
    """
    if decoding.repetition_penalty == 1:
        return scores
    old = scores.gather(1, history)
    factor = decoding.repetition_penalty
    return scores.scatter(1, history, torch.where(old < 0, old * factor, old / factor))


def _chosen(scores: Tensor, rows: Tensor, count: int, decoding: Decoding) -> Tensor:
    """Choose the next tokens, shape (n,).

    Args:
        scores: of the rows in the batch, shape (n, V).
        rows: the indices of their prompts, shape (n,).
        count: how many prompts the batch began with. Random numbers are drawn for all of them, so
            that an answer does not depend on which others have left.
        decoding: greedy, or top-p and temperature.
    """
    if decoding.top_p is None or decoding.temperature is None:
        return scores.argmax(-1)
    if decoding.temperature != 1:
        scores = TemperatureLogitsWarper(decoding.temperature)(None, scores)
    if decoding.top_p < 1:
        scores = TopPLogitsWarper(decoding.top_p)(None, scores)
    probabilities = scores.new_ones(count, scores.shape[1])
    probabilities[rows] = scores.softmax(-1)
    return torch.multinomial(probabilities, 1).squeeze(1)[rows]


class _RoomyLayer(DynamicLayer):
    """A layer's keys and values, in buffers with room for tokens to come.

    A layer with a sliding window keeps what leaves the window too; the mask hides it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Write the keys and values of new tokens, and return those of all tokens."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        old, self.length = self.length, self.length + key_states.shape[2]
        if self.length > self.keys.shape[2]:
            rows = torch.arange(len(key_states), device=key_states.device)
            self.keys, self.values = (self._copied(x, rows, old) for x in (self.keys, self.values))
        self.keys[:, :, old : self.length] = key_states
        self.values[:, :, old : self.length] = value_states
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def keep(self, kept: Tensor) -> None:
        """Keep some rows of the batch, which a mask tells, shape (N,)."""
        rows = kept.to(self.keys.device).nonzero().squeeze(1)
        self.keys, self.values = (
            self._copied(x, rows, self.length) for x in (self.keys, self.values)
        )

    def _copied(self, buffer: Tensor, rows: Tensor, length: int) -> Tensor:
        """A buffer of these rows with room for a quarter more tokens than there are."""
        _, heads, _, width = buffer.shape
        room = buffer.new_empty(len(rows), heads, self.length + self.length // 4 + 32, width)
        if length:
            torch.index_select(buffer[:, :, :length], 0, rows, out=room[:, :, :length])
        return room

    def get_seq_length(self) -> int:
        """How many tokens have been written."""
        return self.length


class _RoomyCache(Cache):
    """The keys and values of all layers of a model."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(layers=[_RoomyLayer() for _ in DynamicCache(config=model.config).layers])

    def keep(self, kept: Tensor) -> None:
        """Keep some rows of the batch, which a mask tells, shape (N,)."""
        for layer in self.layers:
            layer.keep(kept)
