"""Small random models of the architectures that the noise must be right for, and data for them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
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
    PreTrainedTokenizerFast,
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


def opt(dropout: float = 0.0) -> OPTForCausalLM:
    return OPTForCausalLM(
        OPTConfig(
            vocab_size=VOCABULARY,
            hidden_size=D,
            word_embed_proj_dim=D,
            ffn_dim=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=64,
            dropout=dropout,
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


def tiny_llama(folder: Path, texts: Iterable[str], vocabulary: int = 600) -> Path:
    """Save a Llama with a byte-level tokenizer that is trained on the texts.

    The tokenizer has no padding token, as LLaMA's has none. A random model would hardly ever end
    its answer, so every other token ends it.
    """
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trained.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, bos_token="<s>", eos_token="</s>")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=2048,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=[tokenizer.eos_token_id, *range(2, len(tokenizer), 2)],
        )
    ).save_pretrained(folder)
    return folder


def instructions(count: int) -> list[dict[str, str]]:
    """Short instructions with responses of different lengths."""
    colours = ("red", "green", "blue", "white", "black")
    return [
        {
            "instruction": f"Describe thing {number}.",
            "output": f"Its colour is {colours[number % 5]}." + " It is old." * (number % 4),
        }
        for number in range(count)
    ]
