"""The file of public verdicts: read as it is, and refused where it is not."""

import json
import lzma
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.preference.verdicts import VerdictsError, read_pool

REFERENCES = [{"instruction": f"Do {n}.", "output": f"Done {n}."} for n in range(3)]
ROWS = [
    {"model": model, "instruction": n, "output": f"{model} {n}", "preference": verdict}
    for model in ("b", "a")
    for n, verdict in enumerate((1, 1.5, None))
]


def written(path: Path, rows: Sequence[object]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ("v.jsonl", "v.jsonl.xz"))
def test_models_come_by_name_with_their_verdicts(tmp_path: Path, name: str) -> None:
    pool = read_pool(written(tmp_path / name, list(ROWS)), REFERENCES)
    assert pool.models == ("a", "b")
    assert pool.answers[0] == ("a 0", "a 1", "a 2")
    assert np.array_equal(pool.won, [[0, 0.5, np.nan]] * 2, equal_nan=True)
    assert pool.references[1] == "Done 1."


def test_a_folder_of_alpaca_evals_repository_is_read(tmp_path: Path) -> None:
    for model, turned in (("a", False), ("b", True), ("other-reference", False)):
        names = ["text_davinci_003" if model != "other-reference" else "gpt4", model]
        rows = []
        for n, reference in enumerate(REFERENCES):
            texts = [reference["output"], f"{model} {n}"]
            preference = (1, 0, 2)[n]
            if turned:
                texts, preference = texts[::-1], (2, 0, 1)[n]
            own = names[::-1] if turned else names
            rows.append(
                {
                    "instruction": reference["instruction"],
                    **{f"output_{place + 1}": text for place, text in enumerate(texts)},
                    **{f"generator_{place + 1}": name for place, name in enumerate(own)},
                    "preference": preference,
                }
            )
        path = tmp_path / model / "alpaca_eval_gpt4" / "annotations.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(rows))
    pool = read_pool(tmp_path, REFERENCES)
    assert pool.models == ("a", "b")
    assert pool.answers[1] == ("b 0", "b 1", "b 2")
    assert np.array_equal(pool.won, [[0, 0.5, 1]] * 2)
    others = [row | {"output": "Something else."} for row in REFERENCES]
    with pytest.raises(VerdictsError, match=r"set against these reference answers.*annotations"):
        read_pool(tmp_path, others)
    path.write_text("[{}]")
    with pytest.raises(VerdictsError, match=r"other-reference.*KeyError"):
        read_pool(tmp_path, REFERENCES)


def test_a_model_that_did_not_answer_everything_is_left_out(tmp_path: Path) -> None:
    rows = [*ROWS, {**ROWS[0], "model": "c"}]
    assert read_pool(written(tmp_path / "v.jsonl", rows), REFERENCES).models == ("a", "b")


@pytest.mark.parametrize(
    ("row", "words"),
    (
        ("no row", "line 7: TypeError"),
        ({"model": "a"}, "line 7: KeyError: 'instruction'"),
        ({**ROWS[0], "instruction": 3}, "line 7: instruction must be a number from 0 to 2"),
        ({**ROWS[0], "output": None}, "line 7: model and output must be texts"),
        ({**ROWS[0], "preference": 3}, "line 7: preference must be 1, 1.5, 2 or null, not 3"),
    ),
)
def test_a_line_that_is_no_verdict_is_refused(tmp_path: Path, row: object, words: str) -> None:
    with pytest.raises(VerdictsError, match=words):
        read_pool(written(tmp_path / "v.jsonl", [*ROWS, row]), REFERENCES)


def test_a_file_that_is_not_there_or_damaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerdictsError, match="no such file or folder"):
        read_pool(tmp_path / "v.jsonl", REFERENCES)
    damaged = written(tmp_path / "v.jsonl.xz", list(ROWS))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(VerdictsError, match="cannot be read"):
        read_pool(damaged, REFERENCES)
    with pytest.raises(VerdictsError, match="no two models"):
        read_pool(written(tmp_path / "w.jsonl", ROWS[:3]), REFERENCES)
