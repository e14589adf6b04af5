"""Small random models of the kinds that people fine-tune, without dropout.

llama(), gemma3(), bart(), llava()
"""

from __future__ import annotations

from typing import Any

import torch

VOCABULARY = 64
D = 64
IMAGE = 60
"""The token that stands for a patch of a picture."""

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": D,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
_VISION: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}


def llama() -> Any:
    """A decoder whose embeddings are read as they are."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**_SIZES))


def gemma3() -> Any:
    """A decoder whose embedding layer multiplies by sqrt(d)."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    return Gemma3ForCausalLM(Gemma3TextConfig(**_SIZES, head_dim=8, sliding_window=256))


def granite() -> Any:
    """A decoder that multiplies the embeddings after they were read."""
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    return GraniteForCausalLM(GraniteConfig(**_SIZES, embedding_multiplier=12.0))


def bart() -> Any:
    """An encoder-decoder whose embedding layers multiply by sqrt(d)."""
    from transformers import BartConfig, BartForConditionalGeneration

    torch.manual_seed(0)
    return BartForConditionalGeneration(
        BartConfig(
            vocab_size=VOCABULARY,
            d_model=D,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_position_embeddings=256,
            scale_embedding=True,
            dropout=0.0,
        )
    )


def llava() -> Any:
    """A model that puts a picture's four vectors among those of the text."""
    from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration

    torch.manual_seed(0)
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**_VISION),
            text_config={"model_type": "llama", **_SIZES},
            image_token_id=IMAGE,
            image_seq_length=4,
            vision_feature_layer=-1,
        )
    )
