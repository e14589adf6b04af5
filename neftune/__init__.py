"""NEFTune: noise on the input embeddings while a language model is fine-tuned.

    from neftune import NEFTune, Noise

    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(Noise(alpha=5))]).train()

or, with any other training code, `with attach(model, Noise(alpha=5)): ...`.
"""

from neftune.attach import Attachment, attach
from neftune.callback import NEFTune
from neftune.noise import Noise, expected_norm, noise_scale, sample, sequence_lengths

__all__ = [
    "Attachment",
    "NEFTune",
    "Noise",
    "attach",
    "expected_norm",
    "noise_scale",
    "sample",
    "sequence_lengths",
]
