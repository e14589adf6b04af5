"""The command line: `python -m experiments COMMAND`. The Makefile is a thin front to it.

python -m experiments table1 --seeds 3
python -m experiments audit --data folder
python -m experiments finetune --dataset-file my.json --alpha 5 --out runs/mine
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[[argparse.Namespace], None]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def _table1(arguments: argparse.Namespace) -> None:
    from experiments.run import known
    from experiments.scale import SCALES
    from experiments.tables import table1

    settings = f" SEEDS={arguments.seeds}" if arguments.seeds > 1 else ""
    path = table1.make(
        known("scale", arguments.scale, SCALES),
        seeds=arguments.seeds,
        jobs=arguments.jobs,
        reselect=arguments.select,
        command="make table1" + settings,
    )
    print(path.read_text())
    print(f"Written to {path.with_suffix('')}.{{md,csv,json,png}}.")


def _audit(arguments: argparse.Namespace) -> None:
    from experiments import audit

    if arguments.pair:
        folders = {Path(folder).name: Path(folder) for folder in arguments.pair}
        if len(folders) < 2:
            raise audit.AuditError("the two folders of a pair need different names")
        pairs = [tuple(folders)]
        command, out = 'make audit PAIR="FOLDER FOLDER"', audit.CACHE / "-to-".join(folders)
    else:
        pairs = list(audit.PAIRS)
        names = [name for pair in pairs for name in pair]
        data = arguments.data or audit.public_files(names)
        folders = {name: data / name for name in names}
        command, out = "make audit", audit.OUT
    path = audit.audit(folders, pairs, arguments.out or out, command)  # type: ignore[arg-type]
    print(path.read_text())
    print(f"Written to {path.parent}.")


def _finetune(arguments: argparse.Namespace) -> None:
    from experiments import own_data

    own_data.finetune_file(
        dataset_file=arguments.dataset_file,
        other_file=arguments.other_file,
        model=arguments.model,
        prompt=arguments.prompt,
        alpha=arguments.alpha,
        lr=arguments.lr,
        epochs=arguments.epochs,
        limit=arguments.limit,
        seed=arguments.seed,
        out=arguments.out,
    )


def _job(arguments: argparse.Namespace) -> None:
    from experiments import jobs

    match arguments.command:
        case "train":
            jobs.train(arguments.folder)
        case "respond":
            jobs.respond(arguments.folder, arguments.split)
        case "judge":
            jobs.judge(arguments.folder, arguments.split, arguments.judge)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    table1 = commands.add_parser("table1", help="train, judge and print Table 1")
    table1.add_argument("--scale", default="nano")
    table1.add_argument("--seeds", type=_positive, default=1)
    table1.add_argument("--jobs", type=_positive, help="jobs at a time; default one a core")
    table1.add_argument("--select", action="store_true", help="tune again first")
    table1.set_defaults(run=_table1)

    audit = commands.add_parser("audit", help="recompute GPT-4's public verdicts")
    audit.add_argument("--data", type=Path, help="folder of the four public models' folders")
    audit.add_argument("--pair", nargs=2, metavar="FOLDER", help="any two models instead")
    audit.add_argument("--out", type=Path, help="default results/audit; for a pair runs/audit/…")
    audit.set_defaults(run=_audit)

    finetune = commands.add_parser("finetune", help="fine-tune on a file of one's own")
    finetune.add_argument("--dataset-file", required=True, help=".json, .jsonl, or a hub data set")
    finetune.add_argument("--other-file", help="a second set, to see overfitting on")
    finetune.add_argument("--model", default="llama-2-7b", help="a role, a folder or a hub name")
    finetune.add_argument("--prompt", default="alpaca", choices=("alpaca", "vicuna"))
    finetune.add_argument("--alpha", type=float, default=5.0, help="0 for no noise")
    finetune.add_argument("--lr", type=float, default=1e-3)
    finetune.add_argument("--epochs", type=_positive, default=3)
    finetune.add_argument("--limit", type=_positive, help="only so many rows")
    finetune.add_argument("--seed", type=int, default=0)
    finetune.add_argument("--out", type=Path, required=True)
    finetune.set_defaults(run=_finetune)

    for name in ("train", "respond", "judge"):
        job = commands.add_parser(name, help=f"{name} one run (called by the workflow)")
        job.add_argument("folder", type=Path)
        if name != "train":
            job.add_argument("--split", choices=("validation", "test"), required=True)
        if name == "judge":
            job.add_argument("--judge", required=True)
        job.set_defaults(run=_job)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command; what the user can mend is told in one line, without a traceback."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what is finished is kept, the same command goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
