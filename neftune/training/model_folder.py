"""Check a model's folder before torch is imported: its files, its shape, the ends of its weights.

    count = check_model_folder(Path("llama"))            # or a ModelFolderError of one line
    count = count_values(Path("llama"))                  # the weights alone
    files = weight_files(Path("llama"))                  # one, or several shards

Only safetensors files count as weights. `pytorch_model.bin` is a pickle, which can run code when it
is read, and is never opened.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from neftune.training.json_files import FileError, parse_json, read_text

CONTENT = "a model's folder holds config.json, the tokenizer's files and weights as *.safetensors"
POSITIVE = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "vocab_size", "n_embd", "n_head", "n_layer"),
)
"""Sizes of a configuration that must be whole numbers of at least 1 where they are given."""
MOST_HEADER = 100_000_000
"""The largest header that safetensors itself reads, in bytes."""


class ModelFolderError(ValueError):
    """A model cannot be loaded; the message names its folder and says what to do."""


def check_model_folder(folder: Path) -> int:
    """Check what can be checked of a model's folder without loading the model.

    Args:
        folder: as `save_pretrained` writes it.

    Returns:
        The number of values in its weights, by the files' headers.

    Raises:
        ModelFolderError: a file is missing, damaged or a pickle.
    """
    if not folder.is_dir():
        kind = "is a file, not a folder" if folder.exists() else "no such folder"
        raise ModelFolderError(f"{folder}: {kind}; {CONTENT}")
    config = _checked_config(folder)
    for name in ("tokenizer_config.json", "generation_config.json"):
        if (folder / name).exists() and not isinstance(_json(folder / name), dict):
            raise ModelFolderError(f"{folder / name}: should be a JSON object")
    sizes = [size for path in weight_files(folder) for size in _sizes(path)]
    layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
    if isinstance(layers, int) and layers > len(sizes):
        raise ModelFolderError(
            f"{folder}: config.json asks for {layers} layers, but there are {len(sizes)} weights "
            "in all; take both from one place"
        )
    return sum(sizes)


def count_values(folder: Path) -> int:
    """Count the values in the weights of a model's folder, by the files' headers.

    Raises:
        ModelFolderError: there are no safetensors, or one of them is damaged.
    """
    return sum(size for path in weight_files(folder) for size in _sizes(path))


def _checked_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.exists():
        raise ModelFolderError(f"{folder}: no config.json; {CONTENT}")
    config = _json(path)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelFolderError(f"{path}: should be a JSON object with a model_type")
    for name in POSITIVE:
        value = config.get(name)
        if value is None or (isinstance(value, list) and value):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ModelFolderError(
                f"{path}: {name} must be a whole number of at least 1, not {str(value)[:40]}"
            )
    return config


def weight_files(folder: Path) -> list[Path]:
    """Find the weights of a model's folder: one safetensors file, or the shards of an index.

    Raises:
        ModelFolderError: there are no safetensors, or their index is damaged.
    """
    if (folder / "model.safetensors").exists():
        return [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if index.exists():
        content = _json(index)
        places = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(places, dict) or not places:
            raise ModelFolderError(f"{index}: should be a JSON object with a weight_map")
        names = sorted({str(name) for name in places.values()})
        for name in names:
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise ModelFolderError(f"{index}: {name[:80]!r} is not a *.safetensors file here")
        return [folder / name for name in names]
    if list(folder.glob("*.bin")):
        raise ModelFolderError(
            f"{folder}: its weights are only in *.bin, a pickle, which can run code and is not "
            "read; convert them with save_pretrained(…, safe_serialization=True)"
        )
    raise ModelFolderError(f"{folder}: no model.safetensors; {CONTENT}")


def _sizes(path: Path) -> list[int]:
    """The sizes of a safetensors file's tensors; it must end where its header says."""
    again = "copy or download it again"
    if not path.is_file():
        raise ModelFolderError(f"{path}: no such file; {again}")
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, MOST_HEADER):
            raise ModelFolderError(f"{path}: is not a whole safetensors file; {again}")
        header = file.read(length)
    try:
        tensors = json.loads(header)
        entries = [entry for name, entry in tensors.items() if name != "__metadata__"]
        end = 8 + length + max((entry["data_offsets"][1] for entry in entries), default=0)
        sizes = [math.prod(map(int, entry["shape"])) for entry in entries]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ModelFolderError(f"{path}: its header is damaged; {again}") from None
    if end != size:
        raise ModelFolderError(f"{path}: has {size} bytes where its header says {end}; {again}")
    return sizes


def _json(path: Path) -> Any:
    try:
        return parse_json(read_text(path), path)
    except FileError as error:
        raise ModelFolderError(str(error)) from None
