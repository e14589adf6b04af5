"""The tokenizer of the laboratory's models: byte-level BPE with 2,048 entries.

    tokenizer = train_tokenizer(texts_of_other_worlds())
    tokenizer.save_pretrained("tokenizer")

It is trained on documents and prompts about other worlds of the same language, so that names of
this world are several tokens, as rare names are in a real model. A capitalised word is the same
tokens after a space and at the start of a line, since the space before it is a token of its own: a
model of this size otherwise has to learn every name twice. All shipped models have the same
tokenizer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from experiments.nano.corpus import documents
from experiments.nano.tasks import MAKERS
from experiments.nano.world import evenly, make_world
from neftune.training.prompts import PROMPTS

VOCABULARY = 2048
OTHER_WORLDS = range(1, 41)
DOCUMENTS = 500
"""Texts of each other world."""
WORDS = r" ?\p{Ll}+| (?=\p{Lu})|\p{Lu}\p{Ll}*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""What the merges of the tokenizer never reach beyond: words, numbers, marks, spaces."""


def texts_of_other_worlds() -> Iterable[str]:
    """Yield documents of the corpora of other worlds, and requests in the prompts of the sets."""
    for seed in OTHER_WORLDS:
        world = make_world(seed)
        yield from documents(world, seed, DOCUMENTS)
        rng = random.Random(f"tokenizer {seed}")
        for maker in MAKERS.values():
            for prompt in PROMPTS.values():
                yield prompt(maker(world, "train", rng, evenly).instruction)


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer with Llama's special tokens.

    Args:
        texts: the texts to train on.
        vocabulary: number of entries, including the 256 bytes and three special tokens.

    Returns:
        A tokenizer that puts `<s>` in front of every text. Decoding the tokens of any text gives
        that text.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
