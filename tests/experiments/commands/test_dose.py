"""`dose`: one model measured and compared, all models in one table, and what is refused."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import doses
from experiments.__main__ import main
from experiments.commands import dose as command
from experiments.commands.dose import report
from experiments.commands.dose.subjects import every_subject
from experiments.commands.release import copy_doses
from experiments.doses import Record, committed, find, measured_here, read_record
from neftune.training.json_files import FileError
from tests.neftune.models import instructions, tiny_llama

QUICK = ("--examples", "8", "--draws", "2")
ALPHAS = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)


def record(name: str, level: float, role: str = "") -> Record:
    """A measurement whose KL is `level` times the square of alpha."""

    def estimate(value: float) -> dict[str, float]:
        return {"value": value, "low": value / 2, "high": value * 2}

    names = ("rise", "percent", "kl", "changed", "ratio", "predicted")
    return Record(
        name=name,
        title=name.title(),
        real=not role,
        role=role,
        identity="0",
        about={
            "source": "tests",
            "parameters": 1000,
            "d": 16,
            "rows": "rows.json",
            "examples": 8,
            "mean_length": 50.0,
            "response_tokens": 80,
            "settings": {"draws": 2, "dtype": "float32"},
        },
        measures={
            "loss": estimate(2.0),
            "norm": estimate(1.0),
            "trace": estimate(5.0),
            "trace_error": 1.0,
            "geometry": {"tokens": 30, "cosine": 0.2, "nearest": 0.9},
        },
        alphas={alpha: {each: estimate(level * alpha**2) for each in names} for alpha in ALPHAS},
    )


def put(folder: Path, *records: Record) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in records:
        (folder / f"{each.name}.json").write_text(each.as_json())


@pytest.fixture
def own_model(workplace: Path) -> tuple[str, str]:
    """A folder with a tiny model, and a file of rows."""
    rows = instructions(40)
    (workplace / "rows.json").write_text(json.dumps(rows))
    tiny_llama(workplace / "own", [f"{row['instruction']} {row['output']}" for row in rows])
    return "own", "rows.json"


def test_any_model_is_measured_once_and_compared(
    own_model: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(doses.COMMITTED, record("gemma", 0.004), record("stand-in", 1.0, role="llama-2-7b"))
    model, rows = own_model
    asked = ["dose", "--model", model, "--dataset-file", rows, *QUICK]
    assert main(asked) == 0
    text = capsys.readouterr().out
    found = measured_here()["own"]
    assert found.real
    assert list(found.kl) == list(ALPHAS)
    assert found.kl[0.0] == 0
    assert 0 < found.kl[1.0] < found.kl[5.0] < found.kl[15.0]
    assert found.about["examples"] == 8
    assert found.about["rows"] == "rows.json"
    for alpha in (5, 10, 15):
        assert f"alpha {alpha} here acts like " in text
    assert "on Gemma" in text
    assert "Stand-In" not in text  # Only real models are compared with, unless one is asked for.
    assert "for the dose of Gemma at alpha 5 (KL 0.10), " in text
    rows_text = Path(rows).read_text()
    assert json.loads(rows_text)[0]["instruction"] not in (doses.OWN / "own.json").read_text()
    assert str(Path.cwd()) not in (doses.OWN / "own.json").read_text()

    def unwanted(*given: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("experiments.commands.dose.measuring.measure", unwanted)
    assert main([*asked, "--like", "stand-in"]) == 0
    assert "on Stand-In" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="measured again"):
        main([*asked, "--seed", "1"])


def test_sentences_say_which_alphas_act_alike() -> None:
    here, there = record("mine", 0.001), record("gemma", 0.004)
    assert report.sentences(here, [there]) == [
        "alpha 5 here acts like alpha 2.5 on Gemma (KL 0.025)",
        "alpha 10 here acts like alpha 5 on Gemma (KL 0.10)",
        "alpha 15 here acts like alpha 7.5 on Gemma (KL 0.23)",
        "for the dose of Gemma at alpha 5 (KL 0.10), take alpha 10 here",
    ]


def test_sentences_say_where_a_dose_is_outside_of_what_was_measured() -> None:
    weak, strong = record("weak", 1e-7), record("strong", 1.0)
    assert report.sentences(weak, [strong])[0] == (
        "alpha 5 here acts like less than alpha 1 on Strong, the smallest measured (KL 2.5e-06)"
    )
    assert report.sentences(strong, [weak])[0] == (
        "alpha 5 here acts like more than alpha 45 on Weak, the largest measured (KL 25.0)"
    )
    assert report.suggestion(weak, strong) == (
        "for the dose of Strong at alpha 5 (KL 25.0), alpha here has to be larger than 45, the end "
        "of what was measured"
    )
    assert report.sentences(weak, []) == [
        "there is no measured model to compare it with (results/dose/)"
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    (
        (0.0, "0"),
        (float("nan"), "–"),
        (-1234.5, "-1234"),
        (12.34, "12.3"),
        (0.456, "0.46"),
        (0.0959, "0.10"),
        (0.0943, "0.094"),
        (0.00123, "0.0012"),
    ),
)
def test_numbers_have_at_least_two_digits(value: float, text: str) -> None:
    assert report.number(value) == text


@pytest.fixture
def quick_laboratory(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`make dose` with one of the laboratory's models, and without real rows."""
    monkeypatch.delenv("DATA_alpaca", raising=False)
    few = [each for each in every_subject() if each.role in ("", "opt-6.7b")]
    monkeypatch.setattr(command, "every_subject", lambda: few)
    return workplace


def test_all_models_are_in_one_table_and_picture_with_what_could_not_be_measured(
    quick_laboratory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(doses.COMMITTED, record("gemma-3-270m", 0.004), record("llama-2-7b-hf", 0.002))
    assert main(["dose", *QUICK]) == 0
    text = capsys.readouterr().out
    folder = Path("runs/results/dose")
    assert text.count("no real rows to measure it on: give DATA_alpaca=FILE") == 2
    assert "- gemma-3-270m: no real rows" in text
    assert "; its committed measurement is shown." in text
    assert "; it is not shown." in text  # SmolLM2, of which nothing is committed here.
    assert "OPT 6.7B (" in text
    assert "Gemma-3-270M (measured earlier)" in text
    assert "Llama-2-7B-Hf (measured earlier)" in text
    made = {path.name for path in folder.iterdir()}
    assert {f"dose.{kind}" for kind in ("md", "csv", "json", "png", "svg")} <= made
    assert {"laboratory-opt-6.7b.json", "gemma-3-270m.json", "llama-2-7b-hf.json"} <= made
    with (folder / "dose.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * len(ALPHAS)
    own = [row for row in rows if row["model"] == "laboratory-opt-6.7b"]
    assert [row["committed"] for row in own] == ["False"] * len(ALPHAS)
    assert float(own[3]["kl_low"]) <= float(own[3]["kl_value"]) <= float(own[3]["kl_high"])
    assert find("laboratory-opt-6.7b").role == "opt-6.7b"
    # What is released is what was made; committed records stay as they were.
    copy_doses()
    assert set(committed()) == {"gemma-3-270m", "llama-2-7b-hf", "laboratory-opt-6.7b"}
    assert committed()["gemma-3-270m"] == replace(
        record("gemma-3-270m", 0.004), made_elsewhere=True
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        (("--draws", "3"), "--draws must be an even number, not 3: draws come in mirrored pairs"),
        (("--examples", "7"), "--examples must be at least 8, not 7"),
        (("--seed", "-1"), "--seed must be between 0 and 2**31 - 1, not -1"),
        (("--dataset-file", "rows.json"), "--dataset-file needs --model"),
        (("--like", "gemma"), "--like needs --model"),
        (("--model", "own"), "--model needs --dataset-file, the rows to measure it on"),
        (("--model", "nothing", "--dataset-file", "rows.json"), "unknown model 'nothing'"),
        (("--model", "own", "--dataset-file", "no.json"), "no.json: no such file"),
        (
            ("--model", "own", "--dataset-file", "rows.json", "--like", "gema"),
            "unknown measured model 'gema'; known: gemma; did you mean gemma?",
        ),
        (
            ("--model", "own", "--dataset-file", "rows.json", "--examples", "41"),
            "rows.json: has 40 rows, fewer than the 41 to be measured",
        ),
        (
            ("--model", "own", "--dataset-file", "rows.json", *QUICK, "--max-length", "9"),
            "rows.json: only 0 of 8 examples have a response within 9 tokens",
        ),
    ),
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_what_cannot_be_is_one_line(
    own_model: tuple[str, str],
    arguments: tuple[str, ...],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(doses.COMMITTED, record("gemma", 0.004))
    assert main(["dose", *arguments]) == 1
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert last.startswith(f"error: {says}"), error
    assert not doses.OWN.exists()


@pytest.mark.parametrize(
    "damage",
    (
        lambda text: text.replace('"kl"', '"kd"'),
        lambda text: text.replace('"alphas": {', '"alphas": {"a": 1, '),
        lambda text: text.replace('"title"', '"titel"'),
        lambda text: text[:-20],
    ),
)
def test_a_damaged_measurement_is_named(tmp_path: Path, damage: Callable[[str], str]) -> None:
    path = tmp_path / "gemma.json"
    path.write_text(damage(record("gemma", 0.004).as_json()))
    with pytest.raises(FileError, match=r"gemma\.json"):
        read_record(path)


def test_a_measurement_is_read_as_it_was_written(tmp_path: Path) -> None:
    put(tmp_path, record("gemma", 0.004))
    (tmp_path / "dose.json").write_text('{"gemma": {}}')
    assert read_record(tmp_path / "gemma.json") == record("gemma", 0.004)
    assert read_record(tmp_path / "dose.json") is None
    shutil.rmtree(tmp_path)
