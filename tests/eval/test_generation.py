"""The fast decoding writes the tokens that transformers' `generate` writes, prompt by prompt."""

import random

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GPTNeoXConfig,
    LlamaConfig,
    OPTConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from eval.decoding import Decoding
from eval.generation import batches, complete, is_fast

VOCABULARY = 60
ENDS = [2, 3, 4, 5, 6, 7]
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": ENDS[0],
    "pad_token_id": 0,
}
CONFIGURATIONS: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**SIZES, intermediate_size=48, num_key_value_heads=2),
    "opt": OPTConfig(**SIZES, ffn_dim=48, word_embed_proj_dim=32),
    "gpt-neox": GPTNeoXConfig(**SIZES, intermediate_size=48),
    "gemma": GemmaConfig(**SIZES, intermediate_size=48, num_key_value_heads=1, head_dim=8),
    "qwen2": Qwen2Config(**SIZES, intermediate_size=48, num_key_value_heads=2),
}
RNG = random.Random(0)
PROMPTS = [[1, *RNG.choices(range(8, VOCABULARY), k=RNG.randint(1, 30))] for _ in range(24)]


def tiny(architecture: str) -> PreTrainedModel:
    """A model with random weights, large enough that first choices are far from ties."""
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(CONFIGURATIONS[architecture])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    return model.eval()


def alone(model: PreTrainedModel, prompt: list[int], decoding: Decoding) -> list[int]:
    """What `generate` writes after one prompt."""
    ids = torch.tensor([prompt])
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=decoding.max_new_tokens,
        min_new_tokens=decoding.min_new_tokens or None,
        repetition_penalty=decoding.repetition_penalty,
        eos_token_id=ENDS,
        pad_token_id=0,
    )
    return [int(token) for token in out[0, len(prompt) :]]


@pytest.mark.parametrize("architecture", CONFIGURATIONS)
@pytest.mark.parametrize(
    "decoding",
    (
        Decoding(max_new_tokens=40, batch=7, repetition_penalty=1.2),
        Decoding(max_new_tokens=40, batch=24, repetition_penalty=1.0),
        Decoding(max_new_tokens=40, batch=24, repetition_penalty=1.2, min_new_tokens=12),
    ),
    ids=("penalty", "plain", "least"),
)
def test_it_writes_what_generate_writes_for_each_prompt_alone(
    architecture: str, decoding: Decoding
) -> None:
    model = tiny(architecture)
    assert is_fast(model)
    expected = [alone(model, prompt, decoding) for prompt in PROMPTS]
    written: dict[int, list[int]] = {}
    for _, indices in batches([len(prompt) for prompt in PROMPTS], decoding.batch):
        answers = complete(model, [PROMPTS[index] for index in indices], decoding, ENDS)
        written |= dict(zip(indices, answers, strict=True))
    assert [written[index] for index in range(len(PROMPTS))] == expected


def test_the_answers_compared_here_end_at_different_places() -> None:
    answers = complete(tiny("llama"), PROMPTS, Decoding(max_new_tokens=40, batch=24), ENDS)
    assert len({len(tokens) for tokens in answers}) > 5


def test_a_sampled_answer_does_not_depend_on_when_others_end() -> None:
    model = tiny("llama")
    decoding = Decoding(max_new_tokens=20, batch=24, top_p=0.9, temperature=1.0)
    torch.manual_seed(3)
    first = complete(model, PROMPTS, decoding, ENDS)
    torch.manual_seed(3)
    never = complete(model, PROMPTS, decoding, [VOCABULARY - 1])
    for ended, endless in zip(first, never, strict=True):
        shared = min(len(ended), len(endless))
        assert ended[:shared] == endless[:shared]
    torch.manual_seed(3)
    assert first == complete(model, PROMPTS, decoding, ENDS)


def test_a_model_whose_settings_forbid_tokens_is_decoded_by_generate() -> None:
    model = tiny("llama")
    decoding = Decoding(max_new_tokens=10, batch=24)
    usual = complete(model, PROMPTS, decoding, ENDS)
    forbidden = usual[0][0]
    assert model.generation_config is not None
    model.generation_config.suppress_tokens = [forbidden]
    assert not is_fast(model)
    assert all(forbidden not in tokens for tokens in complete(model, PROMPTS, decoding, ENDS))
