"""Write the results as pages to look at.

make site                                                # runs/site/index.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.paths import RUNS

HELP = "write the results as pages to look at"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", type=Path, default=RUNS / "site", help="the folder")


def run(arguments: argparse.Namespace) -> None:
    """Write the pages, and say where."""
    from experiments.site.all_pages import menu, pages
    from experiments.site.pages import write

    write(pages(), arguments.out, menu())
    size = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"Written to {arguments.out / 'index.html'} ({size / 1e6:.1f} MB). Open it in a browser.")
