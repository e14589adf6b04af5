"""The command `neftune`.

    neftune check MODEL                                  # whether a model gets the noise right
    neftune conformance                                  # this library beside transformers
    neftune dose --model MODEL --dataset-file rows.json  # with the laboratory of a clone
    neftune finetune --model MODEL --dataset-file rows.json --alpha 0 5 --out tuned

A command is a module with `options` and `run`. Other packages may add some, as entry points
of the group `neftune.commands`; the laboratory adds `dose` and `finetune`.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.metadata import entry_points, version
from typing import Any

OWN = {"check": "neftune.check", "conformance": "neftune.conformance.command"}
"""The commands of this package, by name."""
GROUP = "neftune.commands"


def modules() -> dict[str, str]:
    """The module of each command."""
    return OWN | {each.name: each.value for each in entry_points(group=GROUP)}


def main(argv: list[str] | None = None) -> int:
    """Run a command. An error that the user can mend is one line, without a traceback."""
    known = modules()
    parser = argparse.ArgumentParser(
        prog="neftune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"neftune {version('neftune')}")
    parser.add_argument("command", choices=known)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args(argv)
    try:
        command: Any = import_module(known[given.command])
    except ModuleNotFoundError as error:
        print(
            f"error: `neftune {given.command}` needs the laboratory, which a clone of the "
            f"repository has (`make setup`): {error}",
            file=sys.stderr,
        )
        return 1
    own = argparse.ArgumentParser(
        prog=f"neftune {given.command}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.options(own)
    try:
        command.run(own.parse_args(given.arguments))
    except (ValueError, RuntimeError, OSError, TypeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
