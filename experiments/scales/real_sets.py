"""The four real instruction sets and AlpacaEval's instructions, for the scales `small` and `paper`.

    rows_cut_by("paper")(SHAREGPT, "train")
    reference_outputs("test")

Alpaca, Evol-Instruct 70k and OpenPlatypus are taken as they are; conversations of ShareGPT are cut
into pieces as FastChat does (`split_conversations`). Rows of each set are held out for the
validation loss (the last ones; at `small`, ones drawn at random); nothing else is removed. Each set
comes from the hub, or from a local file
(`DATA_alpaca=…`, see `experiments/scales/fetch.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.roles.instruction_sets import InstructionSet, Split
from experiments.roles.models import MODELS
from experiments.roles.packaged import SHAREGPT_PART
from experiments.roles.sources import Hub, Packaged, Source
from experiments.scales.fetch import (
    available,
    cached,
    chosen,
    identity,
    instead_of,
    local,
    pinned,
)
from experiments.scales.hub import BusyError, SourceError, ask_hub, source_error
from neftune.training.instructions import checked, read_rows
from neftune.training.json_files import parse_json, read_text

HELD_OUT = 200
SETS = {
    "alpaca": Hub("tatsu-lab/alpaca", "dce01c9b08f87459cf36a430d809084718273017", "dataset"),
    "evol-instruct": Hub("WizardLMTeam/WizardLM_evol_instruct_70k", kind="dataset"),
    "sharegpt": Hub(
        "anon8231489123/ShareGPT_Vicuna_unfiltered",
        "192ab2185289094fc556ec8ce5ce1e8e587154ca",
        kind="dataset",
        file="ShareGPT_V3_unfiltered_cleaned_split.json",
    ),
    "open-platypus": Hub("garage-bAInd/Open-Platypus", kind="dataset"),
}
REFERENCE = Hub("tatsu-lab/alpaca_eval", kind="dataset", file="alpaca_eval.json")
REFERENCE_INSTEAD = (
    "a local file: REFERENCE_OUTPUTS=FILE, such as "
    "results/alpaca-7b/alpaca_eval_gpt4/annotations.json of a clone of "
    "github.com/tatsu-lab/alpaca_eval"
)
MEASURING_MODEL = "llama-2-7b"
"""The role whose tokenizer measures conversations."""
NEXT_RECORD = re.compile(r"[\s,]*\{")
"""What stands before a record of a list, and its first character."""

Row = Mapping[str, Any]


def sets_of(scale: str) -> Mapping[str, Source]:
    """Where the sets of a scale come from: the hub; at `small`, ShareGPT from a package."""
    return SETS | {"sharegpt": SHAREGPT_PART} if scale == "small" else SETS


def source(scale: str, dataset: InstructionSet) -> Source:
    """Where a set comes from at a scale."""
    return chosen("DATA", dataset.role, sets_of(scale)[dataset.role])


def rows_identity_at(scale: str) -> Callable[[InstructionSet], str]:
    """What a run's key contains of a set: its source, and what measures its conversations."""
    model = MODELS[MEASURING_MODEL].stand_ins[scale].source

    def of_dataset(dataset: InstructionSet) -> str:
        found = f"{dataset.role}: {identity(source(scale, dataset))}"
        if dataset.piece_tokens is None:
            return found
        measured_by = identity(chosen("MODEL", MEASURING_MODEL, model))
        return f"{found}, pieces measured by {measured_by}"

    return of_dataset


def held_out(rows: int) -> int:
    """How many rows of a set are held out, of how many it has."""
    return min(HELD_OUT, rows // 10)


def rows_cut_by(scale: str) -> Callable[[InstructionSet, Split], Sequence[Row]]:
    """The rows of the sets at a scale, whose LLaMA-2 7B measures how long conversations are.

    Args:
        scale: its name.

    Returns:
        A function from a set and a split to rows in the set's own fields; `validation` are the rows
        that are held out.
    """

    @lru_cache
    def every(dataset: InstructionSet, place: Source) -> Sequence[Row]:
        return cut(scale, dataset, every_row(dataset, place))

    def rows(dataset: InstructionSet, split: Split) -> Sequence[Row]:
        found = every(dataset, source(scale, dataset))
        count = held_out(len(found))
        return found[:-count] if split == "train" else found[-count:]

    return rows


def drawn_rows(
    scale: str, limit: Callable[[], int | None]
) -> Callable[[InstructionSet, Split], Sequence[Row]]:
    """As `rows_cut_by`, but rows are drawn in a fixed random order, and only as many as wanted.

    Of conversations as many are drawn as rows are wanted, and then as many of their pieces are
    taken. With a larger limit the same rows come first.

    Args:
        scale: its name.
        limit: how many rows are trained on; None for all.
    """

    @lru_cache
    def drawn(
        dataset: InstructionSet, place: Source, split: Split, most: int | None
    ) -> Sequence[Row]:
        every = every_row(dataset, place)
        order = random.Random(dataset.role).sample(range(len(every)), len(every))
        count = held_out(len(every))
        own = order[:-count][:most] if split == "train" else order[-count:]
        return cut(scale, dataset, [every[index] for index in own])[: most or None]

    return lambda dataset, split: drawn(
        dataset, source(scale, dataset), split, limit() if split == "train" else HELD_OUT
    )


@lru_cache
def every_row(dataset: InstructionSet, place: Source) -> Sequence[Row]:
    """All rows of a set, in its own fields; conversations are not cut."""
    instead = instead_of("DATA", dataset.role)
    if isinstance(place, Hub) and place.file is None:
        found = _rows_of_hub(place, instead)
    elif isinstance(place, Packaged):
        found = whole_records(local(place, instead))
    else:
        found = read_rows(local(place, instead))
    if dataset.piece_tokens is not None:
        _check_conversations(found, str(place))
    return found


def whole_records(path: Path) -> list[Any]:
    """The records of a JSON list that may end within a record, which is left out."""
    text, decoder = read_text(path), json.JSONDecoder()
    found: list[Any] = []
    place = text.index("[") + 1
    while True:
        start = NEXT_RECORD.match(text, place)
        if start is None:
            return found
        try:
            record, place = decoder.raw_decode(text, start.end() - 1)
        except ValueError:
            return found
        found.append(record)


def cut(scale: str, dataset: InstructionSet, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows of a set as they are trained on: conversations in pieces, others as they are."""
    if dataset.piece_tokens is None:
        return rows
    from transformers import AutoTokenizer

    place = chosen("MODEL", MEASURING_MODEL, MODELS[MEASURING_MODEL].stand_ins[scale].source)
    tokenizer = AutoTokenizer.from_pretrained(local(place, instead_of("MODEL", MEASURING_MODEL)))
    return split_conversations(rows, tokenizer, dataset.piece_tokens)


def _rows_of_hub(place: Hub, instead: str) -> list[Any]:
    """The rows of a data set of the hub at its pinned revision, without the hub where cached.

    Left to itself, the datasets package takes another cached revision where the hub is silent.
    """
    import datasets

    revision = pinned(place, instead)
    folder = cached(place, revision)
    if folder is not None:
        files = sorted(map(str, folder.glob("*-train*.arrow")))
        return [row for file in files for row in datasets.Dataset.from_file(file)]
    with suppress(BusyError):  # The client's own retries are for this.
        ask_hub(place, revision, instead)
    try:
        return list(datasets.load_dataset(place.name, split="train", revision=revision))
    except Exception as error:
        raise source_error(place, instead, error) from None


def _check_conversations(rows: Sequence[Any], place: str) -> None:
    """Check that rows hold conversations; which of their turns are used is decided later.

    Raises:
        SourceError: names the file and the first row that does not.
    """
    for number, row in enumerate(rows, start=1):
        turns = row.get("conversations") if isinstance(row, Mapping) else None
        if not isinstance(turns, list) or not all(
            isinstance(turn, Mapping)
            and isinstance(turn.get("from"), str)
            and isinstance(turn.get("value"), str)
            for turn in turns
        ):
            raise SourceError(
                f"{place}: row {number}: needs 'conversations', a list of turns with the texts "
                "'from' and 'value'"
            )


def check_set(scale: str, dataset: InstructionSet, wanted: int | None) -> int:
    """Check within seconds that an instruction set can be had, and every row of a local file.

    Args:
        scale: its name.
        dataset: the set.
        wanted: how many rows are trained on; None for all.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: it cannot be had, or a local file has too few rows to hold some out and train
            on as many as wanted; the message says why, and what to do.
        InstructionDataError: a local file has a malformed row.
    """
    place = source(scale, dataset)
    if not isinstance(place, Path):
        return available(place, instead_of("DATA", dataset.role))
    rows = read_rows(place)
    if dataset.piece_tokens is None:
        checked(rows, str(place))
    else:
        _check_conversations(rows, str(place))
    kept = held_out(len(rows))
    # A conversation may become several pieces, so of these the number of rows is not known yet.
    fewest = 1 if wanted is None or dataset.piece_tokens is not None else wanted
    if not kept or len(rows) - kept < fewest:
        raise SourceError(
            f"{place}: has {len(rows)} rows, of which {kept} are held out, and "
            f"{wanted or 'all others'} are to be trained on: give the whole set, or fewer ROWS"
        )
    return 0


def check_references() -> int:
    """Check within seconds that AlpacaEval's instructions and reference outputs can be had.

    Returns:
        The bytes that are still to be downloaded.

    Raises:
        SourceError: they cannot be had; the message says why, and what to do.
    """
    if os.environ.get("REFERENCE_OUTPUTS"):
        reference_outputs("test")
        return 0
    return available(REFERENCE, REFERENCE_INSTEAD)


def split_conversations(
    conversations: Sequence[Row], tokenizer: Any, most: int
) -> list[dict[str, Any]]:
    """Cut conversations into pieces of whole exchanges, as FastChat's data preparation does.

    An exchange is a human turn and its answer. A piece takes exchanges as long as it stays within
    `most` tokens, six counted for each turn's frame; a single exchange that is longer is a piece of
    its own and is cut at training. What stands before the first human turn, a last turn without its
    answer, and conversations whose turns do not alternate are left out.

    Args:
        conversations: with `conversations`: turns with `from` and `value`.
        tokenizer: measures the turns.
        most: tokens in a piece.

    Returns:
        The pieces, in the same fields.
    """
    exchanges = [_exchanges(row["conversations"]) for row in conversations]
    texts = [turn["value"] for each in exchanges for exchange in each for turn in exchange]
    counts = iter(tokenizer(texts)["input_ids"]) if texts else iter(())
    pieces = []
    for row, each in zip(conversations, exchanges, strict=True):
        piece: list[Row] = []
        used = 0
        for exchange in each:
            tokens = sum(len(next(counts)) + 6 for _ in exchange)
            if piece and used + tokens > most:
                pieces.append({"id": row.get("id"), "conversations": piece})
                piece, used = [], 0
            piece = [*piece, *exchange]
            used += tokens
        if piece:
            pieces.append({"id": row.get("id"), "conversations": piece})
    return pieces


def _exchanges(turns: Sequence[Row]) -> list[tuple[Row, Row]]:
    start = next((i for i, turn in enumerate(turns) if turn["from"] == "human"), len(turns))
    kept = turns[start:]
    speakers = [turn["from"] for turn in kept]
    if speakers != (["human", "gpt"] * len(kept))[: len(kept)]:
        return []
    return list(zip(kept[::2], kept[1::2], strict=False))


def reference_outputs(split: Split) -> list[dict[str, Any]]:
    """text-davinci-003's answers to AlpacaEval's 805 instructions.

    From the hub, or from the file that REFERENCE_OUTPUTS names: outputs in AlpacaEval's format, or
    annotations, whose `output_1` is the reference's answer.

    Raises:
        SourceError: the file is not there or not in that format, or another split is asked for:
            hyperparameters are the paper's at these scales, and there are no instructions to choose
            them on.
        FileError: the file is not JSON.
    """
    if split != "test":
        raise SourceError(
            "there are no validation instructions at this scale: its hyperparameters are the "
            "paper's (results/<scale>/selection.json)"
        )
    return _outputs(local(_reference_source(), REFERENCE_INSTEAD))


def of_every_subset(rows: Sequence[Row], count: int | None) -> list[Row]:
    """As many rows as wanted, of each of AlpacaEval's subsets in proportion to its size.

    Args:
        rows: with `dataset`, the name of the subset.
        count: None for all.

    Returns:
        The rows, in their order.
    """
    if count is None or count >= len(rows):
        return list(rows)
    sizes = Counter(row["dataset"] for row in rows)
    exact = {name: count * size / len(rows) for name, size in sizes.items()}
    shares = {name: int(share) for name, share in exact.items()}
    left = count - sum(shares.values())
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[:left]:
        shares[name] += 1
    kept = set()
    for name, share in shares.items():
        own = [index for index, row in enumerate(rows) if row["dataset"] == name]
        kept |= set(random.Random(name).sample(own, share))
    return [row for index, row in enumerate(rows) if index in kept]


@lru_cache
def _outputs(path: Path) -> list[dict[str, Any]]:
    found = parse_json(read_text(path), path)
    rows = []
    for number, row in enumerate(found if isinstance(found, list) else [None], start=1):
        if isinstance(row, dict) and "output_1" in row:
            row = {name: row[name] for name in ("instruction", "dataset") if name in row} | {
                "output": row["output_1"],
                "generator": row.get("generator_1", "text_davinci_003"),
            }
        if not isinstance(row, dict) or not all(
            isinstance(row.get(name), str) for name in ("instruction", "output")
        ):
            raise SourceError(
                f"{path}: row {number}: AlpacaEval's format is a list of objects with the texts "
                "'instruction' and 'output'"
            )
        rows.append({"dataset": "alpaca_eval", **row})
    return rows


def references_identity(split: Split) -> str:
    """What the name of a verdict contains of the reference answers: their source."""
    return f"{split}: {identity(_reference_source())}"


def instructions_identity(split: Split) -> str:
    """What a manifest notes of the instructions: their source on the hub, or a hash of them."""
    source = _reference_source()
    if isinstance(source, Hub):
        return f"{split}: {identity(source)}"
    asked = [row["instruction"] for row in reference_outputs(split)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _reference_source() -> Source:
    own = os.environ.get("REFERENCE_OUTPUTS")
    if own and not Path(own).is_file():
        raise SourceError(f"REFERENCE_OUTPUTS={own}: no such file")
    return Path(own) if own else REFERENCE
