"""Committed results: read as they are, and a missing one is named with what makes it."""

from pathlib import Path

import pytest

from analysis import committed


def test_results_are_read_from_the_folder_of_their_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "RESULTS", tmp_path)
    folder = tmp_path / "nano"
    folder.mkdir()
    (folder / "runs.csv").write_text("model,alpha\nllama-2-7b,5.0\nllama-2-7b,\n")
    (folder / "table1.csv").write_text("row,Alpaca\n+NEFT,60.1\n")
    (folder / "claims.json").write_text('[{"verdict": "confirmed"}]')
    runs = committed.runs()
    assert list(runs.columns) == ["model", "alpha"]
    assert runs["alpha"].isna().tolist() == [False, True]
    assert committed.table("table1").loc["+NEFT", "Alpaca"] == "60.1"
    assert committed.data("claims") == [{"verdict": "confirmed"}]


def test_what_is_missing_is_named_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "RESULTS", tmp_path)
    with pytest.raises(committed.MissingResultError, match="make table2"):
        committed.data("table2")
    empty = committed.table("table2")
    assert empty.empty
    assert list(empty.columns) == ["Not made yet; `make table2` makes it."]
    assert empty.filter(like="loss", axis=0).empty
    shown = committed.picture("figure4")
    assert shown.data == "Not made yet; `make figure4` makes it."
