"""The command line: `python -m experiments COMMAND`, which the Makefile calls.

python -m experiments show table1 --seeds 3
python -m experiments plan table1 --scale paper
python -m experiments finetune --dataset-file my.json --model HuggingFaceTB/SmolLM2-135M --out tuned

The commands are the modules of `experiments/commands/`.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
from importlib import import_module
from types import ModuleType

from experiments import commands
from experiments.commands.options import Parser, check_arguments, check_environment
from experiments.names import look_up

# torch reads it at its first allocation. On the CPU, huge pages save a sixth of a training's time.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def command_modules() -> dict[str, ModuleType]:
    """Every command by name: the modules of `experiments/commands/` that have a `run`."""
    names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    found = {name: import_module(f"{commands.__name__}.{name}") for name in names}
    return {name: module for name, module in found.items() if hasattr(module, "run")}


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = Parser(
        prog="python -m experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    chosen = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in command_modules().items():
        each = chosen.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.options(each)
        each.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command. An error that the user can mend is one line, without a traceback."""
    given = sys.argv[1:] if argv is None else argv
    try:
        check_arguments(given)
        if given and not given[0].startswith("-"):
            look_up("command", given[0], command_modules())
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    arguments = parser().parse_args(given)
    try:
        check_environment()
        arguments.run(arguments)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; finished work is kept, and the same command resumes", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
