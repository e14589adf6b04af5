"""Your own results beside the project's and the paper's.

make compare TABLE=1   python -m experiments compare table1
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from experiments.artifacts import at_scale
from experiments.cells.compare import AGREES, DIFFERS, compared, headline
from experiments.cells.markdown import markdown_table
from experiments.cells.render import newest
from experiments.commands.options import add_scale, add_seeds, scale_of
from experiments.paths import RENDERED, RESULTS

HELP = "your own results beside the project's and the paper's"


class MissingResultError(RuntimeError):
    """A result to compare is not there; the message says what makes it."""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="+", help="table1, figure1, …")
    add_scale(parser)
    add_seeds(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print a comparison for each name."""
    scale = scale_of(arguments)
    for artifact in [at_scale(name, scale) for name in arguments.names]:
        own = newest(RENDERED / scale.name, artifact, arguments.seeds)
        command = artifact.command(scale.name, arguments.seeds or 1)
        print(comparison(own, RESULTS / scale.name / f"{artifact.name}.json", command))


def comparison(own: Path, shipped: Path, command: str) -> str:
    """Two results side by side, as text.

    Args:
        own: the JSON file of your result.
        shipped: that of the project's.
        command: what makes the result.

    Raises:
        MissingResultError: one of the two is not there.
    """
    if not own.exists():
        raise MissingResultError(f"{own}: you have not made it yet; make it with `{command}`")
    if not shipped.exists():
        raise MissingResultError(f"{shipped}: the project ships no such result at this scale")
    rows = compared(*(json.loads(path.read_text()) for path in (own, shipped)))
    return f"{markdown_table(rows)}\n\n{_summary(rows)}"


def first_metric(own: Path, shipped: Path) -> str | None:
    """The comparison of the first metric alone, and how many of all numbers agree.

    Args:
        own: the JSON file of your result.
        shipped: that of the project's.

    Returns:
        None where the project ships no such result, or it has no cells, as figures of curves.
    """
    if not shipped.exists():
        return None
    results = [json.loads(path.read_text()) for path in (own, shipped)]
    if not all("cells" in data for data in results):
        return None
    shown = compared(*(headline(data) for data in results))
    return f"{markdown_table(shown)}\n\n{_summary(compared(*results))}"


def _summary(rows: Sequence[Sequence[str]]) -> str:
    verdicts = [row[-1] for row in rows[1:]]
    return (
        f"{verdicts.count(AGREES)} of {len(verdicts)} numbers agree with the shipped ones within "
        f"what seeds and machines explain, {verdicts.count(DIFFERS)} differ (about one in twenty "
        "is expected to)."
    )
