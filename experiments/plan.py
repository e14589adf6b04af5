"""What a table will cost, before anything is spent: tokens, hours, memory, disk, calls, dollars.

    make plan SCALE=paper TABLE=1
    make plan SCALE=paper TABLE=2 GPU=H100-80GB GPUS=16 MFU=0.4

Nothing is trained or downloaded. Tokens are counted on the training rows where these and the
tokenizer are at hand, estimated from the rows' characters where the rows alone are, and from the
paper's statistics otherwise. Hours follow from the arithmetic that training takes (6 floating-point
operations a parameter and token, 8 with recomputed activations; Kaplan et al. 2020, appendix B) at
a stated share of the GPU's peak, or at the speed that finished runs of this scale had.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from experiments.artifact import Artifact, markdown_table
from experiments.jobs import checkpoint_file, made
from experiments.run import Run, known
from experiments.scale import SCALES, Scale
from experiments.selection import load_selection
from experiments.sources import Hub, chosen
from experiments.study import Study
from neftune.spec import Recipe

GIB = 2**30
CHARACTERS_A_TOKEN = 4.0
INSTRUCTIONS = 805


class PlanError(ValueError):
    """The request cannot be carried out as it is; the message says what could be."""


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
class Shape:
    """The sizes of a model that costs depend on."""

    parameters: int
    layers: int
    hidden: int
    feedforward: int
    vocabulary: int


SHAPES = {
    "meta-llama/Llama-2-7b-hf": Shape(6_738_415_616, 32, 4096, 11008, 32000),
    "meta-llama/Llama-2-7b-chat-hf": Shape(6_738_415_616, 32, 4096, 11008, 32000),
    "huggyllama/llama-7b": Shape(6_738_415_616, 32, 4096, 11008, 32000),
    "meta-llama/Llama-2-13b-hf": Shape(13_015_864_320, 40, 5120, 13824, 32000),
    "huggyllama/llama-30b": Shape(32_528_943_616, 60, 6656, 17920, 32000),
    "meta-llama/Llama-2-70b-hf": Shape(68_976_648_192, 80, 8192, 28672, 32000),
    "facebook/opt-6.7b": Shape(6_658_473_984, 32, 4096, 16384, 50272),
    "HuggingFaceTB/SmolLM2-135M": Shape(134_515_008, 30, 576, 1536, 49152),
    "HuggingFaceTB/SmolLM2-135M-Instruct": Shape(134_515_008, 30, 576, 1536, 49152),
    "HuggingFaceTB/SmolLM2-360M": Shape(361_821_120, 32, 960, 2560, 49152),
    "EleutherAI/pythia-160m": Shape(162_322_944, 12, 768, 3072, 50304),
    "EleutherAI/pythia-70m": Shape(70_426_624, 6, 512, 2048, 50304),
}
EXAMPLES = {"alpaca": 52_002, "evol-instruct": 70_000, "sharegpt": 70_000, "open-platypus": 25_000}
OUTPUT_CHARACTERS = {
    "alpaca": 270.31,
    "evol-instruct": 1356.43,
    "sharegpt": 1276.76,
    "open-platypus": 649.39,
}
"""Table 4 of the paper."""
PROMPT_CHARACTERS = 350.0
"""An instruction in Alpaca's prompt, about; the prompt alone has 150."""


def shape_of(scale: Scale, role: str) -> Shape:
    """The sizes of a role's model, from its configuration where it is local.

    Raises:
        PlanError: its sizes are not known.
    """
    source = chosen("MODEL", role, scale.models[role])
    if isinstance(source, Hub):
        if source.name not in SHAPES:
            raise PlanError(f"the sizes of {source.name} are not known to the plan; add them")
        return SHAPES[source.name]
    found = json.loads((source / "config.json").read_text())
    hidden, layers = found["hidden_size"], found["num_hidden_layers"]
    feedforward = found.get("intermediate_size") or found["ffn_dim"]
    heads = found["num_attention_heads"]
    narrow = hidden // heads * found.get("num_key_value_heads", heads)
    matrices = 3 if found.get("hidden_act") == "silu" else 2
    block = 2 * hidden * hidden + 2 * hidden * narrow + matrices * hidden * feedforward
    embeddings = found["vocab_size"] * hidden * (1 if found.get("tie_word_embeddings") else 2)
    return Shape(layers * block + embeddings, layers, hidden, feedforward, found["vocab_size"])


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
def tokens_of(scale_name: str, model: str, dataset: str, max_length: int) -> Tokens:
    """Count or estimate the tokens of an instruction set."""
    scale = SCALES[scale_name]
    role = dataset.removesuffix("-1024")
    own_data = not scale.published_choices or isinstance(_data(role), Path)
    if not own_data:
        characters = PROMPT_CHARACTERS + OUTPUT_CHARACTERS[role]
        mean = min(max_length, characters / CHARACTERS_A_TOKEN)
        return Tokens(EXAMPLES[role], round(EXAMPLES[role] * mean), "the paper's statistics")
    from neftune.data import checked, encode

    source = chosen("MODEL", model, scale.models[model])
    if isinstance(source, Path):
        from transformers import AutoTokenizer

        rows = checked(scale.rows(dataset, "train"), dataset)
        tokenizer = AutoTokenizer.from_pretrained(source)
        examples = encode(rows, tokenizer, scale.prompts[dataset], max_length)
        total = sum(len(example["input_ids"]) for example in examples)
        return Tokens(len(examples), total, "counted")
    from experiments.real_data import source as data_source
    from neftune.data import read_rows
    from neftune.prompts import PROMPTS

    place = data_source(role)
    assert isinstance(place, Path)
    form = PROMPTS[scale.prompts[dataset]]
    raw = read_rows(place)
    if role == "sharegpt":
        lengths = [sum(len(t["value"]) for t in row["conversations"]) for row in raw]
        total = sum(math.ceil(n / CHARACTERS_A_TOKEN) for n in lengths)
        return Tokens(math.ceil(total / max_length), total, "the file's characters")
    lengths = [len(form(r["instruction"], r.get("input", ""))) + len(r["output"]) for r in raw]
    total = sum(min(max_length, math.ceil(n / CHARACTERS_A_TOKEN)) for n in lengths)
    return Tokens(len(raw), total, "the file's characters")


def _data(role: str) -> Path | Hub:
    from experiments.real_data import source

    return source(role)


def training_flops(shape: Shape, recipe: Recipe, tokens: int, recompute: bool) -> float:
    """Floating-point operations of one fine-tuning.

    Forward 2, backward 4 a parameter and token; recomputing activations adds a forward pass, an
    adapter saves the weights' gradients (2), and FreeLB passes `steps` times.
    """
    each = 6 + 2 * recompute - 2 * (recipe.adapter != "none")
    passes = recipe.freelb.steps if recipe.freelb else 1
    return float(each * shape.parameters) * tokens * recipe.epochs * passes


def memory(shape: Shape, recipe: Recipe, gpus: int, recompute: bool) -> dict[str, float]:
    """GiB on each of some GPUs that share a fine-tuning (FSDP): what takes how much.

    Full fine-tuning keeps float32 weights, gradients and AdamW's two moments; QLoRA keeps 4-bit
    weights with their constants, and these four of the adapters alone.
    """
    n = shape.parameters
    blocks = n - 2 * shape.vocabulary * shape.hidden
    if recipe.adapter == "qlora":
        adapter = shape.layers * recipe.adapter_rank * (12 * shape.hidden + 3 * shape.feedforward)
        weights = blocks * 0.52 + 2 * (n - blocks) + 4 * adapter
        gradients, optimizer = 4.0 * adapter, 8.0 * adapter
    else:
        weights, gradients, optimizer = 4.0 * n, 4.0 * n, 8.0 * n
    width = recipe.micro_batch * recipe.max_length
    # One bfloat16 input a block is kept when activations are recomputed; else about 34 bytes a
    # hidden unit (Korthikanti et al. 2022, without the attention's matrix) in every block.
    kept = 2 * shape.layers if recompute else 34 * shape.layers
    working = 34 + 6 * shape.feedforward / shape.hidden
    activations = width * shape.hidden * (kept + working * recompute)
    logits = width * shape.vocabulary * 8.0
    gathered = 2 * 2.0 * blocks / shape.layers if gpus > 1 else 0.0
    parts = {
        "weights": weights / gpus,
        "gradients": gradients / gpus,
        "optimizer": optimizer / gpus,
        "activations": activations + logits + gathered,
    }
    return {name: value / GIB for name, value in parts.items()}


@dataclass(frozen=True)
class Line:
    """One kind of run in the plan, all its seeds together."""

    model: str
    dataset: str
    recipe: Recipe
    runs: int
    trained: int
    tokens: Tokens
    steps: int
    gib: float
    hours: float
    decoding_hours: float
    disk: float
    calls: int
    dollars: float


def plan(
    artifact: Artifact, scale: Scale, gpu: str | None, gpus: int, mfu: float, seeds: int | None
) -> str:
    """What an artifact will cost, as text.

    Args:
        artifact: of the paper.
        scale: what stands for its models and data.
        gpu: a name in `GPUS`; None takes the speed that finished runs had.
        gpus: how many share one fine-tuning; without `gpu`, one machine does it.
        mfu: the share of the peak that training reaches.
        seeds: in place of the artifact's own.

    Raises:
        PlanError: a fine-tuning does not fit, or nothing is known of this machine's speed.
    """
    card = known("GPU", gpu, GPUS) if gpu else None
    gpus = gpus if card else 1
    study = Study(scale, seeds or artifact.seeds, load_selection(scale))
    records = list(dict.fromkeys(artifact.needs(study)))
    runs = list(dict.fromkeys(run for run, _ in records))
    if not runs:
        return f"{artifact.title}: needs no run."
    speeds: dict[str, float] = {
        adapter: card.tflops * 1e12 * mfu * gpus if card else measured_speed(scale, adapter)
        for adapter in sorted({run.recipe.adapter for run in runs})
    }
    groups: dict[tuple[str, str, Recipe], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.model, run.dataset, run.recipe), []).append(run)
    lines = [
        _line(
            scale,
            members,
            [p for r, p in records if r in set(members)],
            card,
            gpus,
            speeds[recipe.adapter],
        )
        for (_, _, recipe), members in groups.items()
    ]
    return _told(artifact, scale, lines, gpu, gpus, mfu, speeds)


def _line(
    scale: Scale,
    members: Sequence[Run],
    records: Sequence[Path],
    card: Gpu | None,
    gpus: int,
    speed: float,
) -> Line:
    first = members[0]
    recipe, shape = first.recipe, shape_of(scale, first.model)
    recompute = scale.execution.gradient_checkpointing
    tokens = tokens_of(scale.name, first.model, first.dataset, recipe.max_length)
    gib = sum(memory(shape, recipe, gpus, recompute).values())
    if card and gib > card.memory:
        raise PlanError(_does_not_fit(first, shape, gib, card, gpus, recompute))
    waiting = [run for run in members if not checkpoint_file(run.folder).exists()]
    flops = training_flops(shape, recipe, tokens.total, recompute)
    answers = [p for p in records if p.name == "model_outputs.json" and not p.exists()]
    verdicts = [p for p in records if p.name == "annotations.json" and not p.exists()]
    decoded = {p.parent.parent if p.name == "annotations.json" else p.parent for p in verdicts}
    decoded |= {p.parent for p in answers}
    decoded = {folder for folder in decoded if not (folder / "model_outputs.json").exists()}
    characters = OUTPUT_CHARACTERS[first.dataset.removesuffix("-1024")]
    read = 350 + (350 + characters) / CHARACTERS_A_TOKEN
    dollars = sum(INSTRUCTIONS * _price(scale, path, read) for path in verdicts)
    batches = math.ceil(INSTRUCTIONS / scale.decoding.batch)
    steps = batches * min(scale.decoding.max_new_tokens, 2 * characters / CHARACTERS_A_TOKEN)
    each = steps * 2 * shape.parameters / (card.bandwidth * 1e12 * 0.5) if card else 0.0
    return Line(
        first.model,
        first.dataset,
        recipe,
        len(members),
        len(members) - len(waiting),
        tokens,
        math.ceil(tokens.examples / recipe.batch) * recipe.epochs,
        gib,
        len(waiting) * flops / speed / 3600 * (gpus if card else 1),
        len(decoded) * each / 3600,
        len(waiting) * 4 * shape.parameters / GIB,
        len(verdicts) * INSTRUCTIONS,
        dollars,
    )


def _price(scale: Scale, verdicts: Path, tokens: float) -> float:
    """Dollars for one verdict; judges that are no API's cost nothing."""
    from eval.alpaca import api_model
    from eval.judge_api import PRICES

    model = api_model(scale.judges[verdicts.parent.name])
    if model is None:
        return 0.0
    prompt, completion = PRICES.get(model, (math.nan, math.nan))
    return (tokens * prompt + 50 * completion) / 1e6


def measured_speed(scale: Scale, adapter: str) -> float:
    """Floating-point operations a second of the fine-tunings that a scale has finished, per core.

    Those with an adapter and those without stand apart: on a CPU a 4-bit base takes four times as
    long an operation.

    Args:
        scale: whose runs.
        adapter: as in their recipe.

    Raises:
        PlanError: there are none.
    """
    from experiments.run import RUNS, read_spec

    operations = seconds = 0.0
    for path in sorted((RUNS / scale.name).glob("*/made.json")):
        step = made(path.parent).get("model")
        run = read_spec(path.parent)
        if step and run.recipe.adapter == adapter:
            tokens = tokens_of(scale.name, run.model, run.dataset, run.recipe.max_length)
            shape = shape_of(scale, run.model)
            operations += training_flops(
                shape, run.recipe, tokens.total, scale.execution.gradient_checkpointing
            )
            seconds += step["seconds"]
    if not seconds:
        raise PlanError(
            f"nothing was trained here yet at the scale {scale.name} with adapter {adapter}, so "
            f"its speed is not known: name a GPU ({', '.join(GPUS)})"
        )
    return operations / seconds


def _does_not_fit(run: Run, shape: Shape, gib: float, card: Gpu, gpus: int, recompute: bool) -> str:
    """One line that says what is too large, and what would fit."""

    def least(memory_of_one: float, most: int) -> int | None:
        """The smallest power of two of GPUs on which the run fits."""
        count = 1
        while count <= most:
            if sum(memory(shape, run.recipe, count, recompute).values()) <= memory_of_one:
                return count
            count *= 2
        return None

    enough = least(card.memory, 1024)
    others = [
        f"{count} x {name}"
        for name, other in GPUS.items()
        if other.memory > card.memory and (count := least(other.memory, 64)) is not None
    ]
    here = f"{enough} such GPUs" if enough else "no number of such GPUs"
    return (
        f"{run.model} on {run.dataset} does not fit: {gib:,.0f} GiB on each of {gpus} GPUs of "
        f"{card.memory:g} GiB. What would: {here}" + "".join(f", {other}" for other in others)
    )


def _told(
    artifact: Artifact,
    scale: Scale,
    lines: Sequence[Line],
    gpu: str | None,
    gpus: int,
    mfu: float,
    speeds: Mapping[str, float],
) -> str:
    unit = "GPU-hours" if gpu else "core-hours"
    rows = [
        [
            *("model", "set", "adapter", "runs", "trained", "tokens a run", "known from", "steps"),
            *("GiB a GPU" if gpu else "GiB", f"training {unit}", f"decoding {unit}"),
            *("disk GiB", "judge calls", "dollars"),
        ]
    ]
    for line in lines:
        rows.append(
            [
                *(line.model, line.dataset, line.recipe.adapter),
                *(str(line.runs), str(line.trained)),
                *(f"{line.tokens.total * line.recipe.epochs:,}", line.tokens.source),
                *(f"{line.steps:,}", f"{line.gib:.2f}"),
                *(f"{line.hours:,.2f}", f"{line.decoding_hours:,.2f}" if gpu else "–"),
                *(f"{line.disk:,.2f}", f"{line.calls:,}", f"{line.dollars:,.2f}"),
            ]
        )
    rows.append(
        [
            *("total", "", "", str(sum(x.runs for x in lines)), str(sum(x.trained for x in lines))),
            *("", "", "", ""),
            f"{sum(x.hours for x in lines):,.2f}",
            f"{sum(x.decoding_hours for x in lines):,.2f}" if gpu else "–",
            f"{sum(x.disk for x in lines):,.2f}",
            f"{sum(x.calls for x in lines):,}",
            f"{sum(x.dollars for x in lines):,.2f}",
        ]
    )
    how = (
        f"{gpus} x {gpu} for a fine-tuning, {mfu:.0%} of the peak reached"
        if gpu
        else " and ".join(f"{speed / 1e9:.0f}" for speed in speeds.values())
        + " GFLOP/s a core, as the finished runs had"
    )
    return f"{artifact.title}, scale {scale.name}: {how}.\n\n{markdown_table(rows)}"
