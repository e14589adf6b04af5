"""Hooks that a copied model does not keep, and of which torch.compile takes notice.

module.register_forward_hook(Hook(self._looked_up, embedding))
forget_compiled()                                    # after hooks were added or removed
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch


class Hook:
    """A method as a hook. A copy of it, in memory or on disk, does nothing.

    Args:
        method: which.
        known: what it is given before the hook's own arguments.
    """

    def __init__(self, method: Callable[..., Any], *known: Any) -> None:
        self.method = method
        self.known = known

    def __call__(self, *args: Any) -> Any:
        """What the method returns; `args` are the hook's own."""
        return self.method(*self.known, *args)

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _nothing

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        return _inert, ()


def _nothing(*args: Any) -> None:
    """The hook of a copied model."""


def _inert() -> Callable[..., None]:
    return _nothing


def forget_compiled() -> None:
    """Have torch compile anew, which does not notice that hooks have changed.

    What calls the model, such as the compiled wrapper around it or a compiled training step, cannot
    be found from it, so everything that was compiled is.
    """
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
