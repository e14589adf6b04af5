"""NEFTune: noise on the input embeddings while a language model is fine-tuned.

The method is three lines in the forward pass of every training step (Algorithm 1 of Jain et al.,
ICLR 2024, https://arxiv.org/abs/2310.05914), with `embeddings` of shape (B, T, d) and
`attention_mask` of shape (B, T):

    lengths = attention_mask.sum(dim=1, keepdim=True)                # real tokens of each sequence
    scale = attention_mask * alpha / torch.sqrt(lengths * d)         # 0 on padding
    embeddings = embeddings + scale[..., None] * torch.empty_like(embeddings).uniform_(-1, 1)

To fine-tune with it in transformers' Trainer:

    from neftune import NEFTune

    Trainer(model, args, train_dataset=data, callbacks=[NEFTune(5)]).train()

In any other training loop:

    from neftune import attach

    with attach(model, 5):
        train(model)

The modules of this package are the method alone:

    distributions.py    the settings of the noise, and the distributions that it is drawn from
    schedules.py        how alpha changes over a training
    constant_dose.py    a schedule that holds what the noise does to the predictions
    modes.py            reading a model in evaluation mode amid a training
    sequences.py        the lengths of the sequences in a batch, from whatever tells them
    noise.py            the noise as pure functions of lengths, dimension and a generator
    embeddings.py       where a model reads its token embeddings
    calls.py            what the calls in progress tell
    drawing.py          the draws of a training: one stream, by sequence, in a compiled graph
    first_pass.py       what the first pass with noise was like
    hooks.py            hooks that a copied model does not keep
    attachment.py       adding the noise to a transformers model through hooks
    callback.py         the same as a callback of transformers' Trainer

Beside it are the command `neftune` (command.py), its check of a model (check.py), the comparison
with other libraries (`neftune.conformance`), and the fine-tuning of the paper, from instruction
data to checkpoints (`neftune.training`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neftune.attachment import Attachment, attach, attachments_of, detach
    from neftune.callback import NEFTune
    from neftune.calls import told
    from neftune.distributions import DISTRIBUTIONS, Distribution, Noise
    from neftune.noise import expected_norm, noise_scale, sample
    from neftune.sequences import sequence_lengths

__all__ = [
    "DISTRIBUTIONS",
    "Attachment",
    "Distribution",
    "NEFTune",
    "Noise",
    "attach",
    "attachments_of",
    "detach",
    "expected_norm",
    "noise_scale",
    "sample",
    "sequence_lengths",
    "told",
]

_MODULES = {
    "Attachment": "attachment",
    "attach": "attachment",
    "attachments_of": "attachment",
    "detach": "attachment",
    "NEFTune": "callback",
    "DISTRIBUTIONS": "distributions",
    "Distribution": "distributions",
    "Noise": "distributions",
    "expected_norm": "noise",
    "noise_scale": "noise",
    "sample": "noise",
    "sequence_lengths": "sequences",
    "told": "calls",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `Noise` alone does not import torch."""
    if name not in _MODULES:
        raise AttributeError(f"module 'neftune' has no attribute {name!r}")
    return getattr(import_module(f"neftune.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, which editors and notebooks complete."""
    return sorted({*globals(), *__all__})
