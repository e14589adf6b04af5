"""The arithmetic of a fine-tuning's costs: tokens and operations.

    tokens_of(PAPER, "llama-2-7b", ALPACA, max_length=512)
    training_flops(shape, recipe, tokens, recompute=True)

Nothing is trained or downloaded here. `experiments/scales/memory.py` has the memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.published import EXAMPLES, INSTRUCTIONS, TABLE_4
from experiments.roles.instruction_sets import SHAREGPT, InstructionSet
from experiments.roles.sources import Packaged, Shape, Source
from experiments.scales import real_sets
from experiments.scales.packages import is_kept
from experiments.scales.scale import Scale
from neftune.training.recipe import Recipe

CHARACTERS_A_TOKEN = 4.0
PROMPT_CHARACTERS = 350.0
"""An instruction in Alpaca's prompt, about; the prompt alone has 150."""

OUTPUT_CHARACTERS = TABLE_4["training data"]["characters"]


@dataclass(frozen=True)
class Gpu:
    """What a GPU can do.

    Args:
        memory: GiB.
        tflops: dense bfloat16 peak, in 1e12 operations a second.
        bandwidth: of its memory, in 1e12 bytes a second.
    """

    memory: float
    tflops: float
    bandwidth: float


GPUS = {
    "A5000-24GB": Gpu(24, 111, 0.768),
    "4090-24GB": Gpu(24, 165, 1.01),
    "A6000-48GB": Gpu(48, 155, 0.768),
    "A100-40GB": Gpu(40, 312, 1.56),
    "A100-80GB": Gpu(80, 312, 2.04),
    "H100-80GB": Gpu(80, 989, 3.35),
    "H200-141GB": Gpu(141, 989, 4.8),
}


@dataclass(frozen=True)
class Tokens:
    """What an instruction set amounts to.

    Args:
        examples: how many.
        total: tokens in all of them, prompt and response.
        source: how that is known.
    """

    examples: int
    total: int
    source: str


@lru_cache
def tokens_of(scale: Scale, model: str, dataset: InstructionSet, max_length: int) -> Tokens:
    """Count or estimate the tokens of an instruction set.

    They are counted where the rows and the tokenizer are local, estimated from the rows' characters
    where the rows alone are, and from the paper's statistics otherwise.
    """
    if not scale.published_choices:
        return _counted(scale, model, dataset, max_length)
    place = real_sets.source(scale.name, dataset)
    if not _lies_here(place):
        characters = PROMPT_CHARACTERS + OUTPUT_CHARACTERS[dataset.role]
        mean = min(max_length, characters / CHARACTERS_A_TOKEN)
        count = EXAMPLES[dataset.role]
        every = Tokens(count, round(count * mean), "the paper's statistics")
    elif isinstance(place, Path) and not _lies_here(scale.source(model)):
        every = _tokens_of_file(place, dataset, max_length)
    else:
        return _counted(scale, model, dataset, max_length)
    share = min(1.0, (scale.rows_limit() or every.examples) / every.examples)
    return Tokens(round(share * every.examples), round(share * every.total), every.source)


def instructions_of(scale: Scale) -> int:
    """How many instructions a model answers at a scale."""
    return scale.instructions_limit() or INSTRUCTIONS


def _lies_here(source: Source) -> bool:
    """Whether a model or a set is on this disk and is found without asking a hub."""
    return is_kept(source) if isinstance(source, Packaged) else isinstance(source, Path)


def _counted(scale: Scale, model: str, dataset: InstructionSet, max_length: int) -> Tokens:
    from neftune.training.base_model import load_tokenizer
    from neftune.training.data import checked, encode

    rows = checked(scale.rows(dataset, "train"), dataset.title)
    tokenizer = load_tokenizer(scale.base(model))
    examples = encode(rows, tokenizer, dataset.prompt, max_length)
    return Tokens(len(examples), sum(len(e["input_ids"]) for e in examples), "counted")


def _tokens_of_file(place: Path, dataset: InstructionSet, max_length: int) -> Tokens:
    from neftune.training.data import read_rows
    from neftune.training.prompts import PROMPTS

    rows: Sequence[Any] = read_rows(place)
    if dataset.role == SHAREGPT.role:
        lengths = [sum(len(t["value"]) for t in row["conversations"]) for row in rows]
        total = sum(math.ceil(n / CHARACTERS_A_TOKEN) for n in lengths)
        return Tokens(math.ceil(total / max_length), total, "the file's characters")
    form = PROMPTS[dataset.prompt]
    lengths = [len(form(r["instruction"], r.get("input", ""))) + len(r["output"]) for r in rows]
    total = sum(min(max_length, math.ceil(n / CHARACTERS_A_TOKEN)) for n in lengths)
    return Tokens(len(rows), total, "the file's characters")


def training_flops(shape: Shape, recipe: Recipe, tokens: int, recompute: bool) -> float:
    """Floating-point operations of one fine-tuning (Kaplan et al. 2020, appendix B).

    Forward 2, backward 4 a parameter and token; recomputing activations adds a forward pass, an
    adapter saves the weights' gradients (2), and FreeLB and the penalty pass several times.
    """
    each = 6 + 2 * recompute - 2 * (recipe.adapter != "none")
    return float(each * shape.parameters) * tokens * recipe.epochs * recipe.passes
