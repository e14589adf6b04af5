"""Where a model reads its token embeddings: the layers, and the modules in whose calls they lie.

    place = find(model)
    place.embeddings                                     # the embedding layers, one or two
    place.around                                         # modules whose arguments tell L

An embedding layer gets token ids alone. What tells the sequences apart is among the arguments of
the modules around it: of a model with its head, of the decoder in it, of a vision-language model
that puts images among the text's vectors, or of a PEFT model that puts learnt ones before them.
Whichever of them is called, its call is the one that tells.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

TRANSPOSING = frozenset({"xlnet"})
"""Types of models that read embeddings of shape (T, B, d)."""


@dataclass(frozen=True)
class Place:
    """Where token embeddings are read.

    Args:
        model: the transformers model, without wrappers.
        embeddings: the layers.
        reads: by the module whose output is read in a layer's place, the layer: itself, or what
            PEFT put around it.
        around: the modules around them that take tokens or vectors, outermost first, with the names
            of their arguments by position.
        owners: those of them, within the model, that lie nearest around a layer.
        decoder: that of an encoder-decoder, which may have no mask of its own.
    """

    model: PreTrainedModel
    embeddings: tuple[nn.Module, ...]
    reads: dict[nn.Module, nn.Module]
    around: dict[nn.Module, tuple[str, ...]]
    owners: frozenset[nn.Module]
    decoder: nn.Module | None = None


def pretrained_model(model: nn.Module) -> PreTrainedModel:
    """Unwrap the transformers model inside DDP, torch.compile and PEFT.

    Args:
        model: a transformers model, or any nesting of these wrappers around one.

    Raises:
        TypeError: the innermost module is not a transformers model.
    """
    inner: Any = model
    while not isinstance(inner, PreTrainedModel):
        if hasattr(inner, "get_base_model"):
            inner = inner.get_base_model()
        elif hasattr(inner, "module"):
            inner = inner.module
        elif hasattr(inner, "_orig_mod"):
            inner = inner._orig_mod
        else:
            raise TypeError(
                f"cannot add noise to a {type(model).__name__}: it is not a transformers model, "
                "nor a DDP, PEFT or compiled wrapper of one; give the model within it, or add "
                "neftune.sample to the embeddings where a model of your own makes them"
            )
    return inner


def find(model: nn.Module) -> Place:
    """Find where a model reads its token embeddings.

    Args:
        model: as of `pretrained_model`.

    Raises:
        TypeError: it is no transformers model, has no layer of token embeddings, transposes its
            tokens before it reads them, or normalizes the embeddings within their layer.
    """
    inner = pretrained_model(model)
    if inner.config.model_type in TRANSPOSING:
        raise TypeError(
            f"cannot add noise to a {type(inner).__name__}: it reads its embeddings by column and "
            "not by row, so the length of a token's sequence cannot be told"
        )
    embeddings = _embeddings(inner)
    for layer in embeddings:
        _refuse_modules_within(layer, type(inner).__name__)
    around: dict[nn.Module, tuple[str, ...]] = {}
    reads: dict[nn.Module, nn.Module] = {}
    owners = set()
    within = set(inner.modules())
    for name, module in model.named_modules(remove_duplicate=False):
        if module in embeddings:
            path = [*_path(model, name), module]
            takers = [place for place, each in enumerate(path[:-1]) if _takes_tokens(each)]
            around |= {path[place]: _names(path[place]) for place in takers}
            # PEFT's model has a second name for the layer, by which it need not be read.
            if takers and path[takers[-1]] in within:
                owners.add(path[takers[-1]])
                reads[_read(path[takers[-1] + 1 :])] = module
    decoder = inner.get_decoder() if inner.config.is_encoder_decoder else None
    return Place(inner, embeddings, reads, around, frozenset(owners), decoder)


def _read(path: list[nn.Module]) -> nn.Module:
    """Of the modules from an owner's part to a layer, the one whose output is read.

    PEFT's wrapper of single trained tokens computes the layer's output itself, and DoRA multiplies
    what comes out of the layer.
    """
    wrappers = ("token_adapter", "lora_embedding_A")
    return next((each for each in path if any(hasattr(each, n) for n in wrappers)), path[-1])


def _embeddings(model: PreTrainedModel) -> tuple[nn.Module, ...]:
    """The layers that look up token ids, of both stacks of an encoder-decoder."""
    stacks: list[Any] = [model]
    if model.config.is_encoder_decoder:
        stacks = [model.get_encoder(), model.get_decoder()]
    found = [_of_stack(stack) for stack in stacks]
    layers = [layer for layer in found if isinstance(layer, nn.Module) and _looks_up(layer)]
    if not layers:
        layers = _of_the_vocabulary(model)
    if not layers:
        raise TypeError(
            f"cannot add noise to a {type(model).__name__}: it has no layer that looks up token "
            "embeddings (get_input_embeddings() gives none, and no embedding layer has "
            "config.vocab_size entries)"
        )
    return tuple(dict.fromkeys(layers))


def _refuse_modules_within(layer: nn.Module, model: str) -> None:
    """Raise an error where a layer passes what it looks up on to a module of its own, as a norm."""
    for each in layer.modules():
        within = [name for name, child in each.named_children() if not _looks_up(child)]
        if isinstance(each, nn.Embedding) and within:
            raise TypeError(
                f"cannot add noise to a {model}: its embedding layer, a {_kind(each)}, does more "
                f"than look up ({', '.join(within)}), and noise on its output would come after that"
            )


def _of_stack(stack: Any) -> Any:
    try:
        layer = stack.get_input_embeddings()
    except (NotImplementedError, AttributeError, TypeError):
        return None
    # Where FSDP1 wraps the layer by itself, what is read, and known to be attached to, lies within.
    return getattr(layer, "_fsdp_wrapped_module", layer)


def _looks_up(layer: nn.Module) -> bool:
    """Whether a layer takes token ids; an audio encoder's convolution does not."""
    return isinstance(layer, nn.Embedding) or hasattr(layer, "num_embeddings")


def _of_the_vocabulary(model: PreTrainedModel) -> list[nn.Module]:
    """Embedding layers with an entry for each token, in a model that does not name its own."""
    size = getattr(model.config.get_text_config(), "vocab_size", None)
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Embedding) and module.num_embeddings == size
    ]


def _path(root: nn.Module, name: str) -> list[nn.Module]:
    """The modules from the root to the one that contains a module, without it."""
    parts = name.split(".")[:-1]
    path = [root]
    for part in parts:
        path.append(path[-1].get_submodule(part))
    return path


def _takes_tokens(module: nn.Module) -> bool:
    return not {"input_ids", "inputs_embeds", "decoder_input_ids"}.isdisjoint(_names(module))


def _names(module: nn.Module) -> tuple[str, ...]:
    """The names of a module's arguments, in their order."""
    return tuple(inspect.signature(module.forward).parameters)


def embed_scale(embedding: Any) -> Any:
    """What an embedding layer multiplies its output by: sqrt(d) in Gemma, 1 in most models."""
    return getattr(embedding, "embed_scale", 1.0)


def size_of(embedding: Any) -> float:
    """The root mean square of a layer's entries, before it multiplies them.

    Raises:
        ValueError: the entries are not here, as of a layer that is quantized, or sharded by FSDP1
            or ZeRO-3.
    """
    weight = embedding.weight
    shape = tuple(weight.shape)
    if len(shape) != 2 or 0 in shape or not weight.is_floating_point() or not _in_memory(weight):
        raise ValueError(
            f"relative noise needs the embeddings' entries, and those of this {_kind(embedding)} "
            f"are not here (its weight is {shape} of {weight.dtype}, which may be sharded or "
            "quantized): attach the noise before the model is sharded, or give alpha instead"
        )
    squares = weight.detach().float().square().mean()
    # FSDP2 and tensor parallelism have the mean in parts.
    return float(squares.full_tensor() if hasattr(squares, "full_tensor") else squares) ** 0.5


def _in_memory(weight: Tensor) -> bool:
    """Whether a weight's entries can be read.

    FSDP1 leaves a view of memory that it has freed, and reading it would end the process.
    """
    if hasattr(weight, "full_tensor"):
        return True
    return not weight.is_meta and weight.untyped_storage().nbytes() > 0


def _kind(module: nn.Module) -> str:
    return type(module).__name__
