"""Metrics: what they read of a record."""

import json
from pathlib import Path

import numpy as np

from experiments.cells.metrics import (
    CHARACTERS,
    DRAWS,
    TRAIN_LOSS,
    WIN_RATE,
    WORDS,
    leaderboard_score,
    repetition,
)
from experiments.runs.record import Record
from tests.experiments.records import write_record
from tests.experiments.two_runs import RUNS

RUN = RUNS[0]


def written(record: Record, content: str) -> Record:
    write_record(record, content)
    return record


def test_an_instruction_without_a_verdict_is_left_out_of_the_win_rate(workplace: Path) -> None:
    rows = [{"preference": p} for p in (2, 1, 1.5, None)]
    record = written(Record(RUN, "verdicts", judge="gpt-4"), json.dumps(rows))
    np.testing.assert_array_equal(WIN_RATE.values(record), [100, 0, 50, np.nan])
    np.testing.assert_array_equal(DRAWS.values(record), [0, 0, 100, np.nan])


def test_lengths_and_repetition_are_those_of_the_responses(workplace: Path) -> None:
    rows = [{"output": "a b a b"}, {"output": "one"}]
    record = written(Record(RUN, "responses"), json.dumps(rows))
    assert CHARACTERS.values(record).tolist() == [7, 3]
    assert WORDS.values(record).tolist() == [4, 1]
    repeated = repetition(2, lambda: 4).values(record)
    assert repeated[0] == 100 * (1 - 2 / 3)
    assert np.isnan(repeated[1])  # too short to be looked at


def test_the_final_loss_is_the_last_one_of_the_log(workplace: Path) -> None:
    entries = [{"step": 0, "eval_train_loss": 2.0}, {"step": 5, "eval_train_loss": 1.0}]
    log = "".join(json.dumps(entry) + "\n" for entry in entries)
    assert TRAIN_LOSS.values(written(Record(RUN, "log"), log)).tolist() == [1.0]


def test_every_subject_of_a_leaderboard_task_counts_the_same(workplace: Path) -> None:
    scores = {"mmlu": {"large": [1.0] * 9, "small": [0.0]}}
    record = written(Record(RUN, "leaderboard"), json.dumps(scores))
    values = leaderboard_score("mmlu", "MMLU").values(record)
    assert len(values) == 10
    assert values.mean() == 50
