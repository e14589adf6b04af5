"""Load a model and measure its dose on its rows.

key = identity(subject, model, rows, settings)
record = measure(subject, model, rows, settings, key)
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from analysis.crowding import geometry
from analysis.curvature import hessian_trace
from analysis.dose import ALPHAS, measured
from analysis.dose_summary import Dose, summary
from experiments.commands.dose.subjects import Settings, Subject
from experiments.doses import Record
from experiments.runs.provenance import commit
from experiments.scales.fetch import identity as source_identity
from neftune.training.base_model import load_model_and_tokenizer
from neftune.training.data import Example, encode
from neftune.training.instructions import InstructionDataError, InstructionRow, check_prompt
from neftune.training.precision import machine
from neftune.training.recipe import Recipe

METHOD = 2
"""Raised when the same settings give other numbers than before."""
SPACING = 1_000_003
"""Between the seeds of two settings, so that their examples have different ones."""


def identity(
    subject: Subject, model: Path | str, rows: Sequence[InstructionRow], settings: Settings
) -> str:
    """A hash of what a measurement depends on."""
    weights = source_identity(model) if isinstance(model, Path) else model
    if isinstance(model, str) and Path(model).exists():
        weights = source_identity(Path(model).resolve())
    content = [METHOD, subject.name, weights, _hash_of(rows), asdict(settings), list(ALPHAS)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _hash_of(rows: Sequence[InstructionRow]) -> str:
    content = json.dumps([row.model_dump() for row in rows], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def measure(
    subject: Subject,
    source: Path | str,
    rows: Sequence[InstructionRow],
    settings: Settings,
    key: str,
) -> Record:
    """Measure a model.

    Args:
        subject: what is measured.
        source: the model's folder or hub name.
        rows: all rows that it could be measured on.
        settings: of the measurement.
        key: from `identity`.

    Raises:
        ValueError: the model or a row cannot be what it is.
    """
    started = time.perf_counter()
    check_prompt(rows, settings.prompt, subject.rows_from)
    model, tokenizer = load_model_and_tokenizer(source, Recipe(), seed=0, attention="eager")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device=device, dtype=getattr(torch, settings.dtype))
    examples = chosen_examples(rows, tokenizer, settings, subject.rows_from)
    dose = dose_of(model, examples, settings, subject.title)
    lengths = [len(example["input_ids"]) for example in examples]
    labelled = sum(label >= 0 for example in examples for label in example["labels"])
    about = {
        "source": subject.source,
        "parameters": sum(value.numel() for value in model.parameters()),
        "d": model.get_input_embeddings().weight.shape[1],
        "vocabulary": model.get_input_embeddings().weight.shape[0],
        "rows": subject.rows_from,
        "rows_sha256": _hash_of(rows),
        "examples": len(examples),
        "mean_length": round(sum(lengths) / len(lengths), 2),
        "response_tokens": labelled,
        "settings": asdict(settings),
        "commit": commit(),
        "machine": machine().partition(";")[0],
        "torch": torch.__version__,
        "seconds": round(time.perf_counter() - started),
    }
    measures = {
        "loss": asdict(dose.loss),
        "norm": asdict(dose.norm),
        "trace": asdict(dose.trace),
        # Of a single probe there is none, and JSON has no NaN.
        "trace_error": None if math.isnan(dose.trace_error) else dose.trace_error,
        "geometry": asdict(geometry(model, examples)),
    }
    alphas = {alpha: asdict(found) for alpha, found in dose.at.items()}
    return Record(
        name=subject.name,
        title=subject.title,
        real=not subject.role,
        role=subject.role,
        identity=key,
        about=about,
        measures=measures,
        alphas=alphas,
    )


def dose_of(model: Any, examples: Sequence[Example], settings: Settings, title: str) -> Dose:
    """Measure some examples one by one, with a progress bar."""
    readings, traces = [], []
    assert settings.draws is not None
    for number, example in enumerate(tqdm(examples, desc=title, unit="example")):
        seed = settings.seed * SPACING + number
        found, directions = measured(model, example, ALPHAS, draws=settings.draws, seed=seed)
        readings.append(found)
        traces.append(hessian_trace(model, example, directions))
    return summary(readings, traces, model.get_input_embeddings().weight.shape[1])


def chosen_examples(
    rows: Sequence[InstructionRow], tokenizer: Any, settings: Settings, rows_from: str
) -> list[Example]:
    """Some of the rows, drawn at random, as tokens.

    Raises:
        InstructionDataError: there are fewer rows than are to be measured.
    """
    if len(rows) < settings.examples:
        raise InstructionDataError(
            f"{rows_from}: has {len(rows)} rows, fewer than the {settings.examples} to be "
            "measured; give more rows, or fewer --examples"
        )
    drawn = random.Random(settings.seed).sample(list(rows), settings.examples)
    examples = encode(drawn, tokenizer, settings.prompt, settings.max_length)
    if len(examples) < settings.examples / 2:
        raise InstructionDataError(
            f"{rows_from}: only {len(examples)} of {settings.examples} examples have a response "
            f"within {settings.max_length} tokens; raise --max-length"
        )
    return examples
