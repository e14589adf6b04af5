"""The noise is right in models of every kind: adapters, classifiers, sound, pictures."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    SiglipVisionConfig,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from neftune import Noise, attach
from tests.neftune.models import VOCABULARY, D, batch, llama
from tests.neftune.test_attach import NOISE, expected_size, seen
from tests.neftune.test_everywhere import assert_own_scale, noise_of

VISION: dict[str, Any] = {
    "hidden_size": D,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}


@pytest.mark.parametrize(
    "kind", ("PrefixTuningConfig", "PromptTuningConfig", "PromptEncoderConfig")
)
def test_learnt_vectors_before_the_text_get_no_noise(kind: str) -> None:
    peft = pytest.importorskip("peft")
    inputs = batch()
    config = getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=4)
    model = peft.get_peft_model(llama(), config).train()
    embedding = model.get_base_model().get_input_embeddings()
    clean = []
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
        clean = outputs[:]
    assert_own_scale(noise_of(embedding, inputs["input_ids"], clean), inputs["attention_mask"])


def test_a_model_that_classifies_gets_the_noise() -> None:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=0,
    )
    model, inputs = LlamaForSequenceClassification(config).train(), batch()
    embedding = model.get_input_embeddings()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs, labels=torch.tensor([0, 1])).loss.backward()
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_labels_of_rows_are_not_taken_for_those_of_tokens() -> None:
    from transformers import BartForSequenceClassification

    model = BartForSequenceClassification(small_bart()).train()
    ids = torch.randint(3, VOCABULARY, (2, 10))
    ids[:, -1] = 2  # The end of a sequence, by which it is classified.
    with attach(model, NOISE) as attachment:
        model(input_ids=ids, labels=torch.tensor([0, 1])).loss.backward()
        assert attachment.passes == 2
    with (
        attach(model, Noise(5, tokens="response")),
        pytest.raises(ValueError, match=r"needs labels of tokens, \(B, K\), not of shape \(2,\)"),
    ):
        model(input_ids=ids, labels=torch.tensor([0, 1]))


@pytest.mark.parametrize("tied", (False, True))
def test_a_model_of_which_single_tokens_are_trained_gets_the_noise(tied: bool) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["q_proj"], trainable_token_indices=[3, 5])
    model, inputs = peft.get_peft_model(llama(tied), config).train(), batch()
    embedding = model.get_base_model().model.embed_tokens
    clean = embedding(inputs["input_ids"]).detach()
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
    assert_own_scale(outputs[0].detach() - clean, inputs["attention_mask"])


@pytest.mark.parametrize("dora", (False, True), ids=("LoRA", "DoRA"))
def test_the_noise_is_added_to_what_an_adapter_makes_of_the_embeddings(dora: bool) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["embed_tokens"], use_dora=dora)
    model, inputs = peft.get_peft_model(llama(), config).train(), batch()
    adapted = model.get_base_model().model.embed_tokens
    with torch.no_grad():
        adapted.lora_embedding_B["default"].normal_()
        if dora:
            adapted.lora_magnitude_vector["default"].weight.mul_(1.7)
    clean = adapted(inputs["input_ids"]).detach()
    with attach(model, NOISE), seen(adapted) as outputs:
        model(**inputs)
    assert_own_scale(outputs[0].detach() - clean, inputs["attention_mask"])


class Rewards(LlamaForCausalLM):
    """As some reward models are, which do not say where their embeddings are."""

    def get_input_embeddings(self) -> Any:
        return None


def test_a_model_that_does_not_name_its_embeddings_gets_the_noise() -> None:
    model, inputs = Rewards(llama().config).train(), batch()
    embedding = model.model.embed_tokens
    with attach(model, NOISE), seen(embedding) as outputs:
        model(**inputs)
    assert_own_scale(noise_of(embedding, inputs["input_ids"], outputs), inputs["attention_mask"])


def test_a_model_without_token_embeddings_is_refused_by_name() -> None:
    from transformers import CLIPVisionModel

    vision = CLIPVisionConfig(**VISION)
    with pytest.raises(TypeError, match="CLIPVisionModel: it has no layer that looks up token"):
        attach(CLIPVisionModel(vision), NOISE)


class Normed(nn.Embedding):
    """As Inkling's, which normalizes what it looks up."""

    def __init__(self) -> None:
        super().__init__(VOCABULARY, D)
        self.norm = nn.RMSNorm(D)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.norm(super().forward(ids))
        return found


@pytest.mark.parametrize("lora", (False, True))
def test_a_layer_that_normalizes_its_embeddings_is_refused(lora: bool) -> None:
    model: Any = llama()
    model.set_input_embeddings(Normed())
    if lora:
        peft = pytest.importorskip("peft")
        model = peft.get_peft_model(model, peft.LoraConfig(target_modules=["embed_tokens"]))
    with pytest.raises(TypeError, match=r"its embedding layer, a Normed, .* look up \(norm\)"):
        attach(model, NOISE)


def test_a_model_that_transposes_its_tokens_is_refused() -> None:
    from transformers import XLNetConfig, XLNetLMHeadModel

    config = XLNetConfig(vocab_size=VOCABULARY, d_model=D, n_layer=1, n_head=2, d_inner=32)
    with pytest.raises(TypeError, match="XLNetLMHeadModel: it reads its embeddings by column"):
        attach(XLNetLMHeadModel(config), NOISE)


def test_whispers_decoder_gets_the_noise_and_its_sound_does_not() -> None:
    config = WhisperConfig(
        vocab_size=VOCABULARY,
        d_model=D,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_mel_bins=8,
        max_source_positions=10,
        max_target_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        dropout=0.0,
    )
    model = WhisperForConditionalGeneration(config).train()
    labels = torch.tensor([[5, 6, 7, 8], [9, 10, -100, -100]])
    embedding = model.model.decoder.embed_tokens
    conv: list[Tensor] = []
    sound = torch.randn(2, 8, 20)
    model.model.encoder.conv1.register_forward_hook(lambda m, i, o: conv.append(o.detach()))
    model(input_features=sound, labels=labels)
    with attach(model, NOISE), seen(embedding) as outputs:
        model(input_features=sound, labels=labels)
    assert torch.equal(*conv)
    shifted = torch.tensor([[1, 5, 6, 7], [1, 9, 10, 0]])
    assert_own_scale(noise_of(embedding, shifted, outputs), labels.ne(-100).long())


def small_bart() -> BartConfig:
    return BartConfig(
        vocab_size=VOCABULARY,
        d_model=D,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=32,
        scale_embedding=True,
        dropout=0.0,
    )


def test_bart_scales_the_noise_as_its_embeddings() -> None:
    model, inputs = BartForConditionalGeneration(small_bart()).train(), batch()
    encoder = model.model.encoder.embed_tokens
    assert encoder.embed_scale == D**0.5
    with attach(model, NOISE), seen(encoder) as outputs:
        model(**inputs, labels=inputs["input_ids"])
    assert_own_scale(noise_of(encoder, inputs["input_ids"], outputs[:1]), inputs["attention_mask"])


IMAGE = 60


def llava() -> Any:
    return LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**VISION),
            text_config=llama().config,
            image_token_id=IMAGE,
            image_seq_length=4,
            vision_feature_layer=-1,
        )
    )


def gemma3() -> Any:
    text = Gemma3TextConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=8,
    )
    vision = SiglipVisionConfig(**VISION)
    return Gemma3ForConditionalGeneration(
        Gemma3Config(
            text_config=text,
            vision_config=vision,
            mm_tokens_per_image=4,
            image_token_index=IMAGE,
            image_token_id=IMAGE,
        )
    )


def read_by_first_layer(model: Any) -> list[Tensor]:
    """What the first layer of the language model will read, a tensor each call."""
    kept: list[Tensor] = []
    model.model.language_model.layers[0].register_forward_pre_hook(
        lambda m, args, kwargs: kept.append(
            (args[0] if args else kwargs["hidden_states"]).detach()
        ),
        with_kwargs=True,
    )
    return kept


@pytest.mark.parametrize("make", (llava, gemma3))
def test_beside_pictures_the_text_alone_gets_noise(make: Any) -> None:
    torch.manual_seed(0)
    model = make().train()
    ids = torch.tensor([[5, IMAGE, IMAGE, IMAGE, IMAGE, 7, 8, 0], [3, 4] + [IMAGE] * 4 + [5, 6]])
    mask = torch.tensor([[1] * 7 + [0], [1] * 8])
    kept = read_by_first_layer(model)
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "pixel_values": torch.randn(2, 3, 8, 8),
        "token_type_ids": ids.eq(IMAGE).long(),
    }
    if make is llava:
        del inputs["token_type_ids"]
    model(**inputs)
    with attach(model, NOISE):
        model(**inputs)
    clean, noisy = kept
    scale = getattr(model.get_input_embeddings(), "embed_scale", 1.0)
    wanted = expected_size(mask) * ids.ne(IMAGE)[..., None]
    torch.testing.assert_close((noisy - clean).abs() / scale, wanted, atol=1e-5, rtol=1e-4)


def qwen2_vl() -> Any:
    text = llama().config.to_dict() | {
        "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    vision = {"depth": 1, "embed_dim": D, "hidden_size": D, "num_heads": 2, "mlp_ratio": 2}
    return Qwen2VLForConditionalGeneration(
        Qwen2VLConfig(
            text_config={key: text[key] for key in text if key not in ("model_type", "dtype")},
            vision_config=vision | {"patch_size": 4, "spatial_merge_size": 2, "in_channels": 3},
            image_token_id=IMAGE,
            vision_start_token_id=58,
            vision_end_token_id=59,
        )
    )


TIME = [[0, 1, 2, 2, 2, 2, 4, 5, 6, 0], [0, 1, 2, 3, 3, 3, 3, 5, 6, 7]]
HEIGHT = [[0, 1, 2, 2, 3, 3, 4, 5, 6, 0], [0, 1, 2, 3, 3, 4, 4, 5, 6, 7]]
WIDTH = [[0, 1, 2, 3, 2, 3, 4, 5, 6, 0], [0, 1, 2, 3, 4, 3, 4, 5, 6, 7]]


@pytest.mark.parametrize("positions", (None, [TIME, HEIGHT, WIDTH]), ids=("", "positions told"))
def test_a_picture_with_positions_in_time_height_and_width_has_no_noise(positions: Any) -> None:
    torch.manual_seed(0)
    model = qwen2_vl().train()
    picture = [58, *[IMAGE] * 4, 59]
    ids = torch.tensor([[5, *picture, 7, 8, 0], [3, 4, *picture, 5, 6]])
    mask = torch.tensor([[1] * 9 + [0], [1] * 10])
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "pixel_values": torch.randn(2 * 16, 3 * 2 * 4 * 4),
        "image_grid_thw": torch.tensor([[1, 4, 4]] * 2),
    }
    # Newer versions of transformers ask for it.
    if "mm_token_type_ids" in inspect.signature(model.forward).parameters:
        inputs["mm_token_type_ids"] = ids.eq(IMAGE).int()
    if positions:
        inputs["position_ids"] = torch.tensor(positions)
    kept = read_by_first_layer(model)
    model(**inputs)
    with attach(model, NOISE):
        model(**inputs)
    clean, noisy = kept
    wanted = expected_size(mask) * ids.ne(IMAGE)[..., None]
    torch.testing.assert_close((noisy - clean).abs(), wanted, atol=1e-5, rtol=1e-4)


def test_vectors_of_text_and_pictures_together_are_refused() -> None:
    model = llava().train()
    vectors = model.get_input_embeddings()(torch.tensor([[3, IMAGE, IMAGE, IMAGE, IMAGE, 5]]))
    with attach(model, NOISE), pytest.raises(ValueError, match="images and inputs_embeds"):
        model(inputs_embeds=vectors, pixel_values=torch.randn(1, 3, 8, 8))
