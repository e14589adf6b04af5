"""Write the results as pages to look at.

make site                                                # runs/site/index.html
make site RUNS=runs/nano                                 # your own runs beside the shipped ones
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.paths import RUNS

HELP = "write the results as pages to look at"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, default=RUNS / "site", help="the folder")
    parser.add_argument(
        "--runs",
        type=Path,
        help="your own runs: a runs.csv, or a folder with row.csv or runs.csv files below it",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the pages, and say where.

    Raises:
        OwnRunsError: there are no runs where they are said to be.
    """
    from experiments.site.all_pages import menu, pages
    from experiments.site.own_runs import read_rows
    from experiments.site.pages import write

    own = read_rows(arguments.runs) if arguments.runs is not None else []
    write(pages(own), arguments.out, menu())
    if own:
        print(f"explore.html shows {len(own)} runs of {arguments.runs} beside the shipped ones.")
    size = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"Written to {arguments.out / 'index.html'} ({size / 1e6:.1f} MB). Open it in a browser.")
