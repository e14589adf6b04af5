"""Tests are skipped where an extra of the package, which they need, is not installed.

needs("training")  # in a test, or at the top of a module
"""

from importlib.metadata import PackageNotFoundError, requires, version

import pytest
from packaging.requirements import Requirement


def needs(extra: str) -> None:
    """Skip where a package of the extra is absent, or older than the extra declares."""
    for declared in map(Requirement, requires("neftune") or ()):
        if declared.marker is None or not declared.marker.evaluate({"extra": extra}):
            continue
        try:
            found = version(declared.name)
        except PackageNotFoundError:
            found = None
        if found is None or not declared.specifier.contains(found, prereleases=True):
            pytest.skip(
                f"needs neftune[{extra}]: {declared.name}{declared.specifier}, "
                f"not {found or 'installed'}",
                allow_module_level=True,
            )
