"""Instruction files: the real one, both formats, and what is said of malformed rows."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from neftune.training.data import (
    IGNORED,
    Example,
    InstructionDataError,
    checked,
    collator,
    encode,
    encode_each,
    load_instructions,
)
from neftune.training.prompts import alpaca_prompt, vicuna_prompt
from tests.neftune.models import VOCABULARY, llama
from tests.paths import BASE, shared

GOOD = {"instruction": "Name a colour.", "input": "", "output": "Red."}
TALK = {
    "conversations": [
        {"from": "human", "value": "Name a colour."},
        {"from": "gpt", "value": "Red."},
    ]
}


def test_the_authors_own_alpaca_file() -> None:
    rows = load_instructions(str(shared("alpaca52k/alpaca_data.json")))
    assert len(rows) == 52_002
    mean = sum(len(row.output) for row in rows) / len(rows)
    assert round(mean, 2) == 270.31  # the paper's Table 4


def test_the_real_evol_instruct_file_of_json_lines() -> None:
    rows = load_instructions(str(shared("evol_instruct/evol_instruct_1k.jsonl")))
    assert len(rows) == 1000
    assert all(row.instruction and not row.input for row in rows)


def test_both_formats_become_the_same() -> None:
    assert checked([GOOD], "here") == checked([TALK], "here")


@pytest.mark.parametrize(
    ("row", "says"),
    (
        ({"instruction": "Hm?"}, r"row 2: output: Field required"),
        ({"instruction": 5, "output": "a"}, r"row 2: instruction: .*valid string"),
        ({"instruction": "", "output": "a"}, r"row 2: instruction: .*at least 1 character"),
        ("text", r"row 2: row: .*dictionary"),
        (
            {"conversations": [TALK["conversations"][0]]},
            r"row 2: row: .*human and gpt turns",
        ),
        ({"conversations": [{"from": "dog", "value": "x"}]}, r"row 2: conversations.0.from"),
    ),
)
def test_a_malformed_row_is_named(tmp_path: Path, row: object, says: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([GOOD, row]))
    with pytest.raises(InstructionDataError, match=rf"rows.json: {says}"):
        load_instructions(str(file))


def test_what_is_not_json_is_named_with_its_line(tmp_path: Path) -> None:
    lines, whole = tmp_path / "rows.jsonl", tmp_path / "rows.json"
    lines.write_text(json.dumps(GOOD) + "\n{oops\n")
    whole.write_text('[\n{"instruction": \n]')
    with pytest.raises(InstructionDataError, match=r"rows.jsonl: line 2"):
        load_instructions(str(lines))
    with pytest.raises(InstructionDataError, match=r"rows.json: line 3"):
        load_instructions(str(whole))


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InstructionDataError, match=r"gone.json: no such file"):
        load_instructions(str(tmp_path / "gone.json"))
    (tmp_path / "empty.json").write_text("[]")
    with pytest.raises(InstructionDataError, match=r"empty.json: holds no rows"):
        load_instructions(str(tmp_path / "empty.json"))


def test_prompts_are_the_papers() -> None:
    assert alpaca_prompt("Do it.").endswith("### Instruction:\nDo it.\n\n### Response:\n")
    assert "### Input:\nthis\n\n### Response:" in alpaca_prompt("Do it.", "this")
    assert vicuna_prompt("Do it.").endswith("questions. USER: Do it. ASSISTANT: ")


def test_the_loss_is_on_the_response_and_its_end_alone() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    (example,) = encode(checked([GOOD], "here"), tokenizer, "alpaca", 512)
    ids, labels = example["input_ids"], example["labels"]
    kept = [i for i, label in zip(ids, labels, strict=True) if label != IGNORED]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(kept) == "Red.</s>"
    assert labels[-1] == tokenizer.eos_token_id
    assert kept == labels[-len(kept) :]


def test_long_examples_are_cut_and_those_without_a_response_dropped() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    long = {"instruction": "Why?", "output": "Because. " * 100}
    (example,) = encode(checked([long], "here"), tokenizer, "alpaca", 80)
    assert len(example["input_ids"]) == 80
    assert encode(checked([long], "here"), tokenizer, "alpaca", 10) == []
    rows = checked([long, GOOD | {"instruction": "word " * 600}, GOOD], "here")
    first, dropped, last = encode_each(rows, tokenizer, "alpaca", 80)
    assert dropped is None
    assert [first, last] == encode(rows, tokenizer, "alpaca", 80)


def test_a_longer_conversation_is_trained_on_every_answer() -> None:
    said = ["Name a colour.", "Red.", "Another.", "Blue."]
    turns = [
        {"from": speaker, "value": text}
        for speaker, text in zip(("human", "gpt") * 2, said, strict=True)
    ]
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = checked([{"conversations": turns}], "here")
    (example,) = encode(rows, tokenizer, "vicuna", 512)
    pairs = zip(example["input_ids"], example["labels"], strict=True)
    assert tokenizer.decode([i for i, label in pairs if label != IGNORED]) == "Red.</s>Blue.</s>"
    whole = tokenizer.decode(example["input_ids"])
    assert whole.endswith(
        "USER: Name a colour. ASSISTANT: Red.</s>USER: Another. ASSISTANT: Blue.</s>"
    )
    with pytest.raises(ValueError, match="use vicuna"):
        encode(rows, tokenizer, "alpaca", 512)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(2, 12)), min_size=1, max_size=6))
def test_the_loss_of_a_batch_is_that_with_all_logits(sizes: list[tuple[int, int]]) -> None:
    torch.manual_seed(0)
    model = llama().eval()
    rng = torch.Generator().manual_seed(len(sizes))
    examples: list[Example] = []
    for prompt, response in sizes:
        ids = torch.randint(3, VOCABULARY, (prompt + response,), generator=rng).tolist()
        examples.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    batch = collator(0)(examples)
    assert batch["labels"].shape[1] == batch["logits_to_keep"]
    # Nothing predicts the first token of a row, so it is no label where there is no prompt.
    predicted = [response - (not prompt) for prompt, response in sizes]
    assert batch["labels"].ne(IGNORED).sum() == sum(predicted)
    with torch.no_grad():
        ours = model(**batch).loss
        each = [
            model(input_ids=torch.tensor([e["input_ids"]]), labels=torch.tensor([e["labels"]])).loss
            for e in examples
        ]
    weights = torch.tensor(predicted, dtype=torch.float32)
    expected = (torch.stack(each) * weights).sum() / weights.sum()
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
