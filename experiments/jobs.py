"""The jobs that the workflow engine runs. Each makes one record in a run's folder.

    python -m experiments make runs/nano/3f2a…/test/gpt-4/annotations.json runs/nano/…

A record is named by its file, and what it is made from is made first:

    model/model.safetensors                  a Hugging Face checkpoint
    model/training_log.jsonl                 the Trainer's log history, written with it
    <condition>/model_outputs.json           AlpacaEval's responses
    <condition>/<judge>/annotations.json     AlpacaEval's verdicts; what an API took: spent.json
    losses.json                              the loss without noise of every example of two sets
    leaderboard/results.json                 lm-eval's scores, item by item
    spectrum.json                            singular values of the embeddings' similarity

A record appears whole or not at all, and one that is there is not made again. A job holds the lock
of its folder, so that two of them never write there at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.conditions import condition
from experiments.nano.world import Split
from experiments.run import RUNS, Run, known, read_spec
from neftune.files import write_whole

if TYPE_CHECKING:
    from neftune.data import Example, InstructionRow

PROBE_EXAMPLES = 32
TRAIN_PROMPTS = 200


class JobError(RuntimeError):
    """Some records could not be made; each error was printed when it happened."""


def checkpoint_file(folder: Path) -> Path:
    """The file whose presence says that a run is trained."""
    return folder / "model" / "model.safetensors"


def log_file(folder: Path) -> Path:
    """The Trainer's log history."""
    return folder / "model" / "training_log.jsonl"


def outputs_file(folder: Path, name: str) -> Path:
    """The run's responses under a condition."""
    return folder / name / "model_outputs.json"


def verdicts_file(folder: Path, name: str, judge: str) -> Path:
    """A judge's verdicts on these responses."""
    return folder / name / judge / "annotations.json"


def losses_file(folder: Path) -> Path:
    """The loss without noise of every example."""
    return folder / "losses.json"


def leaderboard_file(folder: Path) -> Path:
    """The scores on the leaderboard's tasks."""
    return folder / "leaderboard" / "results.json"


def spectrum_file(folder: Path) -> Path:
    """The largest singular values of the embeddings' similarity matrix."""
    return folder / "spectrum.json"


def run_folder(record: Path) -> Path:
    """The folder of the run that a record belongs to."""
    parts = record.parts
    place = len(parts) - 1 - parts[::-1].index(RUNS.name)
    return Path(*parts[: place + 3])


def needed_first(record: Path) -> list[Path]:
    """The records that a record is made from, in the order in which they are made."""
    folder = run_folder(record)
    if record in (checkpoint_file(folder), log_file(folder)):
        return []
    if record.name == "annotations.json":
        return [checkpoint_file(folder), outputs_file(folder, record.parent.parent.name)]
    return [checkpoint_file(folder)]


def make(records: Sequence[Path]) -> None:
    """Make records, and before each what it is made from; an error does not stop the others.

    Raises:
        JobError: some could not be made.
    """
    failed = 0
    for record in records:
        try:
            for path in [*needed_first(record), record]:
                _make(path)
        except (ValueError, RuntimeError, OSError) as error:
            failed += 1
            print(f"error: {record}: {error}", file=sys.stderr, flush=True)
    if failed:
        raise JobError(f"{failed} of {len(records)} records could not be made")


def _make(record: Path) -> None:
    if record.exists():
        return
    folder = run_folder(record)
    run = read_spec(folder)
    with _working_on(folder, str(record.relative_to(folder).parent)):
        if record.exists():
            return
        match record.relative_to(folder).parts:
            case ("model", _):
                _train(run, folder)
            case ("losses.json",):
                _losses(run, folder)
            case ("leaderboard", _):
                _leaderboard(run, folder)
            case ("spectrum.json",):
                _spectrum(folder)
            case (name, "model_outputs.json"):
                _respond(run, folder, name)
            case (name, judge, "annotations.json"):
                _judge(run, folder, name, judge)
            case other:
                raise ValueError(f"no job makes a record named {'/'.join(other)}")


def made(folder: Path) -> dict[str, dict[str, Any]]:
    """By step, on which machine it was made, and in how many `seconds` of one core."""
    path = folder / "made.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    return found


@contextmanager
def _working_on(folder: Path, step: str) -> Iterator[None]:
    """Hold the folder's lock, and note where the step was made and how long it took."""
    if "RANK" in os.environ:
        yield  # one of several processes of a job that does both
        return
    from neftune.precision import machine

    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        yield
        spent = round(time.monotonic() - started, 1)
        steps = made(folder) | {step: {"machine": machine(), "seconds": spent}}
        write_whole(folder / "made.json", json.dumps(steps, indent=1, sort_keys=True) + "\n")


def _rows(run: Run, dataset: str, split: Split) -> list[InstructionRow]:
    from neftune.data import checked

    return checked(run.at.rows(dataset, split), f"{dataset}, {split}")


def _examples(run: Run, tokenizer: Any, dataset: str, split: Split) -> list[Example]:
    from neftune.data import encode

    rows = _rows(run, dataset, split)
    return encode(rows, tokenizer, run.at.prompts[dataset], run.recipe.max_length)


def _train(run: Run, folder: Path) -> None:
    import torch

    processes = int(os.environ.get("PROCESSES", "0")) or max(1, torch.cuda.device_count())
    if processes > 1 and run.at.execution.split_independent and "RANK" not in os.environ:
        _launch(processes, checkpoint_file(folder))
    else:
        _train_here(run, folder)


def _launch(processes: int, checkpoint: Path) -> None:
    """Have a fine-tuning done by several processes of this machine, one a GPU."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"),
        *("-m", "experiments", "make", str(checkpoint)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"the training on {processes} processes failed; its log says why")


def _train_here(run: Run, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune import qlora
    from neftune.compilation import can_compile
    from neftune.finetune import finetune
    from neftune.vocabulary import fit

    base = run.at.base(run.model)
    tokenizer = AutoTokenizer.from_pretrained(base)
    execution = replace(run.at.execution, **run.at.own_executions.get(run.model, {}))
    if run.recipe.freelb is not None:
        execution = replace(execution, packed=False)
    if not can_compile() or run.recipe.adapter == "qlora":
        execution = replace(execution, compile_blocks=False)
    if run.recipe.adapter == "qlora":
        model = qlora.load(
            base,
            seed=run.seed,
            rank=run.recipe.adapter_rank,
            dropout=run.recipe.adapter_dropout,
            attention=_own_attention(),
        )
    else:
        model = AutoModelForCausalLM.from_pretrained(
            base, dtype="float32", attn_implementation=_own_attention() or run.at.attention
        )
    fit(model, tokenizer)
    training = _examples(run, tokenizer, run.dataset, "train")
    other = run.at.other(run.dataset)
    finetune(
        model,
        tokenizer,
        training,
        run.recipe,
        run.noise,
        seed=run.seed,
        out=folder / "model",
        probes={
            "train": training[:PROBE_EXAMPLES],
            "validation": _examples(run, tokenizer, run.dataset, "validation")[:PROBE_EXAMPLES],
            "other": _examples(run, tokenizer, other, "train")[:PROBE_EXAMPLES],
        },
        execution=execution,
    )


def _own_attention() -> str | None:
    """The attention implementation that the user names in `ATTENTION`.

    Raises:
        ValueError: there is none of that name, or not here.
    """
    name = os.environ.get("ATTENTION")
    if name is None or name in ("eager", "sdpa"):
        return name
    if name != "flash_attention_2":
        raise ValueError(f"unknown ATTENTION={name}; known: eager, sdpa, flash_attention_2")
    from transformers.utils import is_flash_attn_2_available

    if not is_flash_attn_2_available():
        raise ValueError(
            "ATTENTION=flash_attention_2 needs an NVIDIA GPU and the package flash-attn "
            "(pip install flash-attn --no-build-isolation); without it take ATTENTION=sdpa"
        )
    return name


def _tuned(folder: Path) -> tuple[Any, Any]:
    """The tuned model, on the GPUs there are, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune import precision

    model = AutoModelForCausalLM.from_pretrained(
        folder / "model",
        dtype=precision.for_inference(),
        device_map="auto" if torch.cuda.is_available() else None,
    )
    return model.eval(), AutoTokenizer.from_pretrained(folder / "model")


def _respond(run: Run, folder: Path, name: str) -> None:
    from eval.responses import Prompt, respond
    from neftune.prompts import PROMPTS

    asked = condition(name, run.at.decoding)
    form = PROMPTS[run.at.prompts[run.dataset]]
    if asked.split == "train":
        prompts = [
            Prompt(row.instruction, form(row.instruction, row.input), run.dataset)
            for row in _rows(run, run.dataset, "train")[:TRAIN_PROMPTS]
        ]
    else:
        prompts = [
            Prompt(
                row["instruction"],
                form(f"{row['instruction']} {asked.suffix}".strip()),
                row["dataset"],
            )
            for row in run.at.outputs(asked.split)
        ]
    model, tokenizer = _tuned(folder)
    out = outputs_file(folder, name)
    respond(model, tokenizer, prompts, asked.decoding, out, generator=run.key)


def _judge(run: Run, folder: Path, name: str, judge: str) -> None:
    configuration = known("judge", judge, run.at.judges)

    from eval.alpaca import write_annotations
    from experiments.judging import judged

    responses = json.loads(outputs_file(folder, name).read_text())
    reference = run.at.outputs(condition(name, run.at.decoding).split)
    annotations, spent = judged(responses, reference, configuration)
    out = verdicts_file(folder, name, judge)
    if spent:
        write_whole(out.with_name("spent.json"), json.dumps(asdict(spent), indent=1) + "\n")
    write_annotations(annotations, out)


def _losses(run: Run, folder: Path) -> None:
    from eval.losses import example_losses

    model, tokenizer = _tuned(folder)
    sets = {"train": run.dataset, "other": run.at.other(run.dataset)}
    losses = {
        name: example_losses(model, _examples(run, tokenizer, dataset, "train"))
        for name, dataset in sets.items()
    }
    write_whole(losses_file(folder), json.dumps(losses) + "\n")


def _spectrum(folder: Path) -> None:
    from analysis.embeddings import embedding_of, similarity_spectrum

    spectrum = similarity_spectrum(embedding_of(str(folder / "model")))
    write_whole(spectrum_file(folder), json.dumps(spectrum) + "\n")


def _leaderboard(run: Run, folder: Path) -> None:
    from eval.leaderboard import evaluate

    tasks, include = run.at.leaderboard()
    model, tokenizer = _tuned(folder)
    out = leaderboard_file(folder)
    out.parent.mkdir(exist_ok=True)
    scores = evaluate(model, tokenizer, tasks, include, cache=out.with_name("requests"))
    write_whole(out, json.dumps(scores) + "\n")
    for path in out.parent.glob("requests*"):
        path.unlink()
