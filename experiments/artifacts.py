"""Every table and figure by its name, found in `tables/` and `figures/`.

    ARTIFACTS["table6"]
    at_scale("table1", SMALL)                            # with the seeds of the scale's own result

A file of these folders that defines `ARTIFACT` is one table or figure; nothing lists them. The
paper's come first, in its order, then those that this repository adds.
"""

from __future__ import annotations

import pkgutil
import re
from dataclasses import replace
from importlib import import_module

from experiments import figures, tables
from experiments.cells.artifact import Artifact
from experiments.names import look_up
from experiments.scales.scale import Scale


def _found() -> dict[str, Artifact]:
    names = [
        f"{package.__name__}.{module.name}"
        for package in (tables, figures)
        for module in pkgutil.iter_modules(package.__path__)
    ]
    found = [import_module(name).ARTIFACT for name in names]
    return {artifact.name: artifact for artifact in sorted(found, key=_place)}


def _place(artifact: Artifact) -> tuple[bool, bool, int, str]:
    """The paper's tables by number, its figures by number, then the others by name."""
    numbered = re.fullmatch(r"(table|figure)(\d+)", artifact.name)
    if numbered is None:
        return True, False, 0, artifact.name
    return False, numbered[1] == "figure", int(numbered[2]), artifact.name


ARTIFACTS: dict[str, Artifact] = _found()


def at_scale(name: str, scale: Scale) -> Artifact:
    """An artifact with the number of seeds that the project's own result has at a scale.

    Args:
        name: the artifact's.
        scale: which may say how many seeds it makes it with.

    Raises:
        UnknownNameError: there is none of that name; the message lists those that there are.
    """
    artifact = look_up("artifact", name, ARTIFACTS)
    return replace(artifact, seeds=(scale.artifacts or {}).get(name, artifact.seeds))
