"""What a result says of its settings, at every scale."""

import json
from dataclasses import asdict

import pytest

from experiments.artifacts import ARTIFACTS
from experiments.cells.cell import Cell
from experiments.cells.metrics import TRAIN_LOSS
from experiments.cells.render import markdown
from experiments.cells.settings import (
    measured_with,
    noise_title,
    settings_of,
    settings_text,
    training_records,
)
from experiments.published import EXAMPLES
from experiments.roles.instruction_sets import ALPACA
from experiments.runs.selection import PUBLISHED, Selection
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.scale import Scale
from neftune.distributions import Noise
from tests.experiments.records import write_record

OF_THE_LABORATORY = ("laboratory", "made-up", "made up", "2.4M", "stand-in", "stands in", "oracle")


def text_of(name: str, scale: Scale, selection: Selection) -> str:
    """An artifact's Markdown, with the titles of its cells in place of numbers."""
    artifact = ARTIFACTS[name]
    study = Study(scale, artifact.seeds, selection)
    cells = artifact.cells(study)
    for record in training_records(cells):
        content = {
            "recipe": asdict(record.run.recipe),
            "execution": asdict(scale.execution(record.run.model, record.run.recipe)),
            "examples": EXAMPLES[record.run.dataset.role],
        }
        write_record(record, json.dumps(content))
    titles = dict.fromkeys((c.row, c.column, c.metric.title) for c in cells)
    note = scale.notes.get(name, "")
    return markdown(artifact, [["", "", ""], *titles], settings_of(cells, study), note)


@pytest.mark.parametrize("name", ARTIFACTS)
@pytest.mark.usefixtures("workplace")
def test_nothing_of_the_laboratory_is_said_at_the_papers_scale(name: str) -> None:
    text = text_of(name, PAPER, PUBLISHED)
    assert "Scale `paper`" in text
    assert [words for words in OF_THE_LABORATORY if words in text.lower()] == []


@pytest.mark.usefixtures("workplace")
def test_the_papers_own_settings_stand_under_its_table() -> None:
    text = text_of("table2", PAPER, PUBLISHED)
    assert "Models: LLaMA-2 7B (`meta-llama/Llama-2-7b-hf`);" in text
    assert "Judge: GPT-4." in text
    titles = next(line for line in text.splitlines() if "learning rate |" in line)
    (row,) = [line for line in text.splitlines() if line.startswith("| LLaMA-2 70B ")]
    found = dict(
        zip(
            *([p.strip() for p in line.strip("|").split("|")] for line in (titles, row)),
            strict=True,
        )
    )
    assert found == {
        "model": "LLaMA-2 70B",
        "instruction set": "Evol-Instruct",
        "rows": "70,000",
        "epochs": "3",
        "learning rate": "2e-05",
        "batch": "64",
        "longest example, tokens": "2048",
        "weight decay": "0.1",
        "examples a pass": "1",
        "noise": "none; uniform 15",
    }
    assert "Every training: learning rate schedule cosine, warmup share 0.03, gradient" in text


@pytest.mark.usefixtures("workplace")
def test_the_same_result_names_the_stand_ins_in_the_laboratory(selection: Selection) -> None:
    text = text_of("table1", NANO, selection)
    assert "a 2.4M-parameter stand-in for LLaMA-2 7B (`experiments/nano/models/llama-2-7b`)" in text
    assert "an oracle that knows the made-up world" in text


@pytest.mark.parametrize(
    ("noise", "title"),
    (
        (Noise(0, "gaussian"), "none"),
        (Noise(5), "uniform 5"),
        (Noise(7.5, "gaussian", "padded"), "gaussian 7.5, padded L"),
    ),
)
def test_a_noise_is_named_with_all_that_differs_from_the_papers(noise: Noise, title: str) -> None:
    assert noise_title(noise) == title


@pytest.mark.usefixtures("workplace")
def test_settings_that_differ_between_trainings_have_a_column_each(study: Study) -> None:
    runs = {
        "| 0 ": study.baseline(ALPACA, epochs=0),
        "| qlora ": study.baseline(ALPACA, adapter="qlora"),
        "| attention and lm_head ": study.neft(ALPACA, frozen=("attention", "lm_head")),
        "| steps 2, magnitude": study.freelb(ALPACA, model="llama-1-7b"),
    }
    cells = [Cell(row, "", TRAIN_LOSS, (group,)) for row, group in runs.items()]
    for record in training_records(cells):
        content = {"recipe": asdict(record.run.recipe), "execution": {}, "examples": 500}
        write_record(record, json.dumps(content))
    settings = settings_of(cells, study)
    text = settings_text(settings)
    assert [words for words in runs if words not in text] == []
    assert "Judge" not in text
    assert measured_with(settings).endswith("; 2 seeds")


@pytest.mark.usefixtures("workplace")
def test_trainings_that_differ_in_any_hyperparameter_have_a_row_each(study: Study) -> None:
    groups = [
        study.baseline(ALPACA, weight_decay=decay, warmup=warmup)
        for decay in (0.0, 0.1)
        for warmup in (0.0, 0.03)
    ]
    cells = [Cell(str(place), "", TRAIN_LOSS, (group,)) for place, group in enumerate(groups)]
    for record in training_records(cells):
        content = {"recipe": asdict(record.run.recipe), "execution": {}, "examples": 500}
        write_record(record, json.dumps(content))
    found = settings_of(cells, study)["trainings"]
    assert [(t["recipe"]["weight_decay"], t["recipe"]["warmup"]) for t in found] == [
        (0.0, 0.0),
        (0.0, 0.03),
        (0.1, 0.0),
        (0.1, 0.03),
    ]


@pytest.mark.usefixtures("workplace")
def test_how_often_states_are_saved_parts_no_trainings(study: Study) -> None:
    cells = [Cell("", "", TRAIN_LOSS, (study.baseline(ALPACA),))]
    one, two = training_records(cells)
    for record, steps in ((one, 100), (two, 8)):
        execution = {"checkpoint_steps": steps, "packed": True}
        content = {"recipe": asdict(record.run.recipe), "execution": execution, "examples": 500}
        write_record(record, json.dumps(content))
    (training,) = settings_of(cells, study)["trainings"]
    assert training["execution"] == {"packed": True}
