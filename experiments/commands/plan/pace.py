"""How fast this machine tunes a model and has it answer, from a short measurement.

    paces = paces_of(SMALL, ["llama-2-7b", "llama-2-chat-7b"])
    paces["llama-2-7b"].trained                          # tokens a second, one core

Each model is measured in a process of its own with one thread, as many at a time as a table would
have, because processes slow each other down. It takes a minute or two a model and is kept in
`runs/results/<scale>/pace.json` for the same model on the same machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.names import look_up
from experiments.paths import RENDERED
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.capacity import training_memory
from experiments.runs.machine import main_memory
from experiments.runs.workflow import cores
from experiments.scales.registry import SCALES
from experiments.scales.scale import Scale
from neftune.training.files import write_atomic
from neftune.training.prompts import PROMPTS

STEPS = 3
"""Optimizer steps of the measurement; the first is not counted."""
FEW, MANY = 4, 64
"""Answers that are decoded at once, to tell what a step and what a row costs."""
DECODED = 24
"""Tokens of each."""


@dataclass(frozen=True)
class Pace:
    """How fast one core is with a model.

    Args:
        trained: tokens a second in training.
        read: tokens a second without gradients.
        start: seconds of a training before its first step and after its last: imports, loading,
            compilation, saving.
        step: seconds of a step of decoding, with no rows.
        row: seconds that each row adds to it.
    """

    trained: float
    read: float
    start: float
    step: float
    row: float


def paces_of(scale: Scale, models: Sequence[str]) -> dict[str, Pace]:
    """The pace of each model, measured where it is not known.

    Args:
        scale: whose models.
        models: their roles.
    """
    from neftune.training.precision import machine

    file = RENDERED / scale.name / "pace.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    names = {model: f"{scale.base_identity(model)}, {machine()}" for model in models}
    due = [model for model, name in names.items() if name not in known]
    if due:
        print(f"Measuring {len(due)} models, a minute or two each …", file=sys.stderr, flush=True)
        for model in due:
            scale.base(model)  # It is downloaded by one process alone.
        together = at_once(scale, due)
        # Where cores are left, models are measured more than once, so that all cores are busy.
        asked = [due[number % len(due)] for number in range(max(together, len(due)))]
        with ThreadPoolExecutor(together) as pool:
            measurements = pool.map(lambda model: _asked(scale, model), asked)
            known |= dict(zip((names[model] for model in asked), measurements, strict=True))
        write_atomic(file, json.dumps(known, indent=1) + "\n")
    return {model: Pace(**known[name]) for model, name in names.items()}


def at_once(scale: Scale, models: Sequence[str]) -> int:
    """How many trainings this machine has cores and memory for at a time, at least one.

    Args:
        scale: whose models.
        models: their roles, at least one.
    """
    needed = max(training_memory(scale, model, scale.recipe(model, ALPACA)) for model in models)
    return max(1, min(cores(), int(main_memory() // needed)))


def _asked(scale: Scale, model: str) -> Any:
    """The measurement of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "experiments.commands.plan.pace", scale.name, model],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "THP_MEM_ALLOC_ENABLE": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def measured(scale: Scale, model: str) -> Pace:
    """Measure a model in this process: a few steps on Alpaca, and a few tokens of answers."""
    started = time.monotonic()
    from dataclasses import replace

    from transformers import TrainerCallback

    from neftune import Noise
    from neftune.training.base_model import load_model_and_tokenizer
    from neftune.training.data import checked, encode
    from neftune.training.finetune import finetune

    class Clock(TrainerCallback):
        """Notes when steps begin and end."""

        def __init__(self) -> None:
            self.begun: list[float] = []
            self.ended: list[float] = []

        def on_step_begin(self, *arguments: Any, **settings: Any) -> None:
            self.begun.append(time.monotonic())

        def on_step_end(self, *arguments: Any, **settings: Any) -> None:
            self.ended.append(time.monotonic())

    recipe = scale.recipe(model, ALPACA, epochs=1)
    tuned, tokenizer = load_model_and_tokenizer(
        scale.base(model), recipe, seed=0, attention=scale.attention
    )
    rows = checked(scale.rows(ALPACA, "train")[: STEPS * recipe.batch], ALPACA.title)
    examples = encode(rows, tokenizer, ALPACA.prompt, recipe.max_length)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        finetune(
            tuned,
            tokenizer,
            examples,
            recipe,
            Noise(5),
            seed=0,
            out=Path(folder) / "model",
            execution=replace(scale.execution(model, recipe), checkpoint_steps=0),
            callbacks=[clock],
        )
    steps = [end - begin for begin, end in zip(clock.begun, clock.ended, strict=True)]
    whole = time.monotonic() - started
    tokens = sum(len(example["input_ids"]) for example in examples)
    read, step, row = _decoding(scale, tuned, tokenizer)
    return Pace(
        trained=tokens * (len(steps) - 1) / len(steps) / sum(steps[1:]),
        read=read,
        start=whole - sum(steps),
        step=step,
        row=row,
    )


def _decoding(scale: Scale, model: Any, tokenizer: Any) -> tuple[float, float, float]:
    """Tokens read a second, and seconds of a step of decoding: a part of its own, and by row."""
    from dataclasses import replace

    from eval.generation import complete
    from neftune.training import precision

    model = model.to(precision.for_inference()).eval()
    form = PROMPTS[ALPACA.prompt]
    every = tokenizer([form(r["instruction"]) for r in scale.references("test")[:MANY]])
    ids = sorted(every["input_ids"], key=len)
    ids = [each[: len(ids[len(ids) // 2])] for each in ids[len(ids) // 2 :]] * 2
    one = replace(scale.decoding, max_new_tokens=1, min_new_tokens=1)
    more = replace(scale.decoding, max_new_tokens=1 + DECODED, min_new_tokens=1 + DECODED)
    seconds = {}
    for count in (FEW, MANY):
        for decoding in (one, more):
            begun = time.monotonic()
            complete(model, ids[:count], decoding, [tokenizer.eos_token_id])
            seconds[count, decoding] = time.monotonic() - begun
    few, many = ((seconds[n, more] - seconds[n, one]) / DECODED for n in (FEW, MANY))
    row = max(0.0, (many - few) / (MANY - FEW))
    return sum(map(len, ids[:MANY])) / seconds[MANY, one], max(0.0, few - FEW * row), row


if __name__ == "__main__":
    print(json.dumps(asdict(measured(look_up("scale", sys.argv[1], SCALES), sys.argv[2]))))
