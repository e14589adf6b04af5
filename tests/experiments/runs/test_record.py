"""Records: their paths, what they are made from, what is missing, and how they are read."""

import json
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.names import UnknownNameError
from experiments.roles.instruction_sets import INSTRUCTION_SETS
from experiments.roles.judges import JUDGES
from experiments.runs.conditions import CONDITIONS, MATCHED_LENGTH
from experiments.runs.jobs import MAKERS
from experiments.runs.record import KINDS, Record, RecordError, missing, record_at, run_folder
from experiments.runs.run import Run, RunError
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from neftune.distributions import Noise
from tests.experiments.records import write_record
from tests.experiments.two_runs import RUNS

RUN, OTHER = RUNS


@st.composite
def runs(draw: st.DrawFn) -> Run:
    dataset = draw(st.sampled_from(list(INSTRUCTION_SETS.values())))
    noise = Noise(draw(st.floats(0, 100)), draw(st.sampled_from(("uniform", "gaussian"))))
    return replace(RUN, dataset=dataset, noise=noise, seed=draw(st.integers(0, 9)))


@st.composite
def records(draw: st.DrawFn) -> Record:
    return Record(
        draw(runs()),
        draw(st.sampled_from(list(KINDS))),
        draw(st.sampled_from(list(CONDITIONS))),
        draw(st.sampled_from(list(JUDGES))),
        draw(runs()),
    )


@given(records())
def test_a_path_names_its_record(record: Record) -> None:
    with TemporaryDirectory() as folder, chdir(folder):
        for run in filter(None, (record.run, record.other)):
            run.write_spec()
        assert record_at(record.path) == record
        assert record_at(record.path.resolve()) == record
        assert run_folder(record.path) == record.run.folder
        assert record.path == record.run.folder / record.name


@given(records(), records())
def test_different_records_have_different_paths(first: Record, second: Record) -> None:
    assert (first == second) == (first.path == second.path)


def test_every_kind_of_record_can_be_made() -> None:
    assert set(MAKERS) == set(KINDS)


def test_the_name_of_a_verdict_tells_judges_servers_and_references_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So verdicts of one judge are never shown as those of another."""
    for name in ("JUDGE_MODEL", "JUDGE_BASE_URL", "OPENAI_BASE_URL", "REFERENCE_OUTPUTS"):
        monkeypatch.delenv(name, raising=False)
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps([{"instruction": "Say hello.", "output": "Hello."}]))
    other = tmp_path / "others.json"
    other.write_text(json.dumps([{"instruction": "Say hello.", "output": "Hello!"}]))
    run = replace(RUN, scale=PAPER)
    paths = [Record(run, "verdicts", judge="gpt-4").path]
    for name, value in (
        ("JUDGE_MODEL", "judge-a"),
        ("JUDGE_MODEL", "judge-b"),
        ("JUDGE_BASE_URL", "http://localhost:8000/v1"),
        ("REFERENCE_OUTPUTS", str(answers)),
        ("REFERENCE_OUTPUTS", str(other)),
    ):
        monkeypatch.setenv(name, value)
        paths.append(Record(run, "verdicts", judge="gpt-4").path)
    assert len(set(paths)) == len(paths)


def test_answers_to_other_instructions_are_refused(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = Record(replace(RUN, scale=PAPER), "responses")
    for instruction, output in (("Say hello.", "Hello."), ("Say hello.", "Hi."), ("Go.", "Gone.")):
        asked = workplace / f"{output}json"
        asked.write_text(json.dumps([{"instruction": instruction, "output": output}]))
        monkeypatch.setenv("REFERENCE_OUTPUTS", str(asked))
        if output == "Hello.":
            write_record(responses, "[]")
        if instruction == "Say hello.":
            responses.check()
    with pytest.raises(RecordError, match="was not made from the present instructions"):
        responses.check()


@pytest.mark.parametrize("name", ("test/answers.json", "model", "test/gpt-4/annotations.json/x"))
def test_a_path_that_is_no_records_is_an_error_that_names_it(name: str, workplace: Path) -> None:
    RUN.write_spec()
    path = RUN.folder / name
    with pytest.raises(RecordError, match=rf"^{path}: no kind of record has such a name"):
        record_at(path)


@pytest.mark.parametrize("edit", ("changed", "another run's"))
def test_a_record_in_a_folder_with_wrong_settings_is_refused(edit: str, workplace: Path) -> None:
    path = RUN.write_spec()
    if edit == "changed":
        path.write_text(json.dumps(RUN.settings() | {"seed": 7}))
    else:
        path.write_text(OTHER.write_spec().read_text())
    with pytest.raises(RunError, match=rf"^{path}: is the run [0-9a-f]{{16}}, not {RUN.key}"):
        record_at(Record(RUN, "losses").path)


def test_an_unknown_kind_or_condition_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="unknown kind of record 'loses'; known: checkpoint"):
        Record(RUN, "loses")
    with pytest.raises(UnknownNameError, match="unknown condition 'somewhere'; known: comprehens"):
        Record(RUN, "responses", "somewhere")


def kinds(found: list[Record]) -> list[str]:
    return [record.kind for record in found]


def test_a_record_knows_what_it_is_made_from() -> None:
    verdicts = Record(RUN, "verdicts", "long", "gpt-4")
    responses, checkpoint = Record(RUN, "responses", "long"), Record(RUN, "checkpoint")
    assert verdicts.needs() == [responses]
    assert responses.needs() == [checkpoint]
    assert Record(RUN, "losses").needs() == [checkpoint]
    assert checkpoint.needs() == Record(RUN, "flips").needs() == []
    matched = Record(RUN, "verdicts", MATCHED_LENGTH, "gpt-4", OTHER)
    assert Record(OTHER, "responses") in matched.of("responses").needs()
    both = Record(RUN, "head_to_head", "test", "gpt-4", OTHER).needs()
    assert set(both) == {Record(RUN, "responses"), Record(OTHER, "responses")}


def test_what_is_missing_comes_in_the_order_of_making_and_each_once(workplace: Path) -> None:
    verdicts = [Record(RUN, "verdicts", judge=judge) for judge in JUDGES]
    found = missing([*verdicts, Record(RUN, "losses")])
    judged = ["verdicts"] * len(JUDGES)
    assert kinds(found) == ["checkpoint", "responses", *judged, "losses"]
    assert len(set(found)) == len(found)


def test_what_exists_needs_nothing_more(workplace: Path) -> None:
    """A judge can be asked on responses whose checkpoint is gone."""
    responses = Record(RUN, "responses")
    write_record(responses, "[]")
    verdicts = Record(RUN, "verdicts", judge="gpt-4")
    assert missing([verdicts]) == [verdicts]
    assert missing([responses]) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    (
        ("verdicts", "no JSON"),
        ("verdicts", '[{"instruction": "no preference here"}]'),
        ("verdicts", '["no row"]'),
        ("log", '{"step": 1}\n{'),
        ("losses", ""),
    ),
)
def test_a_damaged_record_is_an_error_that_names_it(kind: str, text: str, workplace: Path) -> None:
    record = Record(RUN, kind, judge="gpt-4")
    write_record(record, text)
    with pytest.raises(RecordError, match=rf"^{record.path}: cannot be read .*remove it"):
        record.read()


def test_a_record_that_was_not_made_is_an_error_that_names_it(workplace: Path) -> None:
    record = Record(RUN, "losses")
    with pytest.raises(RecordError, match=rf"^{record.path}: this record was not made yet"):
        record.read()


def test_a_record_that_was_made_again_is_read_again(workplace: Path) -> None:
    record = Record(RUN, "losses")
    write_record(record, "[1]")
    assert record.read() == [1]
    record.path.unlink()
    write_record(record, "[2]")
    assert record.read() == [2]


def test_a_missing_verdict_is_not_a_number(workplace: Path) -> None:
    record = Record(RUN, "verdicts", judge="gpt-4")
    write_record(record, json.dumps([{"preference": p} for p in (2, 1, 1.5, None)]))
    np.testing.assert_array_equal(record.read(), [2, 1, 1.5, np.nan])


def test_the_scale_of_a_record_that_is_read_back_is_the_scale_itself(workplace: Path) -> None:
    RUN.write_spec()
    assert record_at(Record(RUN, "losses").path).run.scale is NANO
