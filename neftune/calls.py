"""What the calls of a model in progress tell about its sequences, and `told` for what they do not.

    with told(labels=labels):                            # for a call that does not get them
        model(input_ids)

    calls = [Call(model, ...), Call(decoder, ...)]       # outermost first, kept by an attachment
    sequences_of(calls, ids.shape)                       # a `Told`, from which L follows
    tokens_of(calls, "response", lengths, labelled=True)    # which tokens get noise

What the innermost call tells counts, and before it what `told` tells.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neftune.sequences import Told

CU_SEQ_LENS = ("cu_seq_lens_q", "cu_seq_lens", "cu_seqlens", "cu_seqlens_q")
"""What models and kernels call the beginnings of packed sequences."""

_told: dict[str, Tensor] = {}
"""What `told` tells at present, to every thread."""

KNOWN = (
    "labels",
    "attention_mask",
    "decoder_attention_mask",
    "position_ids",
    "cu_seq_lens",
    "seq_idx",
)
"""What `told` takes."""


@contextmanager
def told(**what: Tensor) -> Iterator[None]:
    """Tell attached noise about the sequences of forward passes whose calls do not.

    What is told here counts before what the calls say, in every thread: a forward pass of another
    model must not run at the same time.

    Args:
        what: `labels`, (B, K), as the model would get them, from which noise on the tokens of
            prompts or responses alone (`Noise.tokens`) is told; `decoder_attention_mask`, the mask
            of an encoder-decoder's decoder; or `attention_mask`, `position_ids`, `cu_seq_lens`,
            `seq_idx`, as of `neftune.sequences.Told`.

    Raises:
        TypeError: there is no such thing to tell, or it is no tensor.
        ValueError: a mask is not of shape (B, T).
    """
    if unknown := set(what) - set(KNOWN):
        raise TypeError(f"told() knows {', '.join(KNOWN)}; not {', '.join(sorted(unknown))}")
    for name, value in what.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"told() needs {name} as a tensor, not as {type(value).__name__}")
        if name.endswith("mask") and value.dim() != 2:
            raise ValueError(
                f"told() needs {name} of shape (batch, tokens), 1 on tokens and 0 on padding, not "
                f"of shape {tuple(value.shape)}"
            )
    before = dict(_told)
    _told.update(what)
    try:
        yield
    finally:
        _told.clear()
        _told.update(before)


@dataclass
class Call:
    """A call in progress of a module around the embeddings.

    Args:
        module: which.
        active: whether it is a training pass that gets noise.
        both: whether it is that of a whole encoder-decoder, whose mask is the encoder's.
        decoder: whether it is that of the decoder of such a model.
        given: the call's arguments by name.
        done: whether embeddings that were read in it have got their noise.
    """

    module: nn.Module
    active: bool
    both: bool
    decoder: bool
    given: dict[str, Any]
    done: bool = False


class Calls(threading.local):
    """The calls in progress, outermost first, of each thread alone."""

    def __init__(self) -> None:
        self.open: list[Call] = []


def sequences_of(calls: Sequence[Call], shape: torch.Size) -> Told:
    """What tells the sequences of the innermost call apart.

    Args:
        calls: in progress, outermost first.
        shape: (B, T), of the innermost one's tokens.

    Raises:
        ValueError: its mask does not separate tokens from padding.
    """
    own: dict[str, Any] = dict(_told)
    if calls[-1].decoder:
        own["attention_mask"] = own.get("decoder_attention_mask")
    sources = [own, *(call.given for call in reversed(calls) if not call.both)]

    def first(*names: str) -> Any:
        found = (each[name] for each in sources for name in names if name in each)
        return next((value for value in found if value is not None), None)

    masks = (each.get("attention_mask") for each in sources)
    given = [mask for mask in masks if mask is not None]
    usable = [mask for mask in given if isinstance(mask, Tensor) and mask.dim() == 2]
    mask = next(iter(usable), None)
    if mask is None and given:
        raise ValueError(
            f"the noise needs an attention mask of shape {tuple(shape)} to separate tokens "
            f"from padding, not {_kind(given[0])}; call the model within "
            "neftune.told(attention_mask=…)"
        )
    if mask is not None and mask.shape[1] > shape[1] and not _continues(calls):
        raise ValueError(
            f"the noise needs an attention mask of shape {tuple(shape)} to separate tokens "
            f"from padding, not {tuple(mask.shape)}: no token came before in a cache"
        )
    if mask is None and calls[-1].decoder:
        mask = _real_by_labels(calls, shape)
    return Told(mask, first("position_ids"), first(*CU_SEQ_LENS), first("seq_idx"))


def _continues(calls: Sequence[Call]) -> bool:
    """Whether tokens or learnt vectors came before those of the call, in a cache."""
    caches = ("past_key_values", "cache_params")
    return any(call.given.get(name) is not None for call in calls for name in caches)


def _real_by_labels(calls: Sequence[Call], shape: torch.Size) -> Tensor | None:
    """The mask of a decoder without one: its labels tell where its tokens end."""
    found = [call.given.get("labels") for call in calls if call.both]
    labels = next((each for each in found if each is not None and each.shape == shape), None)
    if labels is None:
        return None
    return labels.ne(-100).flip(1).cumsum(dim=1).flip(1).gt(0)


def tokens_of(calls: Sequence[Call], part: str, lengths: Tensor, labelled: bool) -> Tensor:
    """The tokens of prompts or of responses: those with a label, or the real ones without.

    Args:
        calls: in progress, outermost first.
        part: `prompt` or `response`.
        lengths: (B, T), of the innermost call's tokens.
        labelled: whether its stack has labels; what an encoder reads is all prompt.

    Returns:
        (B, T), true on these tokens.

    Raises:
        ValueError: the calls tell no labels of tokens.
    """
    sources = [_told, *(call.given for call in reversed(calls))]
    labels = next((s["labels"] for s in sources if s.get("labels") is not None), None)
    if labels is None:
        raise ValueError(
            f"noise on the tokens of the {part} alone needs the labels: pass "
            "labels=… to the model, or call it within neftune.told(labels=…); with "
            "label_smoothing_factor or compute_loss_func the Trainer does not pass them on"
        )
    if labels.dim() != 2:
        raise ValueError(
            f"noise on the tokens of the {part} alone needs labels of tokens, "
            f"(B, K), not of shape {tuple(labels.shape)}"
        )
    kept = next((s["logits_to_keep"] for s in sources if "logits_to_keep" in s), 0)
    response = torch.zeros(lengths.shape, dtype=torch.bool, device=lengths.device)
    # Labels are of all columns, of the last ones, or of those that are kept of a packed row.
    columns = kept if isinstance(kept, Tensor) else slice(-labels.shape[1], None)
    if labelled:
        response[:, columns] = labels.ne(-100).to(lengths.device)
    return (response if part == "response" else ~response) & (lengths > 0)


def _kind(mask: Any) -> str:
    return f"{tuple(mask.shape)}" if isinstance(mask, Tensor) else f"a {type(mask).__name__}"
