"""Results can be written in parts: those whose records are all there, the others named."""

import json
import re
from pathlib import Path

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.cells.render import all_records
from experiments.claims.finding import questions, records_of
from experiments.claims.premises import PREMISES
from experiments.commands.paper import Asked, results_page
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from tests.experiments.records import write_record

STUDY = Study(NANO, 1, PUBLISHED)


@pytest.mark.usefixtures("workplace")
def test_what_has_all_its_records_is_made_and_the_rest_is_named(workplace: Path) -> None:
    every = [(ARTIFACTS[n], STUDY, ARTIFACTS[n].cells(STUDY)) for n in ("figure4", "table14")]
    asked = Asked(tuple(every), (), STUDY)
    nothing = asked.made()
    assert nothing.artifacts == ()
    assert nothing.later == tuple(artifact.title for artifact, _, _ in every)

    *most, last = all_records(every[0][2])
    for record in most:
        write_record(record, json.dumps({"train": [1.0], "validation": [1.0], "other": [1.0]}))
    assert asked.made().later == nothing.later
    write_record(last, json.dumps({}))
    made = asked.made()
    assert [artifact.name for artifact, _, _ in made.artifacts] == ["figure4"]
    assert made.later == (ARTIFACTS["table14"].title,)


@pytest.mark.usefixtures("workplace")
def test_a_claim_is_judged_once_all_its_questions_have_their_records() -> None:
    loss, rouge = (one for one in PREMISES if one.id in ("other-loss", "rouge"))
    asked = Asked((), tuple(questions([loss, rouge], STUDY)), STUDY)
    *most, last = records_of([each for each in asked.claims if each.premise == loss])
    for record in most:
        write_record(record, "{}")
    assert asked.made().claims == ()
    assert asked.made().later == (f"the claim “{loss.text}”", f"the claim “{rouge.text}”")
    write_record(last, "{}")
    made = asked.made()
    assert {each.alpha for each in made.claims} == set(loss.alphas)
    assert {each.premise for each in made.claims} == {loss}
    assert made.later == (f"the claim “{rouge.text}”",)


def test_every_record_of_a_run_is_made_in_the_first_stage_that_needs_the_run() -> None:
    names = ("figure4", "table1")
    every = [(ARTIFACTS[n], STUDY, ARTIFACTS[n].cells(STUDY)) for n in names]
    asked = Asked(tuple(every), tuple(questions(PREMISES, STUDY)), STUDY)
    stages = asked.stages()
    assert list(stages)[:2] == ["table1", "claims"]
    made = [record for records in stages.values() for record in records]
    wanted = {record for records in asked.records().values() for record in records}
    assert len(made) == len(wanted)
    assert set(made) == wanted
    runs = [{record.run.training for record in records} for records in stages.values()]
    assert sum(map(len, runs)) == len(set().union(*runs))
    of_table_1 = {r.run.training for r in asked.records()["table1"]}
    assert {r for r in wanted if r.run.training in of_table_1} == set(stages["table1"])


def test_the_page_lists_the_models_that_its_results_are_of(tmp_path: Path) -> None:
    figure = ARTIFACTS["figure4"]
    (tmp_path / "figure4.md").write_text("# Title\n\nAbout it.\n\nThe table.")
    page = results_page(
        Asked(((figure, STUDY, figure.cells(STUDY)),), (), STUDY), None, "", tmp_path
    )
    assert re.findall(r"^\| `([^`]+)`", page, re.MULTILINE) == ["llama-2-7b"]
    assert len(NANO.models) > 1
