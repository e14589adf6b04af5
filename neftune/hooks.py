"""Hooks that a copied model does not keep, and of which torch.compile takes notice.

module.register_forward_hook(Hook(self._looked_up, embedding))
forget_compiled(model, hooked)                       # after hooks were added or removed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn


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


def forget_compiled(model: nn.Module, hooked: Iterable[nn.Module]) -> None:
    """Have torch compile anew what has changed hooks, for which it does not look by itself.

    Blocks that are compiled by themselves, and have no such hooks within, stay as they are. What
    lies around the model, such as a compiled function that calls it, cannot be found from it.

    Args:
        model: which may be compiled, or have parts that are.
        hooked: the modules whose hooks have changed.
    """
    changed = set(hooked)
    for module in model.modules():
        compiled = getattr(module, "_compiled_call_impl", None) is not None
        if (compiled or hasattr(module, "_orig_mod")) and changed.intersection(module.modules()):
            torch.compiler.reset()
            return
