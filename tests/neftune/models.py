"""Small random models of the architectures that the noise must be right for."""

from collections.abc import Callable

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)

VOCABULARY = 64
D = 16


def llama(tied: bool = False) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=D,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            tie_word_embeddings=tied,
        )
    )


def opt() -> OPTForCausalLM:
    return OPTForCausalLM(
        OPTConfig(
            vocab_size=VOCABULARY,
            hidden_size=D,
            word_embed_proj_dim=D,
            ffn_dim=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=64,
            dropout=0.0,
        )
    )


def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=D,
            n_layer=1,
            n_head=2,
            n_positions=64,
            embd_pdrop=0.0,
            resid_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=1,
            eos_token_id=1,
        )
    )


def gpt_neox() -> GPTNeoXForCausalLM:
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=VOCABULARY,
            hidden_size=D,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=64,
        )
    )


def _gemma(config: type, model: type) -> PreTrainedModel:
    made: PreTrainedModel = model(
        config(
            vocab_size=VOCABULARY,
            hidden_size=D,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            query_pre_attn_scalar=8,
        )
    )
    return made


def gemma() -> PreTrainedModel:
    return _gemma(GemmaConfig, GemmaForCausalLM)


def gemma2() -> PreTrainedModel:
    return _gemma(Gemma2Config, Gemma2ForCausalLM)


def bert() -> BertForMaskedLM:
    return BertForMaskedLM(
        BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=D,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=64,
        )
    )


def t5() -> T5ForConditionalGeneration:
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=VOCABULARY,
            d_model=D,
            d_kv=8,
            d_ff=32,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
            dropout_rate=0.0,
        )
    )


SINGLE_STACK: dict[str, Callable[[], PreTrainedModel]] = {
    "llama": llama,
    "opt": opt,
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "gemma": gemma,
    "gemma2": gemma2,
    "bert": bert,
}


def batch(lengths: tuple[int, ...] = (5, 9), left: bool = False) -> dict[str, torch.Tensor]:
    """Random token ids with padding, and the mask that says so."""
    width = max(lengths) + 1
    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(3, VOCABULARY, (len(lengths), width), generator=drawn)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        start = width - length if left else 0
        mask[row, start : start + length] = 1
    return {"input_ids": ids, "attention_mask": mask}
