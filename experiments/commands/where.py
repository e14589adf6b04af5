"""Where a table or figure is made, what it writes, and with which settings.

make where TABLE=6     python -m experiments where table6
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

from experiments.artifacts import at_scale
from experiments.cells.render import newest
from experiments.cells.settings import settings_text
from experiments.commands.options import add_scale, scale_of
from experiments.paths import RENDERED, RESULTS
from neftune.training.json_files import FileError, parse_json, read_text

HELP = "where a table or figure is made, its result, its settings"


def options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("names", nargs="+", help="table6, figure4, …")
    add_scale(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print a paragraph for each name."""
    scale = scale_of(arguments)
    for artifact in [at_scale(name, scale) for name in arguments.names]:
        name = artifact.name
        source = Path(inspect.getsourcefile(artifact.cells) or "")
        folder, own = RESULTS / scale.name, RENDERED / scale.name
        print(f"{artifact.title}\n{artifact.about}\n")
        print(f"  made by    make {name}, from experiments/{source.parent.name}/{source.name}")
        print("  published  experiments/published.py")
        print(f"  shipped    {folder / name}.md, .csv, .json, .png, .svg")
        data = newest(own, artifact)
        made = "made" if data.exists() else "not made yet"
        print(f"  yours      {data.with_suffix('.md')}, … ({made})")
        provenance = folder / f"{name}.provenance.json"
        print(f"  came from  {provenance}\n")
        if provenance.exists():
            print(f"{_settings(provenance)}\n")
        else:
            print(f"The project ships none at the scale {scale.name}.\n")


def _settings(provenance: Path) -> str:
    """The settings of a result, for readers."""
    try:
        return settings_text(parse_json(read_text(provenance), provenance)["settings"])
    except (KeyError, TypeError, AttributeError, IndexError):
        raise FileError(
            f"{provenance}: does not hold a result's settings; `git checkout {provenance}` "
            "restores the project's"
        ) from None
