r"""Fine-tune a base model on an instruction file of one's own, with and without noise.

    python -m experiments finetune --dataset-file alpaca_data.json --limit 2000 --alpha 0 5 \\
        --model HuggingFaceTB/SmolLM2-135M --other-file evol_instruct_1k.jsonl --out runs/own

trains once for each alpha, each time from the base model, with the same seed and the same order of
examples. It prints and writes a comparison: the losses without noise, before and after, on the
examples trained on, on held-out ones of the same file (one in ten), and on another file; how long
the answers to a few held-out prompts are; and some of the answers. Overfitting shows in how the
losses part. The model is a folder, a repository of the hub, or a base model of the laboratory by
its role (`llama-2-7b` is then the 2.4M-parameter stand-in, which knows no real English).

The output folder appears only when everything is written: `comparison.md`, `comparison.json` and
`report.html`, which shows all of it in a browser, and the models in `alpha-0` and `alpha-5`, each
with its log, its losses and its answers. With a single alpha the folder itself is the model's.
After a stop, the same command trains only the alphas that are not finished.

inputs.py      the arguments and the files, checked
unfinished.py  the folder in which the output is made
training.py    one training, its losses and answers
comparison.py  what is compared, and how it reads
report.py      the same as a page, with curves, dose and cost
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.commands.finetune.inputs import LABORATORY_RATE, PAPER_RATE, read_inputs
from experiments.commands.finetune.unfinished import check_out, finish, making
from experiments.commands.options import positive
from neftune.training.reporting import REPORTERS

HELP = "fine-tune any model on any instruction file, with and without noise"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--dataset-file", required=True, help=".json, .jsonl, or a hub data set")
    parser.add_argument("--other-file", help="a second set, to see overfitting on")
    parser.add_argument("--model", required=True, help="a folder, a hub name, or a laboratory role")
    parser.add_argument("--prompt", default="alpaca", choices=("alpaca", "vicuna"))
    parser.add_argument(
        "--alpha", type=float, nargs="+", default=[5.0], help="one or several; 0 for no noise"
    )
    parser.add_argument(
        "--lr",
        type=float,
        help=f"by default {PAPER_RATE:g}, the paper's; {LABORATORY_RATE:g} for a laboratory role",
    )
    parser.add_argument("--epochs", type=positive, default=3)
    parser.add_argument("--limit", type=positive, help="only so many rows of each file, at least 2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--answers", type=positive, default=8, help="held-out prompts that are answered; default 8"
    )
    parser.add_argument(
        "--report-to", choices=REPORTERS, help="show the log there as well; or REPORT_TO=…"
    )
    parser.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Check the arguments and files, then fine-tune with each alpha, and print the comparison.

    Raises:
        ValueError: an argument or a file cannot be what it is, or a training diverged.
        FileExistsError: the output folder exists.
    """
    inputs = read_inputs(arguments)
    finished = check_out(inputs)
    print(inputs.summary(), flush=True)
    if finished:
        print(f"Already trained, and not again: alpha {', '.join(finished)}.", flush=True)
    with making(inputs) as folder:
        from experiments.commands.finetune.comparison import compare, write
        from experiments.commands.finetune.report import write_report
        from experiments.commands.finetune.training import train_each

        train_each(inputs, folder)
        comparison = compare(inputs, folder)
        write(comparison, folder)
        write_report(inputs, comparison, folder)
        finish(inputs, folder)
    from experiments.commands.finetune.comparison import markdown

    print()
    print(markdown(comparison, prompts=2, characters=300))
    print(f"\nModels, logs and every answer are in {inputs.out}.")
    print(f"What each training did: {inputs.out / 'report.html'}")
