"""The plan of an artifact as a table: one row for each model, instruction set and recipe.

print(plan(ARTIFACTS["table1"], PAPER, "A100-80GB", gpus=8, mfu=0.35, seeds=None))
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eval.judge_config import PRICES, api_model, prices_from_environment
from experiments.cells.artifact import Artifact
from experiments.cells.markdown import markdown_table
from experiments.cells.render import all_records
from experiments.commands.plan.costs import (
    CHARACTERS_A_TOKEN,
    GPUS,
    OUTPUT_CHARACTERS,
    Gpu,
    Tokens,
    instructions_of,
    tokens_of,
    training_flops,
)
from experiments.commands.plan.pace import Pace, paces_of
from experiments.names import look_up
from experiments.paths import RUNS
from experiments.published import HUMAN_STUDY
from experiments.roles.sources import Shape
from experiments.runs.capacity import checkpoint_bytes
from experiments.runs.record import UNTRAINED, Record, missing
from experiments.runs.run import Run, RunError, read_run
from experiments.runs.selection import load_selection
from experiments.runs.study import Study
from experiments.scales.memory import GIB, gpu_memory, memory
from experiments.scales.scale import Scale
from neftune.training.recipe import Execution, Recipe

ANSWER_TOKENS = 80
"""Of an answer of a small model tuned on Alpaca, about; a batch goes on until its longest ends."""
PROBED = 16 * 5
"""Examples of each set on which a training logs losses, by the times that it does."""
JUDGED = 40.0
"""Seconds in which the fitted judge is fitted, and judges a run's answers."""
COMPARED = ("verdicts", "head_to_head")
"""Kinds of records that the judge makes."""


class PlanError(ValueError):
    """The request cannot be carried out as it is; the message says what could be."""


class TooLargeError(PlanError):
    """A fine-tuning does not fit; the message says what would."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One kind of run in the plan, all its seeds and noises together.

    Args:
        model: for readers.
        dataset: for readers.
        recipe: hyperparameters.
        runs: how many.
        trained: how many of them are trained already.
        tokens: of one epoch.
        steps: optimizer steps of a run.
        gib: on each GPU, or of the machine where there is none.
        main_memory: GiB that FSDP's offload keeps in main memory.
        hours: of training still to be done, times the GPUs that share a run.
        decoding_hours: of the answers still to be decoded.
        disk: GiB of the checkpoints still to be written.
        calls: of the judge still to be made.
        dollars: for these calls.
    """

    model: str
    dataset: str
    recipe: Recipe
    runs: int
    trained: int
    tokens: Tokens
    steps: int
    gib: float
    main_memory: float
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
        scale: what stands in for its models and data.
        gpu: a name in `GPUS`; None uses the speed that finished runs had.
        gpus: how many share one fine-tuning; without `gpu`, one machine does it.
        mfu: the share of the peak that training reaches.
        seeds: in place of the artifact's own.

    Raises:
        PlanError: no fine-tuning fits, or nothing is known of this machine's speed.
    """
    card = look_up("GPU", gpu, GPUS) if gpu else None
    gpus = gpus if card else 1
    study = Study(scale, seeds or artifact.seeds, load_selection(scale))
    wanted = all_records(artifact.cells(study))
    records = missing(wanted)
    asked = (record.run.training for record in wanted if record.kind not in UNTRAINED)
    runs = list(dict.fromkeys(asked))
    if not runs:
        return f"{artifact.title}: needs no training."
    paces = {}
    speeds: dict[str, float] = {}
    if card is None and scale.name == "small":
        paces = paces_of(scale, list(dict.fromkeys(run.model for run in runs)))
    else:
        speeds = {
            adapter: card.tflops * 1e12 * mfu * gpus if card else measured_speed(scale, adapter)
            for adapter in sorted({run.recipe.adapter for run in runs})
        }
    groups: dict[tuple[str, str, Recipe], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.model, run.dataset.title, run.recipe), []).append(run)
    lines, too_large = [], []
    for members in groups.values():
        due = [record for record in records if record.run.training in set(members)]
        try:
            pace = paces.get(members[0].model)
            line = _line(members, due, card, gpus, speeds)
            lines.append(_timed(line, members[0], due, pace) if pace else line)
        except TooLargeError as error:
            too_large.append(error)
    if not lines:
        every = f"none of its {len(too_large)} kinds of run fits: " if too_large[1:] else ""
        raise PlanError(f"{every}{too_large[0]}")
    how = _how(gpu, gpus, mfu, speeds)
    return _text(artifact, scale, lines, gpu, how) + "".join(
        f"\n\nNot in the table: {each}." for each in too_large
    )


def _line(
    members: Sequence[Run],
    records: Sequence[Record],
    card: Gpu | None,
    gpus: int,
    speeds: Mapping[str, float],
) -> Line:
    """One line of the plan.

    Args:
        members: runs of one model, set and recipe.
        records: what is still to be made of them.
        card: the GPU; None for this machine.
        gpus: how many share a run.
        speeds: operations a second, by adapter.
    """
    first, scale = members[0], members[0].scale
    recipe, shape = first.recipe, first.scale.shape(first.model)
    execution = scale.execution(first.model, recipe)
    tokens = _tokens(members)
    gib = gpu_memory(shape, recipe, execution, gpus if card else 0)
    if card and gib > card.memory:
        raise TooLargeError(_does_not_fit(first, shape, execution, card, gpus))
    weights = {r.run for r in records if r.kind in ("checkpoint", "log", "settings")}
    # Weights of a run that is stopped early or interpolated are kept, and cost no training.
    training = weights & set(members)
    flops = training_flops(shape, recipe, tokens.total, execution.gradient_checkpointing)
    decoded = [record for record in records if record.kind == "responses"]
    judged = [record for record in records if record.kind in COMPARED]
    characters = OUTPUT_CHARACTERS[first.dataset.role]
    read = 350 + (350 + characters) / CHARACTERS_A_TOKEN
    batches = math.ceil(instructions_of(scale) / scale.decoding.batch)
    steps = batches * min(scale.decoding.max_new_tokens, 2 * characters / CHARACTERS_A_TOKEN)
    each = steps * 2 * shape.parameters / (card.bandwidth * 1e12 * 0.5) if card else 0.0
    speed = speeds.get(recipe.adapter, math.inf)
    hours = len(training) * flops / speed / 3600
    return Line(
        model=scale.model_title(first.model),
        dataset=first.dataset.title,
        recipe=recipe,
        runs=len(members),
        trained=len(members) - len(training),
        tokens=tokens,
        steps=math.ceil(tokens.examples / recipe.batch) * recipe.epochs,
        gib=gib,
        main_memory=memory(shape, recipe, execution, gpus)["main memory"],
        hours=hours * (gpus if card else 1),
        decoding_hours=len(decoded) * each / 3600,
        disk=sum(map(checkpoint_bytes, weights)) / GIB,
        calls=sum(map(_compared, judged)),
        dollars=sum(_compared(each) * _price(scale, each.judge, read) for each in judged),
    )


def _timed(line: Line, run: Run, records: Sequence[Record], pace: Pace) -> Line:
    """A line with the hours that this machine's cores take.

    Args:
        line: of the plan.
        run: one of its runs.
        records: what is still to be made of them.
        pace: of the run's model.
    """
    scale, other = run.scale, run.scale.other(run.dataset)
    far = tokens_of(scale, run.model, other, run.recipe.max_length)
    means = (line.tokens.total / line.tokens.examples, far.total / far.examples)
    # Of the set itself training and held-out rows, and of the other set.
    read = (2 * means[0] + means[1]) / pace.read
    steps = line.tokens.total * run.recipe.epochs * run.recipe.passes / pace.trained
    training = pace.start + steps + PROBED * read
    kinds = Counter(r.kind for r in records if r.kind in ("responses", "losses", "verdicts"))
    asked = instructions_of(scale)
    answered = math.ceil(
        asked / scale.decoding.batch
    ) * scale.decoding.max_new_tokens * pace.step + asked * (
        ANSWER_TOKENS * pace.row + means[0] / 2 / pace.read
    )
    seconds = kinds["responses"] * answered + kinds["losses"] * scale.loss_examples * read
    seconds += kinds["verdicts"] * JUDGED
    return replace(
        line, hours=(line.runs - line.trained) * training / 3600, decoding_hours=seconds / 3600
    )


def _compared(record: Record) -> int:
    """How many pairs of answers the judge compares for a record."""
    if record.kind == "head_to_head":
        return int(HUMAN_STUDY["pairs"])
    return instructions_of(record.run.scale)


def _tokens(runs: Sequence[Run]) -> Tokens:
    """The tokens of some runs' set: as one of them was trained, else counted or estimated."""
    first = runs[0]
    for record in (Record(run, "settings") for run in runs):
        if record.exists():
            found = record.read()
            return Tokens(found["examples"], found["tokens"], "a finished training")
    return tokens_of(first.scale, first.model, first.dataset, first.recipe.max_length)


def _price(scale: Scale, judge: str, tokens: float) -> float:
    """Dollars for one comparison, NaN if they are not known; a judge without an API costs none."""
    model = api_model(scale.judge(judge))
    if model is None:
        return 0.0
    model = os.environ.get("JUDGE_MODEL") or model
    unknown = (math.nan, math.nan)
    prompt, completion = prices_from_environment() or PRICES.get(model, unknown)
    return (tokens * prompt + 50 * completion) / 1e6


def measured_speed(scale: Scale, adapter: str) -> float:
    """Floating-point operations a second of the fine-tunings that a scale has finished, per core.

    Those with an adapter and those without are counted apart: on a CPU a 4-bit base takes four
    times as long an operation.

    Args:
        scale: whose runs.
        adapter: as in their recipe.

    Raises:
        PlanError: there are none.
    """
    operations = seconds = 0.0
    for path in sorted((RUNS / scale.name).glob("*/made.json")):
        try:
            run = read_run(path.parent)
        except RunError:
            continue
        step = Record(run, "checkpoint").entry()
        if step and run.recipe.adapter == adapter:
            tokens = _tokens([run])
            recompute = scale.execution(run.model, run.recipe).gradient_checkpointing
            operations += training_flops(
                scale.shape(run.model), run.recipe, tokens.total, recompute
            )
            seconds += step.seconds
    if not seconds:
        raise PlanError(
            f"nothing was trained here yet at the scale {scale.name} with adapter {adapter}, so "
            f"its speed is not known: train one run first, or name a GPU ({', '.join(GPUS)})"
        )
    return operations / seconds


def _does_not_fit(run: Run, shape: Shape, execution: Execution, card: Gpu, gpus: int) -> str:
    """One line that says what is too large, and what would fit."""

    def least(memory_of_one: float, most: int) -> int | None:
        """The smallest power of two of GPUs on which the run fits."""
        count = 1
        while count <= most:
            if gpu_memory(shape, run.recipe, execution, count) <= memory_of_one:
                return count
            count *= 2
        return None

    gib = gpu_memory(shape, run.recipe, execution, gpus)
    title = f"{run.scale.model_title(run.model)} on {run.dataset.title}"
    enough = least(card.memory, 1024)
    others = [
        f"{count} x {name}"
        for name, other in GPUS.items()
        if other.memory > card.memory and (count := least(other.memory, 64)) is not None
    ]
    here = f"{enough} such GPUs" if enough else "no number of such GPUs"
    return (
        f"{title} does not fit: {gib:,.0f} GiB on each of {gpus} GPUs of {card.memory:g} GiB. What "
        f"would fit: {here}" + "".join(f", {other}" for other in others)
    )


def _text(
    artifact: Artifact,
    scale: Scale,
    lines: Sequence[Line],
    gpu: str | None,
    how: str,
) -> str:
    timed = gpu is not None or scale.name == "small"
    evaluation = "decoding" if gpu or not timed else "evaluation"
    unit = "GPU-hours" if gpu else "core-hours"
    rows = [
        [
            *("model", "set", "adapter", "runs", "trained", "tokens a run", "known from", "steps"),
            *("GiB a GPU" if gpu else "GiB", "GiB offloaded"),
            *(f"training {unit}", f"{evaluation} {unit}"),
            *("disk GiB", "judge calls", "judge dollars"),
        ]
    ]
    for line in lines:
        rows.append(
            [
                *(line.model, line.dataset, line.recipe.adapter),
                *(str(line.runs), str(line.trained)),
                *(f"{line.tokens.total * line.recipe.epochs:,}", line.tokens.source),
                *(f"{line.steps:,}", f"{line.gib:.2f}"),
                f"{line.main_memory:,.0f}" if line.main_memory else "–",
                *(f"{line.hours:,.2f}", f"{line.decoding_hours:,.2f}" if timed else "–"),
                *(f"{line.disk:,.2f}", f"{line.calls:,}", _dollars(line.dollars)),
            ]
        )
    rows.append(
        [
            *("total", "", "", str(sum(x.runs for x in lines)), str(sum(x.trained for x in lines))),
            *("", "", "", "", ""),
            f"{sum(x.hours for x in lines):,.2f}",
            f"{sum(x.decoding_hours for x in lines):,.2f}" if timed else "–",
            f"{sum(x.disk for x in lines):,.2f}",
            f"{sum(x.calls for x in lines):,}",
            _dollars(sum(x.dollars for x in lines)),
        ]
    )
    hours = sum(x.hours + x.decoding_hours for x in lines)
    dollars = sum(x.dollars for x in lines)
    price = (
        "not known (JUDGE_PRICES says what it asks)" if math.isnan(dollars) else f"${dollars:,.2f}"
    )
    return (
        f"{artifact.title}, scale {scale.name}: {how}.\n\n{markdown_table(rows)}\n\n"
        f"In all {hours:,.1f} {unit}, whose price is not counted, and for the judge's API {price}."
    )


def _how(gpu: str | None, gpus: int, mfu: float, speeds: Mapping[str, float]) -> str:
    """What the hours are computed from."""
    if gpu:
        return f"{gpus} x {gpu} for a fine-tuning, {mfu:.0%} of the peak reached"
    if not speeds:
        return "this machine, as measured"
    each = " and ".join(f"{speed / 1e9:.0f}" for speed in speeds.values())
    return f"{each} GFLOP/s a core, as the finished runs had"


def _dollars(amount: float) -> str:
    return "not known" if math.isnan(amount) else f"{amount:,.2f}"
