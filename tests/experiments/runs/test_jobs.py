"""How records are made, from what there is; and errors, which name their record."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import is_flash_attn_2_available

from eval.judge_api import Usage
from experiments.figures import human
from experiments.names import UnknownNameError
from experiments.nano.answers import reference_answer
from experiments.nano.tasks import Task, evaluation_tasks
from experiments.published import HUMAN_STUDY
from experiments.roles.instruction_sets import ALPACA, SHAREGPT
from experiments.runs import jobs
from experiments.runs.dose import dose_at, dose_record
from experiments.runs.jobs import JobError, code_commit, make
from experiments.runs.manifest import Entry, digest, read_manifest, write_entries
from experiments.runs.provenance import commit, commits
from experiments.runs.record import Record
from experiments.runs.run import Run, read_run
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from neftune.training.base_model import load_model_and_tokenizer, load_tokenizer
from neftune.training.epochs import EPOCHS
from tests.experiments.records import write_record
from tests.experiments.two_runs import RUNS
from tests.paths import ROOT

RUN, OTHER = RUNS
LONGER = replace(RUN, recipe=replace(RUN.recipe, epochs=3))


@pytest.mark.skipif(is_flash_attn_2_available(), reason="flash-attn is installed here")
def test_an_attention_that_is_not_installed_is_an_error_that_says_what_it_needs(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTENTION", "flash_attention_2")
    run = replace(RUN)  # the attention is part of its key
    run.write_spec()
    with pytest.raises(JobError, match="1 of 1 records could not be made"):
        make([Record(run, "checkpoint").path])
    says = "ATTENTION=flash_attention_2 needs an NVIDIA GPU and the package flash-attn"
    assert says in capsys.readouterr().err
    assert not (run.folder / "model").exists()


def write_answers(run: Run, answer: Callable[[Task], str]) -> None:
    """Responses of a run that was never trained."""
    rows = [
        {
            "instruction": task.instruction,
            "output": answer(task),
            "generator": run.key,
            "dataset": task.subset,
        }
        for task in evaluation_tasks("test")
    ]
    run.write_spec()
    write_record(Record(run, "responses"), json.dumps(rows))


def test_a_judge_is_asked_on_responses_without_any_checkpoint(workplace: Path) -> None:
    write_answers(RUN, reference_answer)
    verdicts = Record(RUN, "verdicts", judge="gpt-4")
    make([verdicts.path])
    assert set(verdicts.read()) == {1.5}
    entry = read_manifest(RUN.folder, RUN.key)[verdicts.name]
    assert entry.commit == code_commit()
    assert commits([entry, replace(entry, commit=None)]) == [code_commit()]
    assert not Record(RUN, "checkpoint").exists()


def test_a_commit_is_told_where_there_is_one_and_git(monkeypatch: pytest.MonkeyPatch) -> None:
    here = commit().removesuffix("+changes")
    if (ROOT / ".git").exists():
        assert re.fullmatch("[0-9a-f]{40}", here)
    monkeypatch.setenv("PATH", "")
    assert commit() == "unknown (no git, or not a git checkout)"


def test_two_runs_are_compared_on_140_instructions_with_sides_in_random_order(
    workplace: Path,
) -> None:
    write_answers(RUN, reference_answer)
    write_answers(OTHER, lambda task: "")
    record = Record(RUN, "head_to_head", judge="gpt-4", other=OTHER)
    reverse = Record(OTHER, "head_to_head", judge="gpt-4", other=RUN)
    make([record.path, reverse.path])
    rows = record.read()
    assert len({row["instruction"] for row in rows}) == len(rows) == HUMAN_STUDY["pairs"]
    assert 40 < sum(row["generator_2"] == RUN.key for row in rows) < 100
    won, lost = outcomes(record), outcomes(reverse)
    assert won == {instruction: 1 - outcome for instruction, outcome in lost.items()}
    assert sum(won.values()) / len(won) > 0.8  # the other run has said nothing


def outcomes(record: Record) -> dict[str, float]:
    """By instruction, 1 where the record's run won and 0 where it lost."""
    values = human.OUTCOME.values(record)
    return dict(zip((row["instruction"] for row in record.read()), values, strict=True))


def test_flips_are_those_of_the_base_model(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ALPHAS", (1.0, 100.0))
    monkeypatch.setattr(jobs, "LENGTHS", (16,))
    monkeypatch.setattr(jobs, "SHOWN", ((100.0, 16),))
    RUN.write_spec()
    record = Record(RUN, "flips")
    make([record.path])
    found = record.read()
    counts = found["tokens of the vocabulary"]["16"]
    assert 0 <= counts["1"] < counts["100"] <= found["vocabulary"] == len(found["norms"])
    shares = found["share of each training example, %"]
    assert len(shares["100"]) == len(NANO.rows(RUN.dataset, "train"))
    assert not Record(RUN, "checkpoint").exists()


def test_a_dose_grows_with_alpha_and_is_read_for_its_own_model_and_set(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, study: Study
) -> None:
    monkeypatch.setattr(jobs, "EXAMPLES", 4)
    monkeypatch.setattr(jobs, "DRAWS", 2)
    record = dose_record(study, "llama-2-7b", ALPACA)
    record.run.write_spec()
    make([record.path])
    doses = [dose_at(study, "llama-2-7b", ALPACA, alpha) for alpha in (5, 10, 15)]
    assert 0 < doses[0] < doses[1] < doses[2]
    with pytest.raises(UnknownNameError, match="alpha with a measured dose '7'; known: 10, 15, 5"):
        dose_at(study, "llama-2-7b", ALPACA, 7)
    assert not Record(record.run, "checkpoint").exists()
    assert dose_record(study, "llama-2-7b", ALPACA) != dose_record(study, "llama-2-7b", SHAREGPT)


def test_an_error_names_its_record_and_does_not_stop_the_others(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_answers(RUN, reference_answer)
    unknown, verdicts = RUN.folder / "nothing.json", Record(RUN, "verdicts", judge="gpt-4")
    with pytest.raises(JobError, match="1 of 2 records could not be made"):
        make([unknown, verdicts.path])
    assert f"error: {unknown}: {unknown}: no kind of record" in capsys.readouterr().err
    assert verdicts.exists()


@pytest.mark.usefixtures("workplace")
def test_costs_of_both_orders_are_added_and_an_unknown_price_stays_unknown() -> None:
    record = Record(RUN, "verdicts", judge="gpt-4")
    spent = record.path.with_name("usage.json")
    known, unknown = Usage(2, 30, 4, 0.5), Usage(1, 10, 2, None)
    jobs._write_usage(record, [known, known])
    assert json.loads(spent.read_text()) == asdict(Usage(4, 60, 8, 1.0))
    jobs._write_usage(record, [known, unknown])
    assert json.loads(spent.read_text()) == asdict(Usage(3, 40, 6, None))
    spent.unlink()
    jobs._write_usage(record, [None])
    assert not spent.exists()


def write_training(run: Run) -> dict[str, torch.Tensor]:
    """A training's records with weights of 1 above the base model's; after epoch 1, of .5."""
    base, tokenizer = load_model_and_tokenizer(NANO.base(run.model), run.recipe, seed=0)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    checkpoint = Record(run, "checkpoint")
    folder = checkpoint.path.parent
    run.write_spec()
    for place in (folder / EPOCHS / "1", folder):
        with torch.no_grad():
            for value in base.parameters():
                value.add_(0.5)
        base.save_pretrained(place)
    tokenizer.save_pretrained(folder)
    entries = {checkpoint.name: Entry(digest(checkpoint.files), {}, "a machine; float32", 1.0)}
    for kind in ("log", "settings"):
        record = Record(run, kind)
        record.path.write_text("{}\n")
        entries[record.name] = Entry(digest(record.files), {}, "a machine; float32", 0.0)
    write_entries(run.folder, run.key, entries)
    return before


@pytest.mark.parametrize(
    ("changed", "above"), [({"interpolation": 0.25}, 0.25), ({"stopped": 1}, 0.5)]
)
def test_weights_are_derived_from_another_runs_training(
    changed: dict[str, Any], above: float, workplace: Path
) -> None:
    before = write_training(LONGER)
    derived = replace(LONGER, **changed)
    assert read_run(derived.write_spec().parent) == derived
    made = Record(derived, "checkpoint")
    make([made.path])
    checkpoint = Record(LONGER, "checkpoint")
    entry = checkpoint.entry()
    assert entry is not None
    assert made.sources() == {f"{LONGER.key}/{checkpoint.name}": entry.sha256}
    found = AutoModelForCausalLM.from_pretrained(made.path.parent).state_dict()
    for name, value in before.items():
        torch.testing.assert_close(found[name], value + above)
    assert load_tokenizer(made.path.parent)
    assert not (made.path.parent / EPOCHS).exists()


@pytest.mark.parametrize("epoch", (0, 3))
def test_a_run_is_stopped_before_its_last_epoch(epoch: int) -> None:
    with pytest.raises(ValueError, match="stopped must be an epoch before the last of 3"):
        replace(LONGER, stopped=epoch)
    with pytest.raises(ValueError, match="either stopped early or interpolated"):
        replace(LONGER, stopped=1, interpolation=0.5)


@pytest.mark.parametrize("share", (0.0, 1.5, -1.0))
def test_weights_lie_nowhere_else_than_between(share: float) -> None:
    with pytest.raises(ValueError, match="interpolation must be above 0 and at most 1"):
        replace(RUN, interpolation=share)
