"""Check that a model of yours gets the noise of the paper's rule, and that it comes off again.

    neftune check MODEL                                  # a folder or a hub name
    python -m neftune.command check MODEL --alpha 10

loads the model, on the CPU, in float32 and from safetensors alone, says where its embeddings are
read and how large the noise is beside them, and makes a few passes over random tokens:

    scale        what the layer multiplies its embeddings by is what it says
    padded       each sequence of a padded batch has its own scale, and padding has no noise
    packed       so has each sequence of a packed row
    evaluation   evaluation, passes without gradients and generation are clean
    off          without the noise the model computes what it did before
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neftune.attachment import attach
from neftune.distributions import Noise, not_negative
from neftune.embeddings import Place, embed_scale, find
from neftune.noise import noise_scale

SHORT, LONG = 7, 19
"""Tokens of the two sequences."""
SHOWN_LENGTH = 100
"""L at which the size of the noise is told."""


@dataclass(frozen=True)
class Result:
    """One check.

    Args:
        name: of it.
        right: whether it was passed.
        said: what was seen, where it was not.
    """

    name: str
    right: bool
    said: str = ""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model", help="a folder or a hub name")
    parser.add_argument("--alpha", type=float, default=5.0, help="of the noise (default: 5)")


def run(arguments: argparse.Namespace) -> None:
    """Load, check and print.

    Raises:
        RuntimeError: a check was not passed.
    """
    if not_negative(arguments.alpha, "alpha") == 0:
        raise ValueError("alpha 0 adds no noise, and there would be nothing to check")
    model = loaded(arguments.model)
    print("\n".join(described(model, arguments.alpha)))
    found = checks(model, arguments.alpha)
    for each in found:
        print(f"{each.name}: {'ok' if each.right else f'NOT RIGHT: {each.said}'}")
    wrong = [each.name for each in found if not each.right]
    if wrong:
        raise RuntimeError(f"{arguments.model}: not right: {', '.join(wrong)}")


def loaded(source: str) -> Any:
    """A causal language model in a folder, or from the hub, in float32.

    Raises:
        ValueError: there is none, or its weights cannot be read.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM

    if source.startswith((".", "/", "~")) and not Path(source).expanduser().is_dir():
        raise ValueError(f"there is no folder {source}")
    config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise ValueError(
            f"{source} is a {config.model_type}, and what is checked are causal language models"
        )
    try:
        return AutoModelForCausalLM.from_pretrained(
            source, config=config, dtype="float32", use_safetensors=True, trust_remote_code=False
        )
    except SafetensorError as error:
        raise ValueError(f"the weights in {source} cannot be read: {error}") from None


def described(model: Any, alpha: float) -> list[str]:
    """Where the embeddings are read, and how large the noise is beside them, in lines.

    Args:
        model: a transformers model.
        alpha: of uniform noise.
    """
    place = find(model)
    names = {module: name for name, module in model.named_modules()}
    lines = []
    for each in place.embeddings:
        layer: Any = each
        weights: Tensor = layer.weight.detach()
        factor = float(torch.as_tensor(embed_scale(layer)))
        inside = "" if factor == 1 else f", which the layer multiplies by {factor:.3g}"
        size = float(weights.float().square().mean().sqrt())
        noise = alpha / math.sqrt(3 * SHOWN_LENGTH * weights.shape[1])
        lines += [
            f"{names[layer]}: {weights.shape[0]:,} embeddings of {weights.shape[1]} entries, root "
            f"mean square {size:.3g}{inside}",
            f"noise of alpha {alpha:g} on {SHOWN_LENGTH} tokens: root mean square {noise:.3g}, "
            f"{noise / size:.2g} of the embeddings'",
        ]
    called = ", ".join(type(module).__name__ for module in place.around)
    return [*lines, f"lengths are told by calls of {called}"]


def checks(model: Any, alpha: float) -> list[Result]:
    """Make the checks.

    Args:
        model: a causal language model; it is left as it was.
        alpha: of the noise.
    """
    training = model.training
    noise = Noise(alpha, "bernoulli")  # Every entry is plus or minus the scale itself.
    place = find(model)
    made = [_checked(name, check, model.train(), noise, place) for name, check in CHECKS.items()]
    model.train(training)
    return made


def _checked(
    name: str,
    check: Callable[[Any, Noise, Place], str],
    model: Any,
    noise: Noise,
    place: Place,
) -> Result:
    try:
        said = check(model, noise, place)
    except (RuntimeError, ValueError, TypeError) as error:
        said = str(error).splitlines()[0]
    return Result(name, not said, said)


def _layer(place: Place) -> Any:
    return place.embeddings[0]


def _ids(place: Place, rows: int, columns: int) -> Tensor:
    size = int(_layer(place).weight.shape[0])
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(min(3, size - 1), size, (rows, columns), generator=drawn)


def _added(model: Any, noise: Noise, place: Place, inputs: Mapping[str, Tensor]) -> Tensor:
    """The size of the noise on each token, before the layer multiplies it."""
    layer = _layer(place)
    kept: list[Tensor] = []
    with attach(model, noise):
        # Some models (CTRL) go on to multiply the output in place.
        hook = layer.register_forward_hook(lambda m, i, o: kept.append(o.detach().clone().float()))
        try:
            model(**inputs, use_cache=False)
        finally:
            hook.remove()
    if not kept:
        raise RuntimeError("its embeddings are not read through their layer")
    clean = layer(inputs["input_ids"]).detach().float()
    added: Tensor = (kept[0] - clean) / float(torch.as_tensor(embed_scale(layer)))
    return added.square().mean(dim=-1).sqrt()


def _compared(added: Tensor, lengths: Tensor, noise: Noise, d: int) -> str:
    wanted = noise_scale(noise.alpha, lengths, d)
    off = (added - wanted).abs() > 1e-3 * wanted.max()
    if not off.any():
        return ""
    row, column = off.nonzero()[0].tolist()
    return (
        f"token {column} of row {row} has noise of {float(added[row, column]):.3g} where the rule "
        f"gives {float(wanted[row, column]):.3g}"
    )


def _scale(model: Any, noise: Noise, place: Place) -> str:
    layer, ids = _layer(place), _ids(place, 1, LONG)
    factor = float(torch.as_tensor(embed_scale(layer)))
    found = float((layer(ids).norm() / layer.weight[ids].norm()).detach())
    if abs(found - factor) < 1e-3 * factor:
        return ""
    return (
        f"the layer multiplies by {found:.3g} and says {factor:.3g} (its attribute embed_scale), "
        "so the noise, which comes after it, is too weak or too strong"
    )


def _padded(model: Any, noise: Noise, place: Place) -> str:
    ids = _ids(place, 2, LONG)
    mask = torch.ones_like(ids)
    mask[0, SHORT:] = 0
    added = _added(model, noise, place, {"input_ids": ids, "attention_mask": mask})
    lengths = mask * mask.sum(dim=1, keepdim=True)
    return _compared(added, lengths, noise, _layer(place).weight.shape[1])


def _packed(model: Any, noise: Noise, place: Place) -> str:
    ids = _ids(place, 1, SHORT + LONG)
    positions = torch.cat([torch.arange(SHORT), torch.arange(LONG)])[None]
    added = _added(model, noise, place, {"input_ids": ids, "position_ids": positions})
    lengths = torch.tensor([[SHORT] * SHORT + [LONG] * LONG])
    return _compared(added, lengths, noise, _layer(place).weight.shape[1])


def _clean(model: Any, noise: Noise, place: Place) -> str:
    ids = _ids(place, 1, SHORT)
    # Not a block, which warns where it saw no training pass.
    attachment = attach(model, noise)
    try:
        model.eval()
        model(input_ids=ids, use_cache=False)
        model.train()
        with torch.no_grad():
            model(input_ids=ids, use_cache=False)
        model.generate(ids, max_new_tokens=2, do_sample=False, pad_token_id=0)
    finally:
        attachment.detach()
    passes = attachment.passes
    return f"{passes} passes had noise" if passes else ""


def _off(model: Any, noise: Noise, place: Place) -> str:
    ids = _ids(place, 1, SHORT)
    model.eval()
    with torch.no_grad():
        before = model(input_ids=ids, use_cache=False).logits
        with attach(model.train(), noise), torch.enable_grad():
            model(input_ids=ids, use_cache=False)
        after = model.eval()(input_ids=ids, use_cache=False).logits
    return "" if torch.equal(before, after) else "the model's output is another one than before"


CHECKS: dict[str, Callable[[Any, Noise, Place], str]] = {
    "scale": _scale,
    "padded": _padded,
    "packed": _packed,
    "evaluation": _clean,
    "off": _off,
}
"""By name; each gives an empty text, or what is not right."""
