"""Who adds noise to a model's embeddings, and how it is switched on and off.

    with LIBRARIES["neftune"].on(model, 5.0):
        model(**batch)

Training libraries that pass `neftune_noise_alpha` on to transformers' Trainer, as TRL does, have
the noise of `transformers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from torch import nn

from neftune.attachment import attach
from neftune.callback import NEFTune


@dataclass(frozen=True)
class Library:
    """A library that adds noise.

    Args:
        name: for readers.
        package: whose version is told.
        on: adds noise of an alpha to a model within a block.
        trainer: settings of transformers' Trainer with which a training has noise of an alpha:
            arguments, and callbacks.
    """

    name: str
    package: str
    on: Callable[[nn.Module, float], AbstractContextManager[Any]]
    trainer: Callable[[float], tuple[dict[str, Any], list[Any]]]

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"{self.name} {version(self.package)}"


@contextmanager
def _transformers(model: nn.Module, alpha: float) -> Iterator[None]:
    """As transformers' Trainer does it for `neftune_noise_alpha`."""
    from transformers.integrations.neftune import activate_neftune, deactivate_neftune

    hook = activate_neftune(model, alpha)
    try:
        yield
    finally:
        deactivate_neftune(model, hook)


LIBRARIES = {
    "neftune": Library(
        "neftune", "neftune", attach, lambda alpha: ({}, [NEFTune(alpha, report=False)])
    ),
    "transformers": Library(
        "transformers",
        "transformers",
        _transformers,
        lambda alpha: ({"neftune_noise_alpha": alpha}, []),
    ),
}
"""By name; the first is this one."""
