"""Who adds noise to a model's embeddings, and how it is switched on and off.

    with LIBRARIES["neftune"].on(model, 5.0):
        model(**batch)

A library is imported when it is used; one that is not installed has a column of the table all the
same, from a file that was measured where it is. `OTHERS` says of those that add no noise of their
own whose noise they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from torch import nn

from neftune.attachment import attach
from neftune.callback import NEFTune

Training = tuple[nn.Module, dict[str, Any], list[Any]]
"""What transformers' Trainer is given: a model, arguments, and callbacks."""


@dataclass(frozen=True)
class Library:
    """A library that adds noise.

    Args:
        name: for readers.
        package: whose version is told.
        about: what of it is measured, for readers.
        on: adds noise of an alpha to a model within a block.
        trainer: what transformers' Trainer is given so that a model's training has noise of an
            alpha; None for a library with a training loop of its own.
    """

    name: str
    package: str
    about: str
    on: Callable[[nn.Module, float], AbstractContextManager[Any]]
    trainer: Callable[[nn.Module, float], Training] | None

    @property
    def version(self) -> str | None:
        """That of its package; None where it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


@contextmanager
def _transformers(model: nn.Module, alpha: float) -> Iterator[None]:
    """As transformers' Trainer does it for `neftune_noise_alpha`."""
    from transformers.integrations.neftune import activate_neftune, deactivate_neftune

    hook = activate_neftune(model, alpha)
    try:
        yield
    finally:
        deactivate_neftune(model, hook)


def _swift_tuned(model: nn.Module, alpha: float) -> Any:
    from swift.tuners import NEFTuneConfig, Swift

    return Swift.prepare_model(model, NEFTuneConfig(noise_alpha=alpha))


@contextmanager
def _swift(model: nn.Module, alpha: float) -> Iterator[None]:
    """As ms-swift's tuner; its command line sets transformers' option in place of it."""
    tuned = _swift_tuned(model, alpha)
    try:
        yield
    finally:
        tuned.deactivate_adapter("default")


@contextmanager
def _ludwig(model: nn.Module, alpha: float) -> Iterator[None]:
    """As Ludwig's trainer does it for `neftune_noise_alpha`."""
    from ludwig.modules.training_hooks import NEFTuneHook

    hook = NEFTuneHook(neftune_noise_alpha=alpha)
    hook.activate_hook(model)
    try:
        yield
    finally:
        hook.deactivate_hook()


LIBRARIES = {
    each.name: each
    for each in (
        Library(
            "neftune",
            "neftune",
            "`attach`, and the callback `NEFTune`",
            attach,
            lambda model, alpha: (model, {}, [NEFTune(alpha, report=False)]),
        ),
        Library(
            "transformers",
            "transformers",
            "`neftune_noise_alpha` of its Trainer, and the function that it calls for that",
            _transformers,
            lambda model, alpha: (model, {"neftune_noise_alpha": alpha}, []),
        ),
        Library(
            "ms-swift",
            "ms-swift",
            "its tuner `NEFTuneConfig`",
            _swift,
            lambda model, alpha: (_swift_tuned(model, alpha), {}, []),
        ),
        Library(
            "ludwig",
            "ludwig",
            "`NEFTuneHook`, which its trainer switches on for `neftune_noise_alpha`, alone",
            _ludwig,
            None,
        ),
    )
}
"""By name; the first is this one."""

_OPTION = "passes `neftune_noise_alpha` on to transformers"
OTHERS = {
    "TRL 1.16.0": _OPTION,
    "LLaMA-Factory 0.9.5": _OPTION,
    "axolotl 0.19.0": _OPTION,
    "ms-swift 4.6.0, its command line": f"{_OPTION}; the column above is its tuner `NEFTuneConfig`",
    "unsloth 2026.10.9": f"{_OPTION}; on Apple's MLX it has code of its own, which does not run on "
    "other machines and was not measured",
    "PEFT 0.21.2, torchtune 0.6.1, litgpt 0.5.13, XTuner 0.2.0": "no such noise",
}
"""What the packages of other libraries do, read in their sources."""
