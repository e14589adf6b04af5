"""Responses of the shipped model: AlpacaEval's format, and the same bytes after an interruption."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.decoding import Decoding
from eval.responses import Prompt, respond
from tests.paths import BASE

PROMPTS = [
    Prompt(f"Say {n}.", f"{name} is", "describe")
    for n, name in enumerate(("Merlbequay", "The mubvevet", "Wilviddo", "The caeliessin", "A", "B"))
]
DECODING = Decoding(max_new_tokens=24, batch=2)


def responses(out: Path) -> list[dict[str, str]]:
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    return respond(model, tokenizer, PROMPTS, DECODING, out, generator="base")


def test_format_order_and_nothing_left_behind(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "model_outputs.json"
    records = responses(out)
    assert json.loads(out.read_text()) == records
    assert [record["instruction"] for record in records] == [p.instruction for p in PROMPTS]
    assert set(records[0]) == {"instruction", "output", "generator", "dataset"}
    assert "Ombrevane" in records[0]["output"]
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    responses(whole)
    import eval.responses

    decode, calls = eval.responses._decode, []

    def failing(*arguments: object) -> list[str]:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(eval.responses, "_decode", failing)
    with pytest.raises(KeyboardInterrupt):
        responses(cut)
    assert not cut.exists()
    partial = tmp_path / "cut.json.partial"
    partial.write_text(partial.read_text() + '[3, "half a li')
    responses(cut)
    assert len(calls) == 2 + 2  # of three batches the first was not decoded again
    assert cut.read_bytes() == whole.read_bytes()
