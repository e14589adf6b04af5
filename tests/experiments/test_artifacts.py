"""Tables and figures: which there are, how they are found, and which runs they ask for."""

import json
import pkgutil
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import experiments.artifacts
from experiments import figures, tables
from experiments.artifacts import ARTIFACTS, at_scale
from experiments.cells.render import all_records
from experiments.commands.paper import everything
from experiments.paths import RESULTS
from experiments.roles.instruction_sets import EVOL_INSTRUCT, SHAREGPT
from experiments.runs.real_models import NOT_TUNED
from experiments.runs.selection import PUBLISHED
from experiments.runs.study import Study
from experiments.scales.nano import NANO
from experiments.scales.paper import PAPER
from experiments.scales.scale import Scale
from experiments.scales.small import SMALL
from neftune.distributions import Noise
from tests.experiments.cells.made_up import made_up

OF_THE_PAPER = [*(f"table{n}" for n in range(1, 15)), *(f"figure{n}" for n in range(1, 10))]
FILES = [
    f"{package.__name__}.{module.name}"
    for package in (tables, figures)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", FILES)
def test_every_file_defines_the_artifact_of_its_name(name: str) -> None:
    artifact = import_module(name).ARTIFACT
    assert artifact.name == name.rpartition(".")[2]
    assert ARTIFACTS[artifact.name] is artifact


def test_the_papers_tables_and_figures_are_all_there_and_come_first() -> None:
    assert list(ARTIFACTS)[: len(OF_THE_PAPER)] == OF_THE_PAPER
    assert list(ARTIFACTS)[len(OF_THE_PAPER) :] == [
        "benchmarks",
        "budget",
        "curves",
        "human",
        "matched",
        "phase",
        "real",
        "rivals",
        "sets",
        "trajectories",
        "treatments",
    ]
    assert len(ARTIFACTS) == len(FILES)


def test_a_new_file_is_a_new_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\n"
        "from experiments.tables import table6\n"
        'ARTIFACT = replace(table6.ARTIFACT, name="mine", title="My own table")\n'
    )
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    found = experiments.artifacts._found()
    assert found["mine"].title == "My own table"
    assert list(found)[: len(OF_THE_PAPER)] == OF_THE_PAPER
    assert set(found) == {*ARTIFACTS, "mine"}


@pytest.mark.parametrize("name", ARTIFACTS)
def test_every_artifact_asks_for_the_records_of_its_own_seeds(name: str, study: Study) -> None:
    artifact = ARTIFACTS[name]
    records = all_records(artifact.cells(replace(study, seeds=artifact.seeds)))
    for record in records:
        assert record.path.is_relative_to(record.run.folder)
    assert {record.run.seed for record in records} <= set(range(artifact.seeds))


@pytest.mark.parametrize("name", ARTIFACTS)
@pytest.mark.parametrize("scale", (SMALL, PAPER), ids=lambda scale: scale.name)
def test_every_artifact_can_be_asked_for_at_every_scale_without_any_download(
    name: str, scale: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*arguments: object, **settings: object) -> None:
        raise AssertionError("something was downloaded")

    for module in ("fetch", "real_sets"):
        monkeypatch.setattr(f"experiments.scales.{module}.local", unreachable)
        monkeypatch.setattr(f"experiments.scales.{module}.pinned", unreachable)
    asked = Study(scale, 2, PUBLISHED)
    assert all(record.path for record in all_records(ARTIFACTS[name].cells(asked)))


def test_the_base_model_has_llama_2_7bs_alphas_on_other_sets() -> None:
    cells = ARTIFACTS["sets"].cells(Study(SMALL, 1, PUBLISHED))
    runs = {run for cell in cells for group in cell.groups for run in group}
    assert {(run.model, run.dataset, run.noise) for run in runs} == {
        ("llama-2-7b", dataset, Noise(alpha))
        for dataset, paper in ((EVOL_INSTRUCT, 5), (SHAREGPT, 10))
        for alpha in (0, paper)
    }


def test_a_scale_says_with_how_many_seeds_it_makes_a_result() -> None:
    assert {each.name: each.seeds for each in everything(SMALL)} == SMALL.artifacts
    assert at_scale("table1", SMALL).seeds == 1
    assert at_scale("table1", NANO).seeds == ARTIFACTS["table1"].seeds == 5
    table = json.loads((RESULTS / "small" / "table1.json").read_text())
    sets = {cell["column"]: len(cell["seeds"]) for cell in table["cells"]}
    assert sets == {"Alpaca": 1, "Evol-Instruct": 1, "ShareGPT": 1, "Average": 1}


def test_a_model_before_tuning_is_paired_with_no_training_by_seed() -> None:
    """It is one run, so under each seed its answers would be set against those of one training."""
    cells = ARTIFACTS["real"].cells(Study(SMALL, 2, PUBLISHED))
    paired = [cell for cell in cells if "the answer without noise" in cell.metric.title]
    assert {cell.row for cell in paired} >= {"alpha 5", "no noise, stopped after epoch 1"}
    assert NOT_TUNED not in {cell.row for cell in paired}
    assert len({cell.metric.title for cell in cells if cell.row == NOT_TUNED}) == 8


@pytest.mark.parametrize("name", ARTIFACTS)
def test_every_picture_has_a_message_with_numbers_and_can_be_read(name: str) -> None:
    from matplotlib import pyplot
    from matplotlib.text import Text

    artifact = ARTIFACTS[name]
    figure: Any = artifact.draw(
        made_up(artifact, Study(NANO, 2, PUBLISHED)), f"{artifact.title}\nMeasured with nothing"
    )
    figure.canvas.draw()
    message = figure._suptitle.get_text()
    assert re.search(r"\d", message)
    assert "nan" not in message
    assert not message.startswith(("Table", "Figure"))
    notes = [text for text in figure.texts if "Measured with nothing" in text.get_text()]
    assert artifact.title in " ".join(text.get_text() for text in notes).replace("\n", " ")
    assert figure.get_tightbbox().width * figure.dpi <= 1100
    written = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert min(text.get_fontsize() for text in written) >= 8
    for axis in figure.axes:
        assert not axis.get_tightbbox().overlaps(notes[0].get_window_extent())
    labels = [
        text.get_window_extent()
        for axis in figure.axes
        if axis.axison
        for text in (*axis.get_yticklabels(), *axis.texts, axis._left_title, axis.title)
        if text.get_text()
    ]
    for place, box in enumerate(labels):
        assert not any(box.overlaps(other) for other in labels[place + 1 :])
    pyplot.close(figure)
