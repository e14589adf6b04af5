"""Answers of committed runs: the right runs, side by side, without texts that are not shipped."""

import pytest

from analysis.committed import answers, runs, tuned


@pytest.mark.parametrize(
    ("scale", "model"),
    (("nano", "llama-2-7b"), ("small", "llama-2-7b"), ("small", "llama-2-chat-7b")),
)
def test_usual_runs_differ_in_alpha_alone(scale: str, model: str) -> None:
    keys = tuned(model, "alpaca", (0, 5, 15), scale=scale)
    assert list(keys) == ["alpha 0", "alpha 5", "alpha 15"]
    rows = runs(scale).set_index("run").loc[list(keys.values())]
    assert rows["alpha"].tolist() == [0, 5, 15]
    for name in ("model", "dataset", "lr", "epochs", "seed", "distribution", "interpolation"):
        assert rows[name].nunique() == 1, name
    found = answers(keys, scale=scale)
    assert list(found) == list(keys)
    assert found.map(type).eq(str).all(axis=None)
    lengths = runs(scale).set_index("run")["test: characters"]
    own = found["alpha 5"]
    whole = own[~own.str.startswith("output ")]
    assert whole.str.len().mean() == pytest.approx(lengths[keys["alpha 5"]], rel=0.02)


def test_texts_of_others_are_named_by_their_place() -> None:
    found = answers(tuned("llama-2-7b", "alpaca", (0,), scale="small"), scale="small")
    assert found.index[3] == "instruction 3 of AlpacaEval"
