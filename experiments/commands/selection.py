"""Choose the learning rates and alphas that are not chosen yet, and say which lie at an edge.

make selection
"""

from __future__ import annotations

import argparse

from experiments.commands.options import add_jobs, add_scale, scale_of
from experiments.runs.selection import select, selection_file

HELP = "choose learning rates and alphas that are not chosen yet"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_scale(parser)
    add_jobs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Choose, and say what was chosen and where it is recorded."""
    scale = scale_of(arguments)
    selection = select(scale, arguments.jobs)
    for kind, choices in (("lr", selection.lr), ("QLoRA's lr", selection.qlora_lr)):
        for name, choice in choices.items():
            edge = ", at an edge of what was tried" if choice.steps_from_edge == 0 else ""
            print(f"{kind} for {name}: {choice.value:g}{edge}")
    print(f"Written to {selection_file(scale)}.")
