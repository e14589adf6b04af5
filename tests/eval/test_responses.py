"""Responses of the shipped model: AlpacaEval's format, and the same bytes after an interruption."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.decoding import Decoding
from eval.responses import Answer, Prompt, decode, respond
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

    real, calls = eval.responses.decode, []

    def failing(*arguments: object) -> list[Answer]:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(eval.responses, "decode", failing)
    with pytest.raises(KeyboardInterrupt):
        responses(cut)
    assert not cut.exists()
    partial = tmp_path / "cut.json.partial"
    partial.write_text(partial.read_text() + '[3, "half a li')
    responses(cut)
    assert len(calls) == 2 + 2  # of three batches the first was not decoded again
    assert cut.read_bytes() == whole.read_bytes()


def test_an_answer_ends_with_the_end_token_that_answers_end_with_in_training() -> None:
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    texts = [prompt.text for prompt in PROMPTS]
    written = decode(model, tokenizer, texts, DECODING)
    assert all(0 < answer.tokens <= 24 for answer in written)
    assert all(answer.ended == (answer.tokens < 24) for answer in written)
    model.generation_config.eos_token_id = None  # The model knows no end token of its own.
    model.lm_head.weight.data[tokenizer.eos_token_id] = 0
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(len(model.lm_head.weight)))
    model.lm_head.bias.data[tokenizer.eos_token_id] = 1e6
    stopped = decode(model, tokenizer, texts, DECODING)
    assert {(answer.text, answer.tokens, answer.ended) for answer in stopped} == {("", 0, True)}
