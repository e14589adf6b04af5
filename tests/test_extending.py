"""The examples of docs/extending.md work as they are written there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments import artifacts, tables
from experiments.cells import metrics
from experiments.names import UnknownNameError
from experiments.roles import models, sources
from experiments.roles.instruction_sets import ALPACA
from experiments.roles.judges import JUDGES, Judge, Shipped
from experiments.runs.record import Record
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from neftune import distributions
from neftune.noise import sample
from tests.experiments.records import write_record
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "extending.md").read_text()


def example(heading: str) -> str:
    """The Python block under a heading."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_new_file_is_a_new_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dropout.py").write_text(example("A table or figure"))
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    found = artifacts._found()
    assert set(found) == {*artifacts.ARTIFACTS, "dropout"}
    selection = PUBLISHED
    runs = [cell.groups[0][0] for cell in found["dropout"].cells(Study(NANO, 3, selection))]
    assert {run.recipe.adapter_dropout for run in runs} == {0.0, 0.05, 0.1, 0.2}
    assert len({run.key for run in runs}) == 4


def test_a_new_entry_is_a_new_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="triangular"):
        distributions.Noise(5, "triangular")
    scope = {"Distribution": distributions.Distribution}
    (entry,) = eval("{" + example("A noise distribution") + "}", scope).items()
    monkeypatch.setitem(distributions.DISTRIBUTIONS, *entry)
    lengths = torch.full((1, 4000), 4000)
    drawn = sample(distributions.Noise(5, "triangular"), 8, lengths, torch.Generator())
    expected = 25 * entry[1].variance / (4000 * 8)
    assert drawn.square().mean().item() == pytest.approx(expected, rel=0.03)


def test_a_new_entry_is_a_new_model(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(PAPER, 1, PUBLISHED)
    with pytest.raises(UnknownNameError, match="mistral-7b"):
        study.baseline(ALPACA, model="mistral-7b")
    scope = {**vars(models), **vars(sources)}
    (entry,) = eval("{" + example("A model") + "}", scope).items()
    monkeypatch.setitem(models.MODELS, *entry)
    (run,) = study.baseline(ALPACA, model="mistral-7b")
    assert run.recipe.lr == PAPER.base_recipe.lr
    assert PAPER.model_title(run.model) == "Mistral 7B"


def test_a_new_entry_is_a_new_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = eval("{" + example("A judge") + "}", {"Judge": Judge, "Shipped": Shipped}).items()
    monkeypatch.setitem(JUDGES, *entry)
    assert (PAPER.judge("gpt-4-turbo") / "configs.yaml").is_file()
    with pytest.raises(UnknownNameError, match="gpt-4-turbo"):
        NANO.judge("gpt-4-turbo")


def test_a_metric_is_a_title_the_records_it_reads_and_a_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {**vars(metrics), "np": np}
    exec(example("A metric"), scope)
    run = Study(NANO, 1, PUBLISHED).baseline(ALPACA)[0]
    record = Record(run, "responses")
    write_record(record, '[{"output": "Why?"}, {"output": "So."}]')
    assert scope["QUESTIONS_ASKED"].values(record).tolist() == [100.0, 0.0]
