"""Peak memory of a fine-tuning with evaluation, against the vocabulary.

    python -m benchmarks.memory                          # three vocabularies, two ways: a table
    python -m benchmarks.memory --shape smollm2-135m     # one real shape, this project only
    python -m benchmarks.memory --shape gemma-3-270m

Each measurement is a process of its own on the CPU: a randomly initialised model is trained for one
epoch on rows of 512 tokens, of which all but 32 are a response, and is evaluated before and after.
The memory is the largest that was resident, with Python and torch, which take 0.5 GB of it.

The table compares this project with transformers' Trainer, `neftune_noise_alpha` and all logits, on
a body of four layers and eight rows, in two steps. The real shapes train on 32 rows in two steps
of 16, and are evaluated on 64, in passes of 32 rows. `--rows` and `--evaluated` make it quicker; as
passes are bounded, the peak is nearly the same.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from neftune import Noise
from neftune.training.data import IGNORED, Example

ROOT = Path(__file__).resolve().parent.parent
VOCABULARIES = (2_048, 49_152, 262_144)
COLUMNS, PROMPT = 512, 32
SMALL_ROWS, LARGE_ROWS, EVALUATED_ROWS = 8, 32, 64
STEPS = 2
"""The optimizer's state is made in the first step, so the peak is in the second."""


def small(vocabulary: int) -> PreTrainedModel:
    """A body of four layers, 256 wide, with tied embeddings."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=256,
            intermediate_size=576,
            num_hidden_layers=4,
            num_attention_heads=4,
            tie_word_embeddings=True,
        )
    )


def smollm2_135m() -> PreTrainedModel:
    """HuggingFaceTB/SmolLM2-135M: 134.5M parameters, 49,152 tokens."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=49_152,
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=30,
            num_attention_heads=9,
            num_key_value_heads=3,
            tie_word_embeddings=True,
        )
    )


def gemma_3_270m() -> PreTrainedModel:
    """google/gemma-3-270m: 268M parameters, 262,144 tokens."""
    return Gemma3ForCausalLM(
        Gemma3TextConfig(
            vocab_size=262_144,
            hidden_size=640,
            intermediate_size=2048,
            num_hidden_layers=18,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=256,
            sliding_window=512,
            tie_word_embeddings=True,
        )
    )


SHAPES: dict[str, Callable[[], PreTrainedModel]] = {
    "smollm2-135m": smollm2_135m,
    "gemma-3-270m": gemma_3_270m,
}


def examples(rows: int, vocabulary: int) -> list[Example]:
    """Rows of random tokens."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, vocabulary, (rows, COLUMNS), generator=generator).tolist()
    return [{"input_ids": row, "labels": [IGNORED] * PROMPT + row[PROMPT:]} for row in ids]


def this_project(
    model: PreTrainedModel, rows: list[Example], probe: list[Example], out: Path
) -> None:
    """Fine-tune and evaluate with `neftune.training`."""
    from neftune.training.finetune import finetune
    from neftune.training.recipe import Recipe

    words = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1}, unk_token="<s>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="</s>", pad_token="</s>", bos_token="<s>"
    )
    batch = len(rows) // STEPS
    recipe = Recipe(epochs=1, batch=batch, micro_batch=batch)
    finetune(model, tokenizer, rows, recipe, Noise(5), seed=0, out=out, probes={"same": probe})


def transformers_trainer(
    model: PreTrainedModel, rows: list[Example], probe: list[Example], out: Path
) -> None:
    """Fine-tune and evaluate with transformers' Trainer."""
    from transformers import Trainer, TrainingArguments, default_data_collator

    arguments = TrainingArguments(
        str(out),
        per_device_train_batch_size=len(rows) // STEPS,
        per_device_eval_batch_size=len(probe),
        num_train_epochs=1,
        neftune_noise_alpha=5,
        prediction_loss_only=True,
        eval_strategy="epoch",
        eval_on_start=True,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    Trainer(
        model,
        arguments,
        train_dataset=rows,
        eval_dataset=probe,
        data_collator=default_data_collator,
    ).train()


Way = Callable[[PreTrainedModel, list[Example], list[Example], Path], None]
WAYS: dict[str, Way] = {
    "this project": this_project,
    "transformers' Trainer": transformers_trainer,
}


def _here(way: str, shape: str, count: int | None, evaluated: int) -> dict[str, float]:
    """Train and evaluate in this process; the peak of its memory in GB, and seconds."""
    torch.manual_seed(0)
    real = shape in SHAPES
    model = SHAPES[shape]() if real else small(int(shape))
    count = count or (LARGE_ROWS if real else SMALL_ROWS)
    evaluated = evaluated if real else count // STEPS
    rows = examples(max(count, evaluated), model.config.vocab_size)
    training, probe = rows[:count], rows[:evaluated]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        WAYS[way](model, training, probe, Path(folder) / "out")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "GB": round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2),
        "seconds": round(time.monotonic() - started, 1),
    }


def measure(way: str, shape: str) -> dict[str, Any]:
    """Train and evaluate in a process of its own.

    Raises:
        RuntimeError: the process failed, for example for lack of memory.
    """
    command = [sys.executable, "-m", "benchmarks.memory", "--way", way, "--shape", shape]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{way}, {shape}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(vocabularies: tuple[int, ...]) -> str:
    """Measure all ways with each vocabulary, as a Markdown table of GB."""
    lines = [
        "| vocabulary | logits of one micro batch, float32 | " + " | ".join(WAYS) + " |",
        "| --- " * (2 + len(WAYS)) + "|",
    ]
    for size in vocabularies:
        logits = SMALL_ROWS // STEPS * COLUMNS * size * 4 / 1e9
        peaks = [f"{measure(way, str(size))['GB']:.2f}" for way in WAYS]
        lines.append(
            f"| {size:,} | {logits:.2f} GB | " + " | ".join(f"{p} GB" for p in peaks) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, or measure one shape."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", help=f"a real shape ({', '.join(SHAPES)}), or a vocabulary")
    parser.add_argument("--way", choices=WAYS, default="this project")
    parser.add_argument("--rows", type=int, help="rows that a shape is trained on")
    parser.add_argument("--evaluated", type=int, default=EVALUATED_ROWS, help="rows evaluated")
    parser.add_argument("--small", action="store_true", help="only the smallest vocabulary")
    arguments = parser.parse_args()
    if arguments.shape:
        found = _here(arguments.way, arguments.shape, arguments.rows, arguments.evaluated)
        print(json.dumps(found))
    else:
        print(table(VOCABULARIES[:1] if arguments.small else VOCABULARIES))


if __name__ == "__main__":
    main()
