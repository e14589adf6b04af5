"""QLoRA: real NF4 weights on the CPU, only the adapter trains, what is saved computes the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from neftune import Noise
from neftune.training.data import checked, encode
from neftune.training.finetune import finetune
from neftune.training.model_folder import ModelFolderError
from neftune.training.recipe import Recipe
from neftune.training.weights import load_weights
from tests.neftune.models import instructions, tiny_llama
from tests.paths import BASE

pytest.importorskip("bitsandbytes")
from neftune.training.qlora import load, merged

TEXT = "Merlbequay is a town in Ombrevane. Its walls are built of"


def logits(model: torch.nn.Module) -> torch.Tensor:
    ids = AutoTokenizer.from_pretrained(BASE)(TEXT, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits.float()


def test_the_base_is_in_four_bits_and_only_the_adapter_trains() -> None:
    model = load(BASE, seed=0, rank=4)
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert names
    assert all("lora_" in name for name in names)
    quantized = model.get_base_model().model.layers[0].mlp.up_proj.base_layer.weight
    assert type(quantized).__name__ == "Params4bit"
    assert quantized.quant_state.quant_type == "nf4"
    assert quantized.quant_state.nested


def test_a_loss_without_gradients_does_not_change_the_gradients_after_it() -> None:
    """On a CPU with bfloat16, bitsandbytes can repack weights, and then has no gradients."""
    ids = AutoTokenizer.from_pretrained(BASE)(TEXT, return_tensors="pt")["input_ids"]
    found = []
    for evaluated in (False, True):
        model = load(BASE, seed=0, rank=4, dropout=0)
        if evaluated:
            logits(model)
        model.train()
        model(input_ids=ids, labels=ids).loss.backward()
        found.append({n: w.grad for n, w in model.named_parameters() if w.grad is not None})
    before, after = found
    assert before.keys() == after.keys()
    assert any(gradient.any() for gradient in before.values())
    for name, gradient in before.items():
        torch.testing.assert_close(after[name], gradient, msg=name)


def test_the_merged_model_computes_what_the_quantized_one_does() -> None:
    model = load(BASE, seed=0, rank=4)
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data = 0.05 * torch.randn(weight.shape, generator=generator).to(weight.dtype)
    plain = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    quantized = logits(model)
    whole = merged(model)
    error = (logits(whole) - quantized).abs().mean()
    change = (logits(whole) - logits(plain)).abs().mean()
    assert error < 0.1 * change


@pytest.mark.parametrize("way", (lambda folder: load(folder, seed=0), load_weights))
def test_a_base_whose_weights_are_not_those_of_its_configuration_is_refused(
    way: Callable[[Path], object], tmp_path: Path
) -> None:
    folder = tiny_llama(tmp_path / "llama", ["a few words of text"])
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelFolderError, match="9 weights are missing, and would be random"):
        way(folder)
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    with pytest.raises(ModelFolderError, match="9 weights have no place in the model"):
        way(folder)
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(OSError, match="safetensors"):
        way(folder)


def test_a_tuned_adapter_is_saved_as_an_ordinary_checkpoint(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked(instructions(32), "here")
    examples = encode(rows, tokenizer, "alpaca", 256)
    log = finetune(
        load(BASE, seed=0, rank=4),
        tokenizer,
        examples,
        Recipe(lr=1e-2, epochs=10, batch=8, micro_batch=8),
        Noise(5),
        seed=0,
        out=tmp_path / "tuned",
        probes={"same": examples},
    )
    losses = [entry["eval_same_loss"] for entry in log if "eval_same_loss" in entry]
    assert losses[-1] < losses[0]
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "tuned", dtype=torch.float32)
    assert saved.num_parameters() == pytest.approx(2_410_176)
    settings = json.loads((tmp_path / "tuned" / "training_settings.json").read_text())
    assert settings["parameters"] == 2_410_176
    ids = torch.tensor([examples[0]["input_ids"]])
    labels = torch.tensor([examples[0]["labels"]])
    assert saved(input_ids=ids, labels=labels).loss < 2
