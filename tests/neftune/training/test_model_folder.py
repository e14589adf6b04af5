"""Model folders that are damaged or of two models: one line names them, no foreign code runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer
from transformers.utils import logging

from neftune.training.base_model import load_model_and_tokenizer
from neftune.training.data import checked, encode
from neftune.training.model_folder import ModelFolderError, check_model_folder
from neftune.training.recipe import Recipe
from tests.neftune.models import tiny_llama
from tests.paths import BASE

Damage = Callable[[Path], Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "llama", ["a few words of text"])


def config(**changes: Any) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def weights(change: Callable[[dict[str, torch.Tensor]], Any]) -> Damage:
    def changed(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, metadata={"format": "pt"})

    return changed


def written(name: str, content: str | bytes) -> Damage:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def remote(folder: Path) -> None:
    (folder / "code.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass C: pass\n")
    config(model_type="own", auto_map={"AutoConfig": "code.C", "AutoModelForCausalLM": "code.C"})(
        folder
    )


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("weights")


def without_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


INDEX = "model.safetensors.index.json"


def index(content: object) -> Damage:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / INDEX).write_text(json.dumps(content))

    return change


DAMAGES: dict[str, tuple[Damage, str]] = {
    "BERT": (config(model_type="bert"), "weights are missing, and would be random"),
    "more layers": (config(num_hidden_layers=3), "weights are missing, and would be random"),
    "millions of layers": (config(num_hidden_layers=10**9), "asks for 1000000000 layers, but"),
    "another name": (
        weights(lambda w: w.update(other=w.pop("lm_head.weight"))),
        "1 weights are missing, and would be random (lm_head.weight, …)",
    ),
    "fewer layers": (config(num_hidden_layers=1), "9 weights have no place in the model"),
    "a weight less": (
        weights(lambda w: w.pop("lm_head.weight")),
        "weights are missing, and would be",
    ),
    "a weight more": (
        weights(lambda w: w.update(more=torch.zeros(2))),
        "1 weights have no place in the model of its config.json (more, …)",
    ),
    "other shape": (config(hidden_size=16), "weights have another shape than config.json says"),
    "larger": (config(hidden_size=48), "weights are missing, and would be random"),
    "huge": (config(vocab_size=10**12), "weights are missing, and would be random"),
    "NaN": (weights(lambda w: w["lm_head.weight"][3].fill_(torch.nan)), "holds NaN or infinity"),
    "infinity": (
        weights(lambda w: w["model.norm.weight"][:1].fill_(torch.inf)),
        "model.norm.weight holds NaN or infinity",
    ),
    "pickle": (pickled, "only in *.bin, a pickle, which can run code and is not read"),
    "cut": (cut, "model.safetensors: has"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
    "empty weights": (written("model.safetensors", b""), "not a whole safetensors file"),
    "text as weights": (written("model.safetensors", "version https://git-lfs"), "not a whole"),
    "damaged header": (written("model.safetensors", b"\4\0\0\0\0\0\0\0{{{{"), "header is damaged"),
    "index elsewhere": (index({"weight_map": {"a": "../x.safetensors"}}), "is not a *.safetens"),
    "index of a pickle": (index({"weight_map": {"a": "x.bin"}}), "is not a *.safetensors file"),
    "index of none": (index({"weight_map": {"a": "x.safetensors"}}), "x.safetensors: no such file"),
    "index a list": (index([]), "should be a JSON object with a weight_map"),
    "list": (written("config.json", "[]"), "config.json: should be a JSON object"),
    "no JSON": (written("config.json", "{"), "config.json: line 1: not JSON"),
    "zero heads": (config(num_attention_heads=0), "num_attention_heads must be a whole number"),
    "negative": (config(hidden_size=-32), "hidden_size must be a whole number of at least 1"),
    "text": (config(vocab_size="many"), "vocab_size must be a whole number"),
    "three heads": (config(num_attention_heads=3), "its config.json cannot be loaded"),
    "odd field": (config(rope_parameters=7), "its config.json cannot be loaded"),
    "unknown": (config(model_type="own"), "its config.json cannot be loaded"),
    "not causal": (config(model_type="t5"), "its model cannot be loaded"),
    "remote code": (remote, "cannot be loaded"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "no config.json"),
    "empty": (emptied, "no config.json; a model's folder holds"),
    "a file": (a_file, "is a file, not a folder; a model's folder holds"),
    "no tokenizer": (without_tokenizer, "its tokenizer cannot be loaded"),
    "tokenizer no JSON": (written("tokenizer.json", "{"), "its tokenizer cannot be loaded"),
    "tokenizer a list": (written("tokenizer_config.json", "[]"), "should be a JSON object"),
    "generation": (written("generation_config.json", "{"), "generation_config.json: line 1: not"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_one_line_that_names_it(
    good: Path, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    damage, says = DAMAGES[name]
    folder = tmp_path / "llama"
    shutil.copytree(good, folder)
    damage(folder)
    with pytest.raises(ModelFolderError) as error:
        load_model_and_tokenizer(folder, Recipe(), seed=0)
    message = str(error.value)
    assert message.startswith(str(folder))
    assert says in message
    assert "\n" not in message
    assert not (folder / "ran").exists()
    assert "".join(capfd.readouterr()) == ""


def test_qlora_is_checked_like_full_fine_tuning(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "llama"
    shutil.copytree(good, folder)
    pickled(folder)
    with pytest.raises(ModelFolderError, match="a pickle"):
        load_model_and_tokenizer(folder, Recipe(adapter="qlora"), seed=0)


def test_a_hub_name_that_cannot_be_reached_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelFolderError, match="own/model: neither a folder here nor") as error:
        load_model_and_tokenizer("own/model", Recipe(), seed=0)
    assert "\n" not in str(error.value)
    assert "".join(capfd.readouterr()) == ""


def test_whole_folders_pass_and_settings_of_transformers_stay(good: Path, tmp_path: Path) -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    model, tokenizer = load_model_and_tokenizer(good, Recipe(), seed=0)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    check_model_folder(BASE)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    for size in ("50KB", "1GB"):
        folder = tmp_path / size
        model.save_pretrained(folder, max_shard_size=size)
        tokenizer.save_pretrained(folder)
        assert (folder / INDEX).exists() == (size == "50KB")
        load_model_and_tokenizer(folder, Recipe(), seed=0)


def test_an_example_needs_an_end_token(good: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(good)
    tokenizer.eos_token = None
    rows = checked([{"instruction": "a", "output": "b"}], "here")
    with pytest.raises(ValueError, match=r"llama has no end-of-sequence token.*set its eos_token"):
        encode(rows, tokenizer, "alpaca", 512)
