"""The real instruction sets: conversations cut into pieces, and local files in place of the hub."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.roles.instruction_sets import ALPACA, SHAREGPT, InstructionSet, Split
from experiments.runs.run import Run
from experiments.scales.hub import SourceError
from experiments.scales.real_sets import (
    of_every_subset,
    reference_outputs,
    rows_cut_by,
    split_conversations,
    whole_records,
)
from experiments.scales.registry import SCALES
from neftune.distributions import Noise
from neftune.training.data import checked, encode
from tests.neftune.models import tiny_llama
from tests.paths import shared


def turns(*lengths: int) -> list[dict[str, str]]:
    speakers = ("human", "gpt")
    return [{"from": speakers[i % 2], "value": "w " * n} for i, n in enumerate(lengths)]


class Words:
    """A tokenizer whose tokens are words."""

    def __call__(self, texts: list[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * len(text.split()) for text in texts]}


def lengths(pieces: list[dict[str, Any]]) -> list[list[int]]:
    return [[len(t["value"].split()) for t in piece["conversations"]] for piece in pieces]


def test_conversations_are_cut_between_exchanges() -> None:
    # Six more are counted for each turn: 22 + 22 fit into 44, and 45 would not.
    talk = {"conversations": turns(5, 5, 5, 5, 6, 5, 100, 100, 1, 1)}
    assert lengths(split_conversations([talk], Words(), 44)) == [
        [5, 5, 5, 5],
        [6, 5],
        [100, 100],
        [1, 1],
    ]


@pytest.mark.parametrize(
    ("given", "kept"),
    (
        (turns(1, 2, 3), [[1, 2]]),
        ([{"from": "gpt", "value": "w"}, *turns(1, 2)], [[1, 2]]),
        ([*turns(1, 2), {"from": "gpt", "value": "w"}], []),
        ([{"from": "system", "value": "w"}], []),
        ([], []),
    ),
)
def test_pieces_begin_with_a_human_turn_and_end_with_an_answer(
    given: list[dict[str, str]], kept: list[list[int]]
) -> None:
    assert lengths(split_conversations([{"conversations": given}], Words(), 512)) == kept


@pytest.fixture
def tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small tokenizer, which is also LLaMA-2 7B's at the real scales."""
    from transformers import AutoTokenizer

    folder = tiny_llama(tmp_path / "llama", ["w w w words of a conversation"])
    monkeypatch.setenv("MODEL_llama_2_7b", str(folder))
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("scale", ("small", "paper"))
def test_longer_pieces_are_not_cut_at_512_tokens(
    scale: str, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = 200  # so that two exchanges fit into 1,024 tokens and one into 512
    assert len(tokenizer("w " * words)["input_ids"]) < 240
    talks = [{"id": str(n), "conversations": turns(*[words] * 8)} for n in range(10)]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps(talks))
    monkeypatch.setenv("DATA_sharegpt", str(path))

    longest, exchanges, keys = {}, {}, {}
    for tokens in (512, 1024):
        dataset = replace(SHAREGPT, piece_tokens=tokens)
        rows = SCALES[scale].rows(dataset, "train")
        recipe = SCALES[scale].recipe("llama-2-7b", dataset)
        examples = encode(checked(rows, "talks"), tokenizer, dataset.prompt, recipe.max_length)
        longest[tokens] = max(len(example["input_ids"]) for example in examples)
        exchanges[tokens] = {len(row["conversations"]) // 2 for row in rows}
        keys[tokens] = Run(SCALES[scale], "llama-2-7b", dataset, Noise(0), recipe, 0).key
    assert longest[512] <= 512 < longest[1024] <= 1024
    assert max(exchanges[512]) < max(exchanges[1024])
    assert keys[512] != keys[1024]


def test_a_list_that_ends_within_a_record_gives_the_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    for whole in (0, 1, 3):
        records = [{"id": n, "conversations": [{"value": "}], ["}]} for n in range(4)]
        text = json.dumps(records, indent=1)
        path.write_text(text[: text.index(f'"id": {whole}') + 3])
        assert whole_records(path) == records[:whole]
    path.write_text(json.dumps(records))
    assert whole_records(path) == records


def alpaca_rows(folder: Path, count: int) -> Path:
    """A file of as many rows in Alpaca's format, which replaces the one before."""
    path = folder / "alpaca.json"
    path.write_text(json.dumps([{"instruction": f"{n}", "output": "x"} for n in range(count)]))
    return path


def test_a_smaller_number_of_rows_is_a_beginning_of_a_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_alpaca", str(alpaca_rows(tmp_path, 400)))
    rows = SCALES["small"].rows
    found, keys = {}, set()
    for count in ("5", "50", "all"):
        monkeypatch.setenv("ROWS", count)
        found[count] = [int(row["instruction"]) for row in rows(ALPACA, "train")]
        keys.add(SCALES["small"].rows_identity(ALPACA))
    assert [len(each) for each in found.values()] == [5, 50, 360]
    assert found["all"][:5] == found["50"][:5] == found["5"] != sorted(found["5"])
    held_out = [int(row["instruction"]) for row in rows(ALPACA, "validation")]
    assert sorted(held_out + found["all"]) == list(range(400))
    assert len(keys) == 3
    monkeypatch.setenv("ROWS", "few")
    with pytest.raises(SourceError, match="ROWS=few: a whole number from 1, or all"):
        rows(ALPACA, "train")


def test_a_file_with_fewer_rows_than_are_trained_on_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_alpaca", str(alpaca_rows(tmp_path, 50)))
    (check,) = SCALES["small"].checks("rows", ALPACA).values()
    monkeypatch.setenv("ROWS", "46")
    with pytest.raises(SourceError, match="50 rows, of which 5 are held out, and 46 are to be"):
        check()
    for enough in ("45", "all"):
        monkeypatch.setenv("ROWS", enough)
        assert check() == 0
    alpaca_rows(tmp_path, 9)
    with pytest.raises(SourceError, match="9 rows, of which 0 are held out, and all others are to"):
        check()


def test_conversations_may_be_fewer_than_the_rows_that_are_made_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [{"from": who, "value": "x"} for who in ("human", "gpt")]
    path = tmp_path / "sharegpt.json"
    path.write_text(json.dumps([{"id": f"{n}", "conversations": turns} for n in range(50)]))
    monkeypatch.setenv("DATA_sharegpt", str(path))
    monkeypatch.setenv("ROWS", "384")
    assert SCALES["small"].checks("rows", SHAREGPT)[SHAREGPT.title]() == 0


def test_instructions_are_drawn_from_every_subset_by_its_size() -> None:
    every = [{"dataset": "ab"[n % 10 > 6], "instruction": str(n)} for n in range(100)]
    drawn = of_every_subset(every, 20)
    assert Counter(row["dataset"] for row in drawn) == {"a": 14, "b": 6}
    assert [int(row["instruction"]) for row in drawn] == sorted(
        int(row["instruction"]) for row in drawn
    )
    assert of_every_subset(every, None) == of_every_subset(every, 100) == every
    for count in range(1, 100):
        assert len(of_every_subset(every, count)) == count


def test_annotations_give_the_answers_that_verdicts_were_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(
        json.dumps([{"instruction": "i", "output_1": "reference", "output_2": "model"}])
    )
    monkeypatch.setenv("REFERENCE_OUTPUTS", str(path))
    (row,) = reference_outputs("test")
    assert (row["instruction"], row["output"]) == ("i", "reference")


def every_row(dataset: InstructionSet) -> tuple[list[Any], list[Any]]:
    """The rows that are trained on, and those that are held out."""
    rows = rows_cut_by("paper")
    parts: tuple[Split, Split] = ("train", "validation")
    training, held_out = (list(rows(dataset, split)) for split in parts)
    return training, held_out


@pytest.mark.usefixtures("tokenizer")
def test_fastchats_own_example_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("sharegpt/fastchat_dummy_conversation.json")
    monkeypatch.setenv("DATA_sharegpt", str(path))
    training, held_out = every_row(SHAREGPT)
    assert len(training) + len(held_out) >= 500
    assert all(piece["conversations"][0]["from"] == "human" for piece in training)
    assert all(len(piece["conversations"]) % 2 == 0 for piece in training)


def test_the_real_alpaca_file_is_the_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("alpaca52k/alpaca_data.json")
    monkeypatch.setenv("DATA_alpaca", str(path))
    training, held_out = every_row(ALPACA)
    every = [*training, *held_out]
    assert len(every) == 52_002
    assert sum(len(row["output"]) for row in every) / len(every) == pytest.approx(270.31, abs=0.01)


def test_there_are_no_validation_instructions_at_the_real_scales() -> None:
    with pytest.raises(SourceError, match="there are no validation instructions at this scale"):
        reference_outputs("validation")


def test_a_data_file_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_alpaca", "gone.json")
    with pytest.raises(SourceError, match=r"DATA_alpaca=gone.json: no such file or folder"):
        rows_cut_by("paper")(ALPACA, "train")
    monkeypatch.setenv("REFERENCE_OUTPUTS", "gone.json")
    with pytest.raises(SourceError, match=r"REFERENCE_OUTPUTS=gone.json: no such file"):
        reference_outputs("test")
