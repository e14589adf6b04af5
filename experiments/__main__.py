"""The command line: `python -m experiments COMMAND`. The Makefile is a thin front to it.

python -m experiments show table1 --seeds 3
python -m experiments audit --data folder
python -m experiments finetune --dataset-file my.json --alpha 5 --out runs/mine
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.scale import Scale

Command = Callable[[argparse.Namespace], None]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def _scale(arguments: argparse.Namespace) -> Scale:
    from experiments.run import known
    from experiments.scale import SCALES

    scale: Scale = known("scale", arguments.scale, SCALES)
    return scale


def _artifacts(arguments: argparse.Namespace) -> None:
    from experiments.artifact import make
    from experiments.artifacts import ARTIFACTS
    from experiments.run import known

    scale = _scale(arguments)
    chosen = [known("artifact", name, ARTIFACTS) for name in arguments.names]
    for path in make(chosen, scale, arguments.seeds, arguments.jobs):
        print(path.read_text())
        print(f"Written to {path.with_suffix('')}.{{md,csv,json,png,svg}}.")


def _paper(arguments: argparse.Namespace) -> None:
    from experiments.paper_results import make_paper

    print(make_paper(_scale(arguments), arguments.jobs))


def _ablation(arguments: argparse.Namespace) -> None:
    from experiments.ablation import Ablation, artifact, settings_from
    from experiments.artifact import make
    from experiments.run import known

    ablation = Ablation(
        tuple(dict.fromkeys(arguments.alpha)),
        arguments.model,
        arguments.dataset,
        arguments.noise,
        arguments.scale_rule,
        settings_from(arguments.set),
        arguments.judge,
    )
    scale = _scale(arguments)
    known("model", ablation.model, scale.models)
    known("data set", ablation.dataset, scale.prompts)
    (path,) = make([artifact(ablation, arguments.seeds)], scale, arguments.seeds, arguments.jobs)
    print(path.read_text())
    print(f"Written to {path.parent}.")


def _unpack(arguments: argparse.Namespace) -> None:
    from experiments.archive import archive_file, unpack

    archive = archive_file(_scale(arguments))
    print(f"{unpack(archive)} files written from {archive} to runs/.")


def _plan(arguments: argparse.Namespace) -> None:
    from experiments.artifacts import ARTIFACTS
    from experiments.plan import plan
    from experiments.run import known

    scale = _scale(arguments)
    gpu = arguments.gpu or ("A100-80GB" if scale.published_choices else None)
    for name in arguments.names:
        artifact = known("artifact", name, ARTIFACTS)
        print(plan(artifact, scale, gpu, arguments.gpus, arguments.mfu, arguments.seeds))


def _selection(arguments: argparse.Namespace) -> None:
    from experiments.selection import select, selection_file

    scale = _scale(arguments)
    select(scale, arguments.jobs)
    print(f"Written to {selection_file(scale)}.")


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


def _make(arguments: argparse.Namespace) -> None:
    from experiments import jobs

    jobs.make(arguments.records)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    show = commands.add_parser("show", help="make tables and figures, and print them")
    show.add_argument("names", nargs="+", help="table1 … table14, figure1 … figure9, …")
    show.add_argument("--seeds", type=_positive)
    show.set_defaults(run=_artifacts)
    paper = commands.add_parser("paper", help="make everything, and the page of results")
    paper.set_defaults(run=_paper)
    plan = commands.add_parser("plan", help="what tables and figures will cost")
    plan.add_argument("names", nargs="+", help="table1 …")
    plan.add_argument("--scale", default="nano")
    plan.add_argument("--gpu", help="A100-80GB, … ; default for nano: this machine, as measured")
    plan.add_argument("--gpus", type=_positive, default=8, help="that share a fine-tuning")
    plan.add_argument("--mfu", type=float, default=0.35, help="share of the GPU's peak reached")
    plan.add_argument("--seeds", type=_positive)
    plan.set_defaults(run=_plan)
    unpack = commands.add_parser("unpack", help="put the committed records of every run in runs/")
    unpack.add_argument("--scale", default="nano")
    unpack.set_defaults(run=_unpack)
    selection = commands.add_parser("selection", help="choose learning rates and alphas")
    selection.set_defaults(run=_selection)
    ablation = commands.add_parser("ablation", help="one fine-tuning under many alphas")
    ablation.add_argument("--alpha", type=float, nargs="+", default=[0, 1, 2, 5, 10, 15, 30])
    ablation.add_argument("--model", default="llama-2-7b")
    ablation.add_argument("--dataset", default="alpaca")
    ablation.add_argument("--noise", default="uniform", help="uniform, gaussian or bernoulli")
    ablation.add_argument("--scale-rule", default="sequence", help="sequence or padded")
    ablation.add_argument("--judge", default="gpt-4", help="gpt-4 or chatgpt")
    ablation.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="lr=0.001 …")
    ablation.add_argument("--seeds", type=_positive, default=3)
    ablation.set_defaults(run=_ablation)
    for command in (show, paper, selection, ablation):
        command.add_argument("--scale", default="nano")
        command.add_argument("--jobs", type=_positive, help="jobs at a time; default one a core")

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

    make = commands.add_parser("make", help="make records of runs (called by the workflow)")
    make.add_argument("records", type=Path, nargs="+", metavar="RECORD")
    make.set_defaults(run=_make)
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
