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

OF_THE_LABORATORY = ("laboratory", "made-up", "made up", "2.4M", "stand-in", "stands in", "oracle")


def text_of(name: str, scale: Scale, selection: Selection) -> str:
    """An artifact's Markdown, with the titles of its cells in place of numbers."""
    artifact = ARTIFACTS[name]
    study = Study(scale, artifact.seeds, selection)
    cells = artifact.cells(study)
    for record in training_records(cells):
        record.path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "recipe": asdict(record.run.recipe),
            "examples": EXAMPLES[record.run.dataset.role],
        }
        record.path.write_text(json.dumps(content))
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
    assert "Models: LLaMA-2 7B (meta-llama/Llama-2-7b-hf);" in text
    assert "Judge: GPT-4." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| LLaMA-2 70B ")]
    found = [part.strip() for part in row.strip("|").split("|")]
    assert found[1:] == [
        *("Evol-Instruct", "70,000", "3", "2e-05", "64", "2048"),
        *("all weights", "none; uniform 15"),
    ]


@pytest.mark.usefixtures("workplace")
def test_the_same_result_names_the_stand_ins_in_the_laboratory(selection: Selection) -> None:
    text = text_of("table1", NANO, selection)
    assert "2.4M-parameter stand-in for LLaMA-2 7B (" in text
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
def test_what_trains_is_said(study: Study) -> None:
    runs = {
        "nothing": study.baseline(ALPACA, epochs=0),
        "adapter of rank 8 on 4-bit weights": study.baseline(ALPACA, adapter="qlora"),
        "all but attention, lm_head": study.neft(ALPACA, frozen=("attention", "lm_head")),
        "all weights, with FreeLB of strength": study.freelb(ALPACA, model="llama-1-7b"),
    }
    cells = [Cell(row, "", TRAIN_LOSS, (group,)) for row, group in runs.items()]
    for record in training_records(cells):
        record.path.parent.mkdir(parents=True, exist_ok=True)
        record.path.write_text(json.dumps({"recipe": asdict(record.run.recipe), "examples": 500}))
    settings = settings_of(cells, study)
    text = settings_text(settings)
    assert [words for words in runs if words not in text] == []
    assert "Judge" not in text
    assert measured_with(settings).endswith("; 2 seeds")
