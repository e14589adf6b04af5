"""Whether this machine has room for trainings: space on disk, memory, GPUs. Each lack is a line.

lack_of_space(runs, records=160, jobs=2, download=0)
lack_of_memory(runs, jobs=2, gpus=[80.0] * 8)
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.paths import RUNS
from experiments.roles.models import MODELS
from experiments.runs import machine
from experiments.runs.run import Run
from experiments.scales.memory import GIB, gpu_memory, memory
from experiments.scales.scale import Scale
from neftune.training.recipe import Recipe

PROGRAM = 0.5
"""GiB of memory that a job takes besides its training: Python, torch and the data."""
RECORD_BYTES = 2 * 2**20
"""A record that is not a checkpoint has at most about so many bytes."""
STATES = 3
"""Saved states of a training that are there at the same time: two, and the one being written."""
MOST_ON_CPU = 1_000_000_000
"""Parameters of a model from which on a training on a CPU takes months."""


def lack_of_space(runs: Sequence[Run], records: int, jobs: int, download: int) -> list[str]:
    """What hinders writing: folders that take nothing, and disks that are too small.

    Args:
        runs: that are to be trained.
        records: how many files are to be written in all.
        jobs: how many trainings run at a time.
        download: bytes that go into the hub's cache.

    Returns:
        A line for each lack.
    """
    temporary = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    found = []
    for name, folder, otherwise in (
        (f"the folder {RUNS}", machine.existing(RUNS), "start the command in another folder"),
        ("TMPDIR", temporary, "set TMPDIR to another folder"),
    ):
        why = machine.cannot_write(folder)
        if why:
            found.append(f"{name}: {why}; make room or give permission, or {otherwise}")
    needed = float(records * RECORD_BYTES + sum(checkpoint_bytes(run) for run in runs))
    needed += sum(sorted((_state_bytes(run) for run in runs), reverse=True)[:jobs])
    places = {RUNS: needed} | ({_hub_cache(): float(download)} if download else {})
    return found + _too_full(places)


def _too_full(places: Mapping[Path, float]) -> list[str]:
    """A line for each disk that has less room than the folders on it need together."""
    needs: dict[int, float] = {}
    folders: dict[int, tuple[Path, int]] = {}
    for folder, size in places.items():
        device, free = machine.free_space(folder)
        needs[device] = needs.get(device, 0.0) + size
        folders.setdefault(device, (folder, free))
    return [
        f"disk: {needs[device] / GIB:,.1f} GiB are needed in {folder.absolute()}, "
        f"{free / GIB:,.1f} GiB are free; `make plan` says what for, and fewer SEEDS need less"
        for device, (folder, free) in folders.items()
        if needs[device] > free
    ]


def _hub_cache() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def checkpoint_bytes(run: Run) -> int:
    """The bytes of a run's weights, and of those after its earlier epochs where they are kept."""
    kept = run.training == run and run.scale.execution(run.model, run.recipe).keep_epochs
    return 4 * run.scale.parameters(run.model) * (max(1, run.recipe.epochs) if kept else 1)


def _state_bytes(run: Run) -> int:
    """The bytes of a training's saved states: weights and AdamW's two moments in float32.

    A run that trains nothing has none.
    """
    execution = run.scale.execution(run.model, run.recipe)
    trains = run.training == run and run.recipe.epochs > 0
    if not trains or not execution.checkpoint_steps or run.recipe.adapter != "none":
        return 0
    return STATES * 12 * run.scale.parameters(run.model)


def lack_of_memory(runs: Sequence[Run], jobs: int, gpus: Sequence[float]) -> list[str]:
    """What hinders training here: no GPU for a large model, or too little memory.

    Args:
        runs: that are to be trained.
        jobs: how many at a time.
        gpus: the GiB of each GPU.

    Returns:
        A line for each model that does not fit.
    """
    large = {run.model for run in runs if run.scale.parameters(run.model) > MOST_ON_CPU}
    if large and not gpus:
        titles = ", ".join(MODELS[model].title for model in MODELS if model in large)
        return [
            f"no GPU is seen here, and on a CPU {titles} would train for months; {_otherwise(runs)}"
        ]
    lines: dict[str, str] = {}
    for run in runs:
        line = _too_large(run, min(jobs, len(runs)), gpus)
        if line:
            lines.setdefault(run.model, f"{MODELS[run.model].title}: {line}")
    return list(lines.values())


def _otherwise(runs: Sequence[Run]) -> str:
    """What to do where a scale's models are too large for this machine."""
    scale = runs[0].scale.name
    smaller = {"paper": "SCALE=small has models for one GPU, ", "small": "SCALE=nano needs none, "}
    return (
        f"`make plan SCALE={scale}` says what they need, {smaller.get(scale, '')}PROFILE=slurm "
        "sends the jobs to a cluster"
    )


def training_memory(scale: Scale, model: str, recipe: Recipe) -> float:
    """The GiB of main memory that a training takes on a CPU, with its program."""
    return PROGRAM + gpu_memory(scale.shape(model), recipe, scale.execution(model, recipe), gpus=0)


def _too_large(run: Run, at_once: int, gpus: Sequence[float]) -> str | None:
    """Why a run cannot be trained here; None if it can."""
    shape, execution = run.scale.shape(run.model), run.scale.execution(run.model, run.recipe)
    own = os.environ.get("PROCESSES", "")
    sharing = int(own) if own.isdigit() and int(own) else max(1, len(gpus))
    sharing = sharing if execution.noise_by_sequence else 1
    main, otherwise = machine.main_memory(), _otherwise([run])
    if gpus:
        each, there = gpu_memory(shape, run.recipe, execution, sharing), min(gpus)
        what = f"GiB on each of {sharing} GPUs"
        offloaded = memory(shape, run.recipe, execution, sharing)["main memory"]
        if offloaded > main:
            return f"needs {offloaded:,.0f} GiB of main memory, there are {main:,.0f}; {otherwise}"
    else:
        each, there = training_memory(run.scale, run.model, run.recipe), main
        what = "GiB of memory"
    if each > there:
        return f"a training needs {each:,.1f} {what}, there are {there:,.1f}; {otherwise}"
    if each * at_once > there:
        return (
            f"{at_once} trainings at a time need {each * at_once:,.1f} {what}, there are "
            f"{there:,.1f}: set JOBS={math.floor(there / each)}"
        )
    return None
