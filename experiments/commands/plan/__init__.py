"""What a table will cost, before anything is spent: tokens, hours, memory, disk, calls, dollars.

    make plan SCALE=paper TABLE=1
    make plan SCALE=paper TABLE=2 GPU=H100-80GB GPUS=16 MFU=0.4

Hours follow from the operations of a training at a stated share of the GPU's peak, and nothing is
trained or downloaded. In the laboratory they follow from the speed that its finished runs had. For
real models on this machine's cores (`SCALE=small` without a GPU) a short measurement is made first.

costs.py   the arithmetic: tokens, operations
pace.py    the measurement of this machine
table.py   the plan of an artifact
"""

from __future__ import annotations

import argparse

from experiments.artifacts import at_scale
from experiments.commands.options import add_scale, add_seeds, scale_of, whole
from experiments.commands.plan.costs import GPUS
from experiments.commands.plan.table import PlanError, plan
from experiments.scales.nano import NANO
from experiments.scales.scale import Scale
from experiments.scales.small import SMALL, has_gpu

HELP = "what tables and figures will cost"


def _share(text: str) -> float:
    """A share of a GPU's peak, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, not {text!r}")
    return number


def _is_trained_here(scale: Scale) -> bool:
    """Whether a scale's runs are for this machine's cores, if no GPU is named."""
    return scale is NANO or (scale is SMALL and not has_gpu())


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="+", help="table1 …")
    add_scale(parser)
    parser.add_argument(
        "--gpu", help=f"{', '.join(GPUS)}; default for nano and small: this machine, as measured"
    )
    parser.add_argument(
        "--gpus", type=whole(1, 100_000), help="that share a fine-tuning; 8 by default"
    )
    parser.add_argument(
        "--mfu", type=_share, help="share of the GPU's peak reached; 0.35 by default"
    )
    add_seeds(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the plan of each artifact.

    Raises:
        PlanError: GPUs or a share of their peak are given, but no GPU; or nothing fits.
    """
    scale = scale_of(arguments)
    gpu = arguments.gpu or (None if _is_trained_here(scale) else "A100-80GB")
    if gpu is None and (arguments.gpus or arguments.mfu):
        raise PlanError(f"--gpus and --mfu need --gpu with one of {', '.join(GPUS)}")
    gpus, mfu = arguments.gpus or 8, arguments.mfu or 0.35
    artifacts = [at_scale(name, scale) for name in arguments.names]
    plans = [plan(artifact, scale, gpu, gpus, mfu, arguments.seeds) for artifact in artifacts]
    print("\n\n".join(plans))
