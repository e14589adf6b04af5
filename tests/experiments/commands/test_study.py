"""A blind study without its browser: what is drawn, what the page hides, what the merge refuses."""

import base64
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.alpaca import public_win_rate
from experiments.__main__ import main
from experiments.commands.study.judges import judge_verdicts
from experiments.commands.study.pairs import GAP, BlindStudy, Draw, StudyError, draw
from experiments.runs.record import Record
from experiments.runs.run import read_run
from tests.experiments.commands.blind_study import (
    Habits,
    choices_of,
    made,
    ratings_of,
    small_study,
    write_outputs,
)
from tests.paths import ROOT, shared


def answers(texts: list[str]) -> list[dict[str, str]]:
    return [{"instruction": f"asked {n}", "output": text} for n, text in enumerate(texts)]


def texts(count: int, mark: str) -> list[str]:
    return [f"{mark} {n}" for n in range(count)]


def save(path: Path, rows: Any) -> str:
    path.write_text(json.dumps(rows))
    return str(path)


def test_sides_are_balanced_and_the_same_settings_draw_the_same() -> None:
    one, two = answers(texts(805, "a")), answers(texts(805, "b"))
    drawn = draw(one, two, Draw())
    assert draw(one, two, Draw()) == drawn
    assert draw(one, two, Draw(shuffle=1)).pairs != drawn.pairs
    assert len({pair.number for pair in drawn.pairs}) == 140
    first = [showing for showing in drawn.showings if not showing.repeat]
    assert [showing.pair for showing in first] == list(range(140))
    assert Counter(showing.second_is_a for showing in first) == {True: 70, False: 70}


def test_repeated_pairs_come_later_with_their_sides_exchanged() -> None:
    for shuffle in range(20):
        drawn = draw(
            answers(texts(60, "a")), answers(texts(60, "b")), Draw(60, 12, shuffle=shuffle)
        )
        place = {s.pair: (n, s.second_is_a) for n, s in enumerate(drawn.showings) if not s.repeat}
        again = [(n, s) for n, s in enumerate(drawn.showings) if s.repeat]
        assert len({s.pair for _, s in again}) == 12
        for number, showing in again:
            before, side = place[showing.pair]
            assert number - before > GAP * 60
            assert showing.second_is_a != side


def test_all_that_there_are_where_fewer_are_there() -> None:
    drawn = draw(answers(["a", "b", "c"]), answers(["a", "x", "y"]), Draw())
    assert sorted(pair.number for pair in drawn.pairs) == [1, 2]
    assert (drawn.identical, sum(s.repeat for s in drawn.showings)) == (1, 1)


def test_equal_length_leaves_out_the_others() -> None:
    one, two = answers(["x" * 100] * 4), answers(["y" * n for n in (100, 91, 111, 300)])
    drawn = draw(one, two, Draw(equal_length=10))
    assert sorted(pair.number for pair in drawn.pairs) == [0, 1, 2]
    assert drawn.unequal == 1


@pytest.mark.parametrize(
    ("one", "two", "says"),
    (
        (["a"], ["a"], "of 1 instructions none has answers that differ"),
        (["a"], ["bb"], "none has answers that differ and are within 0% in length"),
        (["a"], ["b", "c"], "did not answer the same instructions"),
    ),
)
def test_where_there_is_nothing_to_show_it_is_said(
    one: list[str], two: list[str], says: str
) -> None:
    with pytest.raises(StudyError, match=says):
        draw(answers(one), answers(two), Draw(equal_length=0))


def test_the_page_names_no_run_and_shows_no_answer_in_clear(workplace: Path) -> None:
    study = small_study(workplace)
    source = (study.folder / "study.html").read_text()
    for hidden in ("plain", "noisy", "alpha", "answer: x", "What is 3", "key.json"):
        assert hidden not in source
    assert "plain" not in str(study.folder)
    assert "noisy" not in str(study.folder)
    data = re.search(r'id="study">([^<]*)<', source)
    assert data is not None
    shown = json.loads(base64.b64decode(data[1]))
    assert shown["pairs"][0] == [
        study.drawn.pairs[0].instruction,
        study.drawn.pairs[0].output_1,
        study.drawn.pairs[0].output_2,
    ]


def test_the_same_command_writes_the_same_bytes(workplace: Path) -> None:
    study = small_study(workplace)
    before = {path: path.read_bytes() for path in study.folder.iterdir()}
    assert main(["study", "--outputs", "plain.json", "noisy.json"]) == 0
    assert main(["study", "--outputs", str(workplace / "plain.json"), "noisy.json"]) == 0
    page = study.folder / "study.html"
    assert page.read_bytes() == before[page]


def test_merged_ratings_in_numbers(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = small_study(workplace)
    rows = ratings_of(study, "Ann", choices_of(study, Habits(0.2, 0.7), 0))
    files = [
        save(workplace / "ann.json", rows),
        save(workplace / "ben.json", [row | {"annotator": "Ben | B"} for row in rows[:30]]),
    ]
    assert main(["study", "--ratings", *files]) == 0
    printed = capsys.readouterr().out
    merged = (study.folder / "merged.md").read_text()
    assert merged in printed
    assert r"Ben \| B" in merged
    assert "Only of runs there are verdicts of judges" in merged
    numbers = (study.folder / "merged.csv").read_text()
    assert "Agreement,Ann and Ben | B,kappa,1,1,1" in numbers
    assert f"Verdicts,Ann,rated,{len(study.drawn.pairs)},," in numbers


def test_a_file_of_ratings_is_alpaca_evals_annotations(workplace: Path) -> None:
    study = small_study(workplace, "--repeats", "0")
    choices = ["A", "B", "tie", "neither"] * 11
    rows = ratings_of(study, "Ann", choices[: len(study.drawn.showings)])
    path = save(workplace / "ann.json", rows)
    assert main(["study", "--ratings", path]) == 0
    merged = (study.folder / "merged.csv").read_text()
    theirs = public_win_rate(json.loads(Path(path).read_text()))
    ours = re.search(r'Verdicts,Ann,"win rate, %",([\d.]+)', merged)
    assert ours is not None
    assert float(ours[1]) == pytest.approx(theirs["win_rate"])
    assert f"Verdicts,Ann,draws,{theirs['n_draws']:.0f},," in merged


@pytest.fixture
def rated(workplace: Path) -> tuple[BlindStudy, list[dict[str, Any]]]:
    study = small_study(workplace)
    return study, ratings_of(study, "Ann", choices_of(study, Habits(0, 0.7), 0))


def refused(*files: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the merge ends with."""
    capsys.readouterr()
    assert main(["study", "--ratings", *files]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize(
    ("change", "says"),
    (
        ({"preference": 1.5, "choice": "A"}, "rating 2: the preference does not fit the choice"),
        ({"choice": "left"}, "rating 2: choice: Input should be 'A', 'B', 'tie' or 'neither'"),
        ({"output_1": "edited"}, "rating 2: is not on the pair that was shown then"),
        ({"showing": 0}, "rating 2: is not on the pair that was shown then"),
        ({"showing": 999}, "rating 2: the study has 59 showings alone"),
        ({"annotator": "Eve"}, "rating 2: has another annotator than the first one"),
        ({"study": "0" * 16}, "rating 2: has another study than the first one"),
        ({"study": "../../etc"}, "rating 2: study: String should match pattern"),
        ({"seconds": -1}, "rating 2: seconds: Input should be greater than or equal to 0"),
        ({"seconds": None}, "rating 2: seconds: Input should be a valid number"),
    ),
    ids=lambda value: "" if isinstance(value, str) else ",".join(value),
)
def test_a_damaged_file_is_refused_by_row_and_field(
    rated: tuple[BlindStudy, list[dict[str, Any]]],
    change: dict[str, Any],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study, rows = rated
    rows[1] |= change
    assert f"ann.json: {says}" in refused(save(Path("ann.json"), rows), capsys=capsys)
    assert not (study.folder / "merged.md").exists()


def test_other_files_are_refused(
    rated: tuple[BlindStudy, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    study, rows = rated
    ann = save(Path("ann.json"), rows)
    other = made("--outputs", "plain.json", "noisy.json", "--shuffle", "1")
    ben = save(Path("ben.json"), ratings_of(other, "Ben", ["A"] * 5))
    unknown = save(Path("who.json"), [row | {"study": "0" * 16} for row in rows])
    Path("cut.json").write_text(Path(ann).read_text()[:-100])
    for files, says in (
        ((ann, ben), f"ben.json: is of the study {other.key}, and ann.json of {study.key}"),
        ((unknown,), f"the study {'0' * 16} was not made in this folder"),
        ((ann, ann), "ann.json: is given twice"),
        ((ann, save(Path("more.json"), rows)), "more.json: is by 'Ann', as ann.json is"),
        ((save(Path("none.json"), []),), "none.json: holds no ratings"),
        ((save(Path("dict.json"), {"a": 1}),), "dict.json: is no list of ratings"),
        ((save(Path("rows.json"), [1]),), "rows.json: rating 1: row: Input should be a valid"),
        ((save(Path("twice.json"), [*rows, rows[0]]),), "is on a showing that an earlier one is"),
        ((save(Path("bell.json"), [r | {"annotator": "a\x07"} for r in rows]),), "be printed"),
        ((save(Path("gap.json"), [*rows[:5], *rows[6:]]),), "shown as number 6 is missing"),
        (("cut.json",), "cut.json: line"),
        (("absent.json",), "absent.json: no such file"),
    ):
        assert says in refused(*files, capsys=capsys)


def test_a_changed_key_is_refused(
    rated: tuple[BlindStudy, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    study, rows = rated
    key, ann = study.folder / "key.json", save(Path("ann.json"), rows)
    for content in (key.read_text().replace("true", "false"), "{}", "[]", key.read_text()[:200]):
        key.write_text(content)
        assert "damaged, or changed" in refused(ann, capsys=capsys)
    assert main(["study", "--outputs", "plain.json", "noisy.json"]) == 0
    assert main(["study", "--ratings", ann]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        (("--ratings", "a.json", "--alpha", "0", "5"), "leave out --alpha"),
        (("--ratings", "a.json", "--equal-length", "5"), "leave out --equal-length"),
        (("--outputs", "a.json", "b.json", "--model", "opt-6.7b"), "leave out --model"),
        (("--outputs", "a.json"), "--outputs needs two files, not 1"),
        (("--outputs", "plain.json", "dict.json"), "dict.json: is no list of answers"),
        (("--outputs", "plain.json", "rows.json"), "rows.json: row 1: output: Field required"),
        (("--alpha", "0"), "--alpha needs two different values, not '0'"),
        (("--alpha", "5", "5"), "--alpha needs two different values, not '5 5'"),
        (("--dataset", "alpacca"), "alpacca"),
        (("--model", "llama"), "llama"),
    ),
)
def test_settings_that_do_not_go_together_are_refused(
    workplace: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_outputs(workplace, 5)
    save(Path("dict.json"), {})
    save(Path("rows.json"), [{"instruction": "What?"}])
    assert main(["study", *arguments]) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not Path("runs").exists()


@pytest.fixture
def unpacked(workplace: Path) -> Path:
    """The committed records of the laboratory, in place."""
    results = workplace / "results" / "nano"
    results.mkdir(parents=True)
    for name in ("selection.json", "records.tar.xz", "records.tar.xz.sha256"):
        (results / name).symlink_to(ROOT / "results" / "nano" / name)
    assert main(["unpack"]) == 0
    return workplace


def test_a_study_of_two_runs_has_their_judges(
    unpacked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = made("--pairs", "410")
    assert study.titles == ("alpha 0", "alpha 10")
    assert study.notice == ""
    source = (study.folder / "study.html").read_text()
    for run in map(Path, study.runs):
        assert run.name not in source

    found = judge_verdicts(study).outcomes
    numbers = [pair.number for pair in study.drawn.pairs]
    first, second = (read_run(Path(run)) for run in study.runs)
    by_oracle = [Record(run, "verdicts", judge="oracle").read()[numbers] for run in (first, second)]
    said = found["Oracle, each against the reference"]
    assert np.sum(said == 1) == np.sum(by_oracle[1] > by_oracle[0])
    assert np.sum(said == 0) == np.sum(by_oracle[1] < by_oracle[0])
    # The direct comparison is that of Figure `human`; all of its decided pairs are shown here.
    counts = json.loads((ROOT / "results" / "nano" / "human.json").read_text())
    direct = found["GPT-4, head to head"]
    assert (np.sum(direct == 1), np.sum(direct == 0)) == (counts["wins"], counts["losses"])

    rows = ratings_of(study, "Ann", choices_of(study, Habits(0, 0.7), 0))
    assert main(["study", "--ratings", save(unpacked / "ann.json", rows)]) == 0
    printed = capsys.readouterr().out
    assert "Ann and Oracle, each against the reference" in printed
    assert "people in the paper, LLaMA-2 7B on Alpaca" in printed


def test_without_the_runs_records_the_ratings_are_merged_all_the_same(
    unpacked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = made("--alpha", "0", "5")
    (Path(study.runs[0]) / "spec.json").unlink()
    rows = ratings_of(study, "Ann", choices_of(study, Habits(0, 0.7), 0))
    assert main(["study", "--ratings", save(unpacked / "ann.json", rows)]) == 0
    assert "Verdicts of judges cannot be read" in capsys.readouterr().out


def test_real_answers_come_with_a_notice(workplace: Path) -> None:
    folder = shared("alpaca_eval")
    files = [folder / name / "model_outputs.json" for name in ("alpaca-7b", "alpaca-7b-neft")]
    study = made("--outputs", *map(str, files), "--equal-length", "20")
    assert "Please do not publish it" in study.notice
    assert all(abs(a - b) <= 0.2 * max(a, b) for a, b in (p.lengths for p in study.drawn.pairs))
