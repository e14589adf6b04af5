"""NEFTune: noise on the input embeddings while a language model is fine-tuned.

    from neftune import NEFTune, Noise

    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(Noise(alpha=5))]).train()

or, with any other training code, `with attach(model, Noise(alpha=5)): ...`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neftune.attachment import Attachment, attach
    from neftune.callback import NEFTune
    from neftune.noise import expected_norm, noise_scale, sample, sequence_lengths
    from neftune.spec import Noise, Recipe

__all__ = [
    "Attachment",
    "NEFTune",
    "Noise",
    "Recipe",
    "attach",
    "expected_norm",
    "noise_scale",
    "sample",
    "sequence_lengths",
]

_HOME = {
    "Attachment": "attachment",
    "attach": "attachment",
    "NEFTune": "callback",
    "Noise": "spec",
    "Recipe": "spec",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the specs alone do not wait for torch and transformers."""
    if name not in __all__:
        raise AttributeError(f"module 'neftune' has no attribute {name!r}")
    return getattr(import_module(f"neftune.{_HOME.get(name, 'noise')}"), name)
