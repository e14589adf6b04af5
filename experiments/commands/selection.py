"""Choose the learning rates and alphas that are not chosen yet, and say which lie at an edge.

make selection
make selection SCALE=small                           # learning rates of the real models
"""

from __future__ import annotations

import argparse

from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.runs.real_models import select_real
from experiments.runs.selection import select, selection_file
from experiments.scales.small import SMALL

HELP = "choose learning rates and alphas that are not chosen yet"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Choose, and say what was chosen and where it is recorded."""
    scale = scale_of(arguments)
    selection = (select_real if scale is SMALL else select)(scale, arguments.jobs)
    for kind, choices in (("lr", selection.lr), ("QLoRA's lr", selection.qlora_lr)):
        for name, choice in choices.items():
            at_edge = choice.trials and choice.steps_from_edge == 0
            edge = ", at an edge of what was tried" if at_edge else ""
            print(f"{kind} for {name}: {choice.value:g}{edge}")
    print(f"Written to {selection_file(scale)}.")
