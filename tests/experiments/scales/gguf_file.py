"""A tiny Llama as a GGUF file, as llama.cpp's converter would write it."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

D, FEEDFORWARD, HEADS, VOCABULARY = 32, 64, 2, 259
SHAPES = {
    "token_embd.weight": (VOCABULARY, D),
    "blk.0.attn_norm.weight": (D,),
    "blk.0.attn_q.weight": (D, D),
    "blk.0.attn_k.weight": (D, D),
    "blk.0.attn_v.weight": (D, D),
    "blk.0.attn_output.weight": (D, D),
    "blk.0.ffn_norm.weight": (D,),
    "blk.0.ffn_gate.weight": (FEEDFORWARD, D),
    "blk.0.ffn_up.weight": (FEEDFORWARD, D),
    "blk.0.ffn_down.weight": (D, FEEDFORWARD),
    "output_norm.weight": (D,),
}


def tiny_gguf(path: Path) -> tuple[Path, dict[str, Tensor]]:
    """Write a Llama of one block, with a byte-level tokenizer, and return its weights by name."""
    import gguf

    writer: Any = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(FEEDFORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(_tokens())
    writer.add_token_types([3, 3, *[1] * (VOCABULARY - 2)])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    torch.manual_seed(0)
    weights = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    for name, value in weights.items():
        writer.add_tensor(name, value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, weights


def _tokens() -> list[str]:
    """Two special tokens, the 256 bytes as byte-level tokenizers spell them, and one pair."""
    from tokenizers.pre_tokenizers import ByteLevel

    return ["<s>", "</s>", *sorted(ByteLevel.alphabet()), "ab"]
