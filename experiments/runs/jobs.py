"""How each kind of record is made. This runs in the worker processes that the workflow starts.

    python -m experiments make runs/nano/3f2a…/test/gpt-4-7d30c2aa/annotations.json runs/nano/…

What a record is made from is made first, and checked. A record appears whole or not at all: it is
written beside its place, its hash goes into the run's manifest, then it is put in its place; after
a kill in between it is made again. One that exists is not made again. A job holds the lock of the
run's folder, so that two jobs never write there at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM

from analysis.dose import reading, share_estimate
from analysis.embeddings import (
    embedding_of,
    flip_shares,
    flipped_to,
    flips,
    similarity_spectrum,
)
from eval.losses import example_losses
from eval.responses import Prompt, respond
from experiments.published import ALPHA_GRID, HUMAN_STUDY
from experiments.roles.instruction_sets import ALPACA, InstructionSet, Split
from experiments.runs.conditions import CONDITIONS
from experiments.runs.dose import DRAWS, EXAMPLES
from experiments.runs.flips import ALPHAS, LENGTHS, SHOWN
from experiments.runs.manifest import Entry, digest, write_entries
from experiments.runs.provenance import commit
from experiments.runs.record import TRAINED, Record, files_of, missing, record_at
from experiments.runs.run import Run
from neftune.distributions import Noise
from neftune.training import precision
from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer
from neftune.training.bounded_trainer import keep_freed_memory
from neftune.training.data import Example, InstructionRow, checked, encode
from neftune.training.epochs import EPOCHS
from neftune.training.files import give_usual_permissions, replace_folder, write_atomic
from neftune.training.finetune import finetune
from neftune.training.prompts import PROMPTS

PROBE_EXAMPLES = 16
"""Of each set whose loss is logged while a model is trained."""
TRAIN_PROMPTS = 200


class JobError(RuntimeError):
    """Some records could not be made; each error was printed when it happened."""


@cache
def code_commit() -> str:
    """The commit of the code when this was first asked, at the beginning of the work."""
    return commit()


def make(paths: Sequence[Path]) -> None:
    """Make records, and before each what it is made from. An error does not stop the others.

    Raises:
        JobError: some could not be made.
    """
    if not torch.cuda.is_available():
        keep_freed_memory()
    code_commit()
    failed = 0
    for path in paths:
        try:
            record = record_at(path)
            for each in missing([record]):
                _make(each)
        except (ValueError, RuntimeError, OSError) as error:
            failed += 1
            print(f"error: {path}: {error}", file=sys.stderr, flush=True)
    if failed:
        raise JobError(f"{failed} of {len(paths)} records could not be made")


def _make(record: Record) -> None:
    if record.exists():
        return
    if "RANK" in os.environ:  # one of the processes of a training; the first one seals its result
        _write(record)
        return
    folder = record.run.folder
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if record.exists():
            return
        for need in record.needs():
            need.check()
        sources = record.sources()
        started = time.monotonic()
        _write(record)
        _put_in_place(record, sources, round(time.monotonic() - started, 1))


def _write(record: Record) -> None:
    MAKERS[record.kind](record, _fresh(record))


def _fresh(record: Record) -> Path:
    """Where a record is written before it is put in its place.

    A training's folder appears there whole, so one that a kill left there is complete.
    """
    if record.kind in TRAINED:
        return record.path.parent.with_name("model.new") / record.path.name
    return record.path.with_name(f"{record.path.name}.new")


def _put_in_place(record: Record, sources: Mapping[str, str | None], seconds: float) -> None:
    """Enter a record into the manifest, and move it to its place; a training's three at once."""
    fresh, entries = _fresh(record), {}
    for kind in TRAINED if record.kind in TRAINED else (record.kind,):
        each = record.of(kind)
        sha256 = digest(files_of(kind, _fresh(each)))
        # What a training cost is counted once.
        spent = 0.0 if kind in ("log", "settings") else seconds
        entries[each.name] = Entry(sha256, sources, precision.machine(), spent, code_commit())
    write_entries(record.run.folder, record.run.key, entries)
    if record.kind in TRAINED:
        replace_folder(fresh.parent, record.path.parent)
    else:
        os.replace(fresh, record.path)


def _rows(run: Run, dataset: InstructionSet, split: Split) -> list[InstructionRow]:
    return checked(run.scale.rows(dataset, split), f"{dataset.title}, {split}")


def _examples(run: Run, tokenizer: Any, dataset: InstructionSet, split: Split) -> list[Example]:
    return encode(_rows(run, dataset, split), tokenizer, dataset.prompt, run.recipe.max_length)


def _train(record: Record, path: Path) -> None:
    run = record.run
    if path.exists():
        return
    if run.training != run:
        _derive(run, path.parent)
        return
    processes = int(os.environ.get("PROCESSES", "0")) or max(1, torch.cuda.device_count())
    distributable = run.scale.execution(run.model, run.recipe).noise_by_sequence
    if processes > 1 and distributable and "RANK" not in os.environ:
        _launch(processes, record.path)
    else:
        _train_here(run, path.parent)


def _derive(run: Run, out: Path) -> None:
    """Write weights that come from those of another run's training, with that training's log."""
    unfinished = out.with_name(out.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    trained = run.training.folder / "model"
    if run.stopped is None:
        _interpolate(run, trained, unfinished)
    else:
        shutil.copytree(trained / EPOCHS / str(run.stopped), unfinished)
    load_tokenizer(trained).save_pretrained(unfinished)
    for record in (Record(run.training, "log"), Record(run.training, "settings")):
        shutil.copyfile(record.path, unfinished / record.path.name)
    give_usual_permissions(unfinished)
    replace_folder(unfinished, out)


def _interpolate(run: Run, trained: Path, out: Path) -> None:
    """Write weights between those of the base model and the tuned ones."""
    tuned, _ = load_model_and_tokenizer(trained, run.recipe, seed=run.seed)
    base, _ = load_model_and_tokenizer(run.scale.base(run.model), run.recipe, seed=run.seed)
    start = base.state_dict()
    with torch.no_grad():
        for name, value in tuned.state_dict().items():
            value.copy_(torch.lerp(start[name], value, run.interpolation))
    tuned.save_pretrained(out)


def _launch(processes: int, checkpoint: Path) -> None:
    """Have a fine-tuning done by several processes of this machine, one a GPU."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
        *("-m", "experiments", "make", str(checkpoint)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"the training on {processes} processes failed; see the job's log")


def _train_here(run: Run, out: Path) -> None:
    model, tokenizer = load_model_and_tokenizer(
        run.scale.base(run.model),
        run.recipe,
        seed=run.seed,
        attention=_installed(run.scale.attention),
    )
    training = _examples(run, tokenizer, run.dataset, "train")
    other = run.scale.other(run.dataset)
    finetune(
        model,
        tokenizer,
        training,
        run.recipe,
        run.noise,
        seed=run.seed,
        out=out,
        probes={
            "train": training[:PROBE_EXAMPLES],
            "validation": _examples(run, tokenizer, run.dataset, "validation")[:PROBE_EXAMPLES],
            "other": _examples(run, tokenizer, other, "train")[:PROBE_EXAMPLES],
        },
        execution=run.scale.execution(run.model, run.recipe),
    )


def _installed(attention: str) -> str:
    """An attention implementation, if it can be used here.

    Raises:
        ValueError: it is not installed.
    """
    from transformers.utils import is_flash_attn_2_available

    if attention == "flash_attention_2" and not is_flash_attn_2_available():
        raise ValueError(
            "ATTENTION=flash_attention_2 needs an NVIDIA GPU and the package flash-attn "
            "(pip install flash-attn --no-build-isolation); without it use ATTENTION=sdpa"
        )
    return attention


def _tuned(run: Run) -> tuple[Any, Any]:
    """The tuned model, on the GPUs there are, and its tokenizer."""
    folder = run.folder / "model"
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=precision.for_inference(),
        device_map="auto" if torch.cuda.is_available() else None,
        use_safetensors=True,
    )
    return model.eval(), load_tokenizer(folder)


def _respond(record: Record, path: Path) -> None:
    run, condition = record.run, CONDITIONS[record.condition]
    form = PROMPTS[run.dataset.prompt]
    if condition.split == "train":
        prompts = [
            Prompt(row.instruction, form(row.instruction, row.input), run.dataset.role)
            for row in _rows(run, run.dataset, "train")[:TRAIN_PROMPTS]
        ]
    else:
        prompts = [
            Prompt(
                row["instruction"],
                form(f"{row['instruction']} {condition.suffix}".strip()),
                row["dataset"],
            )
            for row in run.scale.references(condition.split)
        ]
    model, tokenizer = _tuned(run)
    least = _mean_tokens(record.other, tokenizer) if condition.as_long_as_other else 0
    decoding = condition.decoding(run.scale.decoding, min_new_tokens=least)
    checkpoint = Record(run, "checkpoint").entry()
    weights = (checkpoint.sha256 if checkpoint else None) or ""
    respond(model, tokenizer, prompts, decoding, path, generator=run.key, weights=weights)


def _mean_tokens(other: Run | None, tokenizer: Any) -> int:
    """The mean length of another run's answers, in tokens."""
    assert other is not None
    texts = [row["output"] for row in Record(other, "responses").read()]
    return round(statistics.mean(map(len, tokenizer(texts)["input_ids"])))


def _judge(record: Record, path: Path) -> None:
    from eval.alpaca import write_annotations
    from experiments.runs.judging import judged

    run = record.run
    annotations, usage = judged(
        record.of("responses").read(),
        run.scale.references(CONDITIONS[record.condition].split),
        run.scale.judge(record.judge),
    )
    _write_usage(record, [usage])
    write_annotations(annotations, path)


def _write_usage(record: Record, usages: Sequence[Any]) -> None:
    """Write what a judge behind an API cost beside its verdicts."""
    spent = [asdict(usage) for usage in usages if usage is not None]
    if spent:
        # Dollars are None where the price of the judge's model is not known.
        columns = {name: [each[name] for each in spent] for name in spent[0]}
        total = {n: None if None in found else sum(found) for n, found in columns.items()}
        write_atomic(record.path.with_name("usage.json"), json.dumps(total, indent=1) + "\n")


def _head_to_head(record: Record, path: Path) -> None:
    """Compare two runs as people did in the paper: 140 instructions, sides in random order."""
    from eval.alpaca import write_annotations
    from experiments.runs.judging import judged

    assert record.other is not None
    mine, others = (
        Record(run, "responses", record.condition).read() for run in (record.run, record.other)
    )
    rng = random.Random("human study")
    drawn = rng.sample(range(len(mine)), int(HUMAN_STUDY["pairs"]))
    mine_first = {number for number in drawn if rng.random() < 0.5}
    annotations, usages = [], []
    for swapped in (False, True):
        numbers = [number for number in drawn if (number in mine_first) == swapped]
        sides = (mine, others) if swapped else (others, mine)
        first, second = ([answers[number] for number in numbers] for answers in sides)
        found, usage = judged(second, first, record.run.scale.judge(record.judge))
        annotations += found
        usages.append(usage)
    _write_usage(record, usages)
    write_annotations(annotations, path)


def _losses(record: Record, path: Path) -> None:
    run = record.run
    model, tokenizer = _tuned(run)
    sets: dict[str, tuple[InstructionSet, Split]] = {
        "train": (run.dataset, "train"),
        "validation": (run.dataset, "validation"),
        "other": (run.scale.other(run.dataset), "train"),
    }
    losses = {
        name: example_losses(
            model, _examples(run, tokenizer, dataset, split)[: run.scale.loss_examples]
        )
        for name, (dataset, split) in sets.items()
    }
    write_atomic(path, json.dumps(losses) + "\n")


def _spectrum(record: Record, path: Path) -> None:
    spectrum = similarity_spectrum(embedding_of(record.run.folder / "model"))
    write_atomic(path, json.dumps(spectrum) + "\n")


def _leaderboard(record: Record, path: Path) -> None:
    from eval.leaderboard import evaluate

    scale = record.run.scale
    tasks, include = scale.leaderboard()
    model, tokenizer = _tuned(record.run)
    folder = path.parent
    folder.mkdir(exist_ok=True)
    cache = folder / "requests"
    scores = evaluate(model, tokenizer, tasks, include, cache=cache, items=scale.leaderboard_items)
    write_atomic(path, json.dumps(scores) + "\n")
    for requests in folder.glob("requests*"):
        requests.unlink()


def _flips(record: Record, path: Path) -> None:
    """Which tokens of the base model noise turns into others (Figures 6, 8 and 9)."""
    run = record.run
    base = run.scale.base(run.model)
    weights, tokenizer = embedding_of(base), load_tokenizer(base)
    sequences = [e["input_ids"] for e in _examples(run, tokenizer, ALPACA, "train")]
    ids = torch.arange(len(weights))

    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(run.seed)

    shown = []
    for alpha, length in SHOWN:
        to = flipped_to(weights, ids, length, Noise(alpha), generator())
        pairs = [
            [tokenizer.decode([int(i)]), tokenizer.decode([int(to[i])])] for i in ids[to.ne(ids)]
        ]
        shown.append({"alpha": alpha, "length": length, "flipped": len(pairs), "first": pairs[:12]})
    content = {
        "share of each training example, %": {
            f"{alpha:g}": flip_shares(weights, sequences, Noise(alpha), generator())
            for alpha in ALPHAS
        },
        "tokens of the vocabulary": {
            str(length): {
                f"{alpha:g}": int(flips(weights, ids, length, Noise(alpha), generator()).sum())
                for alpha in ALPHAS
            }
            for length in LENGTHS
        },
        "vocabulary": len(ids),
        "flipped tokens": shown,
        "norms": [round(norm, 3) for norm in weights.norm(dim=1).tolist()],
    }
    write_atomic(path, json.dumps(content) + "\n")


def _dose(record: Record, path: Path) -> None:
    """The dose of the paper's alphas on some training rows, drawn at random."""
    run = record.run
    model, tokenizer = load_model_and_tokenizer(
        run.scale.base(run.model), run.recipe, seed=0, attention="eager"
    )
    model.to("cuda" if torch.cuda.is_available() else "cpu", torch.float32)
    examples = _examples(run, tokenizer, run.dataset, "train")
    drawn = random.Random("dose").sample(examples, min(EXAMPLES, len(examples)))
    found = [
        reading(model, example, ALPHA_GRID, draws=DRAWS, seed=number)
        for number, example in enumerate(tqdm(drawn, desc=f"dose of {run.key}", unit="example"))
    ]
    tokens = [each.tokens for each in found]
    kl = {
        f"{alpha:g}": asdict(share_estimate([each.noisy[alpha].kl for each in found], tokens))
        for alpha in ALPHA_GRID
    }
    write_atomic(path, json.dumps({"kl": kl, "examples": len(drawn), "draws": DRAWS}) + "\n")


MAKERS: dict[str, Callable[[Record, Path], None]] = {
    "checkpoint": _train,
    "log": _train,
    "settings": _train,
    "responses": _respond,
    "verdicts": _judge,
    "head_to_head": _head_to_head,
    "losses": _losses,
    "leaderboard": _leaderboard,
    "spectrum": _spectrum,
    "flips": _flips,
    "dose": _dose,
}
"""By kind of record, the function that writes it to a path beside its place."""
