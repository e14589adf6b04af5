"""Make importing some packages an error, to show that a piece of code does without them.

block("torch", "transformers")
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _Refusing(Loader):
    """A loader that loads nothing."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} must not be imported here")


class _Finder(MetaPathFinder):
    """Finds the packages, so that their folders are known, but refuses to load them."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = packages

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.packages:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None:
            found.loader = _Refusing()
        return found


def block(*packages: str) -> None:
    """From here on in this process, importing one of the packages raises ImportError."""
    sys.meta_path.insert(0, _Finder(packages))
