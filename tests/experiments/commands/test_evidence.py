"""The command `evidence`: its tables, its medians and its pictures."""

import csv
import json
from pathlib import Path
from statistics import median

import pytest

from analysis.forest import signed
from experiments.__main__ import main
from experiments.commands.evidence import (
    GROUPS,
    PICTURES,
    collected,
    counts,
    fields,
    gain_text,
    message,
    panel,
    picture,
    plain,
)
from experiments.evidence import entries
from experiments.paths import RENDERED
from tests.paths import ROOT


@pytest.fixture
def results(workplace: Path) -> Path:
    (workplace / "results").symlink_to(ROOT / "results")
    return workplace


def test_it_writes_every_comparison_and_prints_it(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evidence"]) == 0
    printed = capsys.readouterr().out
    out, found = RENDERED / "findings", collected()
    rows = list(csv.DictReader((out / "evidence.csv").open()))
    data = json.loads((out / "evidence.json").read_text())["comparisons"]
    page = (out / "evidence.md").read_text()
    assert [row["id"] for row in rows] == [each["id"] for each in data] == [e.id for e in found]
    assert counts(found) in printed
    assert counts(found) in page
    assert all(each.id in page for each in found)
    for name in PICTURES:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"]({name}.png)" in page
        assert (out / f"{name}.svg").exists()
    gain = next(each.gain for each in found if each.id == "paper.table-1.alpaca")
    assert next(float(row["gain"]) for row in rows if row["id"] == "paper.table-1.alpaca") == (
        pytest.approx(gain)
    )


def test_a_wrong_entry_is_one_line_and_writes_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = results / "published.yaml"
    wrong.write_text(entries.FILE.read_text().replace("rows: 826", "rows: many", 1))
    monkeypatch.setattr(entries, "FILE", wrong)
    entries.load.cache_clear()
    assert main(["evidence"]) == 1
    entries.load.cache_clear()
    told = "kisaki-2026.blind-review: `rows`: expected a whole number, given 'many'"
    assert told in capsys.readouterr().err
    assert not (RENDERED / "findings").exists()


def test_counts_are_of_what_was_read_at_its_source(results: Path) -> None:
    found = collected()
    published = [each for each in found if each.source.group != "here"]
    verified = [each for each in published if each.verified]
    assert counts(found).startswith(
        f"{len(published)} published comparisons, of which {len(verified)} were read"
    )
    assert 0 < len(published) - len(verified) < len(verified)


def test_a_median_takes_in_only_what_is_verified_and_matched(results: Path) -> None:
    found = collected()
    kept = [
        each.gain
        for each in found
        if (each.kind, each.source.group) == ("AlpacaEval 2", "independent") and each.verified
    ]
    every = [each for each in found if each.kind == "AlpacaEval 2"]
    assert len(kept) < len(every)
    better = sum(gain > 0 for gain in kept if gain is not None)
    middle = median(gain for gain in kept if gain is not None)
    assert message(found, "AlpacaEval 2") == (
        f"{middle:.1f} (others; {better} of {len(kept)} better)"
    )
    assert "35.5" not in message(found, "win rate")


def test_a_picture_has_every_gain_once_and_open_marks_where_it_is_unverified(
    results: Path,
) -> None:
    found = collected()
    for kinds in PICTURES.values():
        for kind in kinds:
            drawn = panel(found, kind)
            assert list(drawn.groups) == [n for n in GROUPS.values() if n in drawn.groups]
            marks = [g for lines in drawn.groups.values() for line in lines for g in line.gains]
            of_kind = [each for each in found if each.kind == kind and each.gain is not None]
            assert sorted(g.value for g in marks) == sorted(e.gain or 0.0 for e in of_kind)
            assert sum(not g.verified for g in marks) == sum(not e.verified for e in of_kind)
    figure = picture(found, PICTURES["evidence-other"])
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles[1] == "MT-Bench"
    (relative,) = (each for each in found if each.change_percent is not None)
    shown = [text.get_text() for text in figure.axes[1].texts]
    assert gain_text(relative) == "+25%"
    assert "+25%" in shown


def test_the_plain_table_has_a_line_for_each(results: Path) -> None:
    found = collected()
    lines = [line for line in plain(found).splitlines() if line.startswith("    ")]
    assert len(lines) == len(found)


def test_fields_are_flat_and_have_the_gain(results: Path) -> None:
    row = fields(collected()[0])
    assert (row["source"], row["with"]) == ("NEFTune paper", 64.69)
    assert row["gain"] == pytest.approx(34.9)
    assert not any(isinstance(value, dict | list | tuple) for value in row.values())


def test_the_shipped_table_is_of_the_shipped_list() -> None:
    shipped = json.loads((ROOT / "results" / "findings" / "evidence.json").read_text())
    by_id = {each["id"]: each for each in shipped["comparisons"]}
    for each in entries.load():
        assert by_id[each.id]["without"] == each.without, "out of date: run `make evidence`"
        assert by_id[each.id]["with"] == each.with_


def test_a_median_never_mixes_the_laboratory_with_real_models(results: Path) -> None:
    found = [each for each in collected() if each.source.group == "here"]
    told = message(found, "win rate")
    for name in ("laboratory", "small real models"):
        of_one = [each for each in found if each.source.name == name and each.kind == "win rate"]
        middle = signed(median(each.gain for each in of_one if each.gain is not None), 1)
        assert f"{middle} ({name}; " in told
