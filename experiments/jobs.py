"""The jobs that the workflow engine runs: train, respond, judge. Each fills one run's folder.

    python -m experiments train runs/nano/3f2a…
    python -m experiments respond runs/nano/3f2a… --split test
    python -m experiments judge runs/nano/3f2a… --split test --judge gpt-4

Records: `model/` (a Hugging Face checkpoint with `training_log.jsonl`),
`<split>/model_outputs.json` and `<split>/<judge>/annotations.json` (AlpacaEval's), and
`seconds.json`. A record appears whole or not at all, and one that is there is not made again. A job
holds the lock of its folder, so that two of them never write there at once.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.nano.world import Split
from experiments.run import Run, known, read_spec
from neftune.files import write_whole

PROBE_EXAMPLES = 64


def checkpoint_file(folder: Path) -> Path:
    """The file whose presence says that a run is trained."""
    return folder / "model" / "model.safetensors"


def outputs_file(folder: Path, split: str) -> Path:
    """The run's responses to a split's instructions."""
    return folder / split / "model_outputs.json"


def verdicts_file(folder: Path, split: str, judge: str) -> Path:
    """A judge's verdicts on these responses."""
    return folder / split / judge / "annotations.json"


def seconds(folder: Path) -> dict[str, float]:
    """How long each step of the run took, on one core."""
    path = folder / "seconds.json"
    found: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    return found


@contextmanager
def _working_on(folder: Path, step: str) -> Iterator[None]:
    """Hold the folder's lock, and note how long the step took."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        yield
        spent = seconds(folder) | {step: round(time.monotonic() - started, 1)}
        write_whole(folder / "seconds.json", json.dumps(spent, indent=1, sort_keys=True) + "\n")


def train(folder: Path) -> None:
    """Fine-tune the run of a folder."""
    run = read_spec(folder)
    with _working_on(folder, "train"):
        if not checkpoint_file(folder).exists():
            _train(run, folder)


def _train(run: Run, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from neftune.data import Example, checked, encode
    from neftune.finetune import finetune

    base = run.at.models[run.model]
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype="float32", attn_implementation=run.at.attention
    )

    def examples(dataset: str, split: Split) -> list[Example]:
        rows = checked(run.at.rows(dataset, split), f"{dataset}, {split}")
        return encode(rows, tokenizer, run.at.prompts[dataset], run.recipe.max_length)

    training = examples(run.dataset, "train")
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
            "validation": examples(run.dataset, "validation")[:PROBE_EXAMPLES],
            "other": examples(other, "train")[:PROBE_EXAMPLES],
        },
    )


def respond(folder: Path, split: Split) -> None:
    """Have the run of a folder answer a split's instructions."""
    run = read_spec(folder)
    with _working_on(folder, f"respond {split}"):
        if not outputs_file(folder, split).exists():
            _respond(run, folder, split)


def _respond(run: Run, folder: Path, split: Split) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from eval.responses import Decoding, Prompt
    from eval.responses import respond as decode
    from neftune.prompts import PROMPTS

    form = PROMPTS[run.at.prompts[run.dataset]]
    prompts = [
        Prompt(row["instruction"], form(row["instruction"]), row["dataset"])
        for row in run.at.outputs(split)
    ]
    decode(
        AutoModelForCausalLM.from_pretrained(folder / "model", dtype="bfloat16"),
        AutoTokenizer.from_pretrained(folder / "model"),
        prompts,
        Decoding(),
        outputs_file(folder, split),
        generator=run.key,
    )


def judge(folder: Path, split: Split, judge: str) -> None:
    """Have a judge compare the run's responses with the reference."""
    run = read_spec(folder)
    configuration = known("judge", judge, run.at.judges)
    with _working_on(folder, f"judge {split} {judge}"):
        out = verdicts_file(folder, split, judge)
        if not out.exists():
            from eval.alpaca import annotate, write_annotations

            responses = json.loads(outputs_file(folder, split).read_text())
            write_annotations(annotate(responses, run.at.outputs(split), configuration), out)
